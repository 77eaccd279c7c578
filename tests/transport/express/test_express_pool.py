"""The express lane, where the tests of both lanes do not reach."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import http_parser
from yarl import URL

from tests.transport.tcp import CALL, SOON, Connection, answer, fine, hang, serving
from wabotick_async import ConfigurationError, ExpressPool, Limits, NotSentError, OutcomeUnknownError, WabotickClient
from wabotick_async.transport import SessionPool
from wabotick_async.transport.express.opener import Opener
from wabotick_async.transport.express.route import Route
from wabotick_async.wire import HTTPRequest, Multipart

TOKEN = "1|SECRETSECRETSECRETSECRETSECRET"


@contextlib.asynccontextmanager
async def express(base_url: str, **settings: Any) -> AsyncIterator[ExpressPool]:
    pool = ExpressPool(base_url, **{"limits": Limits(concurrency=4), **settings})
    try:
        yield pool
    finally:
        await pool.close()


# --- which lane


@pytest.mark.parametrize("lane", ["session", "express"])
async def test_the_client_takes_the_lane_that_it_is_told(lane: Any) -> None:
    kind = {"session": SessionPool, "express": ExpressPool}[lane]
    assert type(WabotickClient(TOKEN, lane=lane)._pool) is kind
    async with aiohttp.ClientSession() as session:
        assert type(WabotickClient(TOKEN, lane=lane, session=session)._pool) is SessionPool
    pool: Any = object()
    assert WabotickClient(TOKEN, lane=lane, pool=pool)._pool is pool


def test_another_lane_is_refused() -> None:
    wrong: Any = "fast"
    with pytest.raises(ConfigurationError, match="lane: expected"):
        WabotickClient(TOKEN, lane=wrong)


@pytest.mark.parametrize("why", ["another release", "no compiled parser", "another connector"])
async def test_without_what_it_was_tested_with_it_is_a_session_pool(why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if why == "another release":
        monkeypatch.setattr(aiohttp, "__version__", "3.15.0")
    elif why == "no compiled parser":
        monkeypatch.setattr(http_parser, "HttpResponseParser", http_parser.HttpResponseParserPy)
    else:
        monkeypatch.setattr(aiohttp.TCPConnector, "connect", lambda self, request: None)
    async with express("http://127.0.0.1:9") as pool:
        assert "as a session pool" in repr(pool)
        monkeypatch.undo()
        async with serving(fine) as server:
            pool._sessions._hosts = (server.url, server.url)
            assert (await pool.post(CALL, SOON)).status == 200
        assert not pool._open


async def test_an_upload_goes_through_a_session() -> None:
    body = Multipart(fields={}, file_field="f", file=b"x", file_name="a", content_type="image/png")
    async with serving(fine) as server, express(server.url) as pool:
        await pool.post(HTTPRequest(path="/a", body=body), SOON)
        assert not pool._open
        assert b"multipart/form-data" in server.requests[0][0]


# --- connections


async def test_connections_to_two_hosts_share_one_bound() -> None:
    limits = Limits(concurrency=2)
    team = msgspec.structs.replace(CALL, team_host=True)
    async with (
        serving(fine) as one,
        serving(fine) as two,
        express(one.url, team_base_url=two.url, limits=limits) as pool,
    ):
        for call in (CALL, team, CALL):
            await asyncio.gather(*(pool.post(call, SOON) for _ in range(12)))
            assert len([each for each in pool._open if not each.is_closing]) <= limits.connections


async def test_requests_beyond_the_bound_wait_for_a_connection() -> None:
    limits = Limits(concurrency=2)
    async with serving(fine) as server, express(server.url, limits=limits) as pool:
        answers = await asyncio.gather(*(pool.post(CALL, SOON) for _ in range(40)))
        assert {one.status for one in answers} == {200}
        assert server.connections <= limits.connections


async def test_a_connection_is_used_again_and_the_freshest_first() -> None:
    async with serving(fine) as server, express(server.url) as pool:
        await asyncio.gather(*(pool.post(CALL, SOON) for _ in range(3)))
        freshest = next(iter(pool._idle.values()))._kept[-1][0]
        await pool.post(CALL, SOON)
        assert next(iter(pool._idle.values()))._kept[-1][0] is freshest
        assert server.connections == 3


async def test_without_keep_alive_the_server_is_told() -> None:
    async with serving(fine) as server, express(server.url, limits=Limits(keep_alive=False)) as pool:
        await pool.post(CALL, SOON)
        assert b"\r\nConnection: close\r\n" in server.requests[0][0]


async def test_two_answers_to_one_request_are_none() -> None:
    async def twice(connection: Connection) -> None:
        await connection.request()
        await connection.write(answer(b'{"status":"1"}') + answer(b'{"status":"0"}'))
        await asyncio.sleep(1)

    async with serving(twice) as server, express(server.url) as pool:
        with pytest.raises(OutcomeUnknownError, match="more than one answer"):
            await pool.post(CALL, SOON)


async def test_a_cancelled_request_takes_its_connection_along() -> None:
    async with serving(hang) as server, express(server.url) as pool:
        task = asyncio.create_task(pool.post(CALL, SOON))
        await server.arrival()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0)
        assert not pool._open


# --- the end


async def test_closing_does_not_wait_for_a_connection_that_is_being_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    began = asyncio.Event()

    async def opens(*_: object) -> None:
        began.set()
        await asyncio.sleep(30)

    monkeypatch.setattr(Opener, "open", opens)
    async with express("http://127.0.0.1:9") as pool:
        task = asyncio.create_task(pool.post(CALL, SOON))
        await began.wait()
        await pool.close()
        with pytest.raises(NotSentError, match="closed") as caught:
            await task
    assert caught.value.fatal


async def test_a_connection_that_is_open_too_late_is_not_used() -> None:
    async with serving(fine) as server, express(server.url) as pool:
        await pool.post(CALL, SOON)
        link = await pool._opener.open(URL(server.url), 1.0)
        pool._closed = True
        with pytest.raises(NotSentError, match="closed"):
            pool._driven(link)
        assert link.closed


async def test_two_may_close_it_at_once() -> None:
    async with serving(fine) as server, express(server.url) as pool:
        await asyncio.gather(*(pool.post(CALL, SOON) for _ in range(3)))
        await asyncio.gather(pool.close(), pool.close())
        assert not pool._open


def test_it_may_be_closed_in_another_loop() -> None:
    pool = ExpressPool("http://127.0.0.1:9", limits=Limits())

    async def fails() -> None:
        with pytest.raises(NotSentError):
            await pool.post(CALL, SOON)

    asyncio.run(fails())
    asyncio.run(pool.close())


# --- addresses


def test_a_route_is_written_once() -> None:
    route = Route(URL("https://app.wabotick.com/api/v1/a"), proxy=URL("http://u:p@proxy"), keep_alive=True)
    assert route.head.startswith(b"POST /api/v1/a HTTP/1.1\r\nHost: app.wabotick.com\r\nAccept: application/json\r\n")
    assert route.head.endswith(b"\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ")
    assert b"Proxy" not in route.head


def test_a_proxy_of_plain_http_gets_the_whole_address_and_its_login() -> None:
    route = Route(URL("http://127.0.0.1:9/a"), proxy=URL("http://user:word@proxy"), keep_alive=True)
    assert route.head.startswith(b"POST http://127.0.0.1:9/a HTTP/1.1\r\nHost: 127.0.0.1:9\r\n")
    assert b"\r\nProxy-Authorization: Basic dXNlcjp3b3Jk\r\n" in route.head
    assert repr(route) == "Route('http://127.0.0.1:9/a')"


async def test_a_proxy_of_a_wrong_form_sends_nothing() -> None:
    async with express("http://127.0.0.1:9", proxy="http://[") as pool:
        with pytest.raises(NotSentError):
            await pool.post(CALL, SOON)


# --- another event loop


def test_it_runs_on_uvloop() -> None:
    uvloop = pytest.importorskip("uvloop")

    async def stray(connection: Connection) -> None:
        await connection.request()
        await connection.write(answer())
        await connection.write(answer() if connection.number == 1 else b"")
        await fine(connection)

    async def play() -> None:
        async with serving(stray) as server, express(server.url) as pool:
            with contextlib.suppress(OutcomeUnknownError):  # where the stray answer comes in the same piece
                await pool.post(CALL, SOON)
            await asyncio.sleep(0.01)
            for _ in range(3):
                assert (await pool.post(CALL, SOON)).status == 200
            assert server.connections == 2

    uvloop.run(play())


async def test_a_name_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    loop, asked = asyncio.get_running_loop(), []

    async def getaddrinfo(host: str, port: int, **_: object) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(loop, "getaddrinfo", getaddrinfo)
    async with serving(fine) as server:
        url = server.url.replace("127.0.0.1", "somewhere.test")
        async with express(url, limits=Limits(keep_alive=False)) as pool:
            for _ in range(3):
                await pool.post(CALL, SOON)
    assert asked.count("somewhere.test") == 1
