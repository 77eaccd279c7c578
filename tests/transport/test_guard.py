"""The guard, where the pool's tests do not reach."""

from __future__ import annotations

import select
import socket
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest

from tests.transport.tcp import answer, saying_twice, serving
from wabotick_async import GuardedRequest
from wabotick_async.transport.guard import StaleConnectionError, _readable


def connection(sock: socket.socket | None) -> Any:
    transport = None if sock is None else SimpleNamespace(get_extra_info=lambda _: sock)
    return SimpleNamespace(transport=transport)


def test_a_connection_without_a_transport_is_not_used() -> None:
    assert _readable(connection(None))


@pytest.mark.parametrize("poll", [True, False], ids=["poll", "select"])
def test_bytes_on_an_idle_connection_are_seen(poll: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not poll:
        monkeypatch.delattr(select, "poll")
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert not _readable(connection(ours))
        theirs.send(b"x")
        assert _readable(connection(ours))


async def test_it_guards_a_users_own_requests_too() -> None:
    async with serving(saying_twice) as server, aiohttp.ClientSession(request_class=GuardedRequest) as session:
        async with session.post(server.url) as response:
            assert await response.read() == answer()[-len(b'{"status":"1"}') :]
        await server.spoken.wait()
        with pytest.raises(StaleConnectionError):
            await session.post(server.url)
