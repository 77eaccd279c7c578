"""Which lane carries what, and that a mocked session is never passed by."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from aioresponses import aioresponses

from wabotick_async import BulkSender, ConfigurationError, SendText, WabotickClient
from wabotick_async.bulk import MemoryJournal
from wabotick_async.endpoints import registry
from wabotick_async.sandbox import Sandbox
from wabotick_async.transport import GuardedRequest
from wabotick_async.transport.express import ExpressPool

TOKEN, NUMBER = "1|" + "a" * 40, "100000000000001"
ANSWER = '{"status":"1","message":"sent","wa_message_id":"wamid.%d"}'


def text(number: int) -> SendText:
    return SendText(phone_number=str(919_000_000_000 + number), message="hello")


@pytest.fixture
def carried(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note what carries each request of the test."""
    carried: list[str] = []
    express, session = ExpressPool.post, aiohttp.ClientSession.post

    def noted(pool: Any, *values: Any, **named: Any) -> Any:
        carried.append("express")
        return express(pool, *values, **named)

    def noted_session(opened: Any, *values: Any, **named: Any) -> Any:
        carried.append("session")
        return session(opened, *values, **named)

    monkeypatch.setattr(ExpressPool, "post", noted)
    monkeypatch.setattr(aiohttp.ClientSession, "post", noted_session)
    return carried


@pytest.mark.parametrize(
    ("lane", "single", "bulk"),
    [(None, "session", "express"), ("session", "session", "session"), ("express", "express", "express")],
)
async def test_each_lane_carries_what_it_says(carried: list[str], lane: Any, single: str, bulk: str) -> None:
    chosen = {} if lane is None else {"lane": lane}
    async with (
        Sandbox(auto_window=True) as sandbox,
        WabotickClient(sandbox.token, phone_number_id=NUMBER, base_url=sandbox.base_url, **chosen) as client,
    ):
        await client.send(text(0))
        assert carried == [single]
        report = await BulkSender(client, journal=MemoryJournal()).run([text(1), text(2)])
        assert report.accepted == 2
        assert carried == [single, bulk, bulk]


async def test_your_own_session_carries_bulk_sends_too(carried: list[str]) -> None:
    async with (
        Sandbox(auto_window=True) as sandbox,
        aiohttp.ClientSession(request_class=GuardedRequest) as session,
        WabotickClient(
            sandbox.token, phone_number_id=NUMBER, base_url=sandbox.base_url, session=session, lane="express"
        ) as client,
    ):
        report = await BulkSender(client, journal=MemoryJournal()).run([text(1)])
    assert (report.accepted, carried) == (1, ["session"])


async def test_what_a_test_mocks_is_never_sent_for_real(mocked_http: aioresponses) -> None:
    """Nobody listens there, so a request past the mock would fail."""
    base_url = "http://127.0.0.1:9"
    for number in range(3):
        mocked_http.post(base_url + registry["send_text"].path, body=ANSWER % number)
    async with WabotickClient(TOKEN, phone_number_id=NUMBER, base_url=base_url, lane="express") as client:
        await client.send(text(0))
    async with WabotickClient(TOKEN, phone_number_id=NUMBER, base_url=base_url) as client:
        report = await BulkSender(client, journal=MemoryJournal()).run([text(1), text(2)])
    assert report.accepted == 2


async def test_closing_the_client_closes_both_lanes() -> None:
    async with Sandbox(auto_window=True) as sandbox:
        client = WabotickClient(sandbox.token, phone_number_id=NUMBER, base_url=sandbox.base_url)
        await client.send(text(0))
        await BulkSender(client, journal=MemoryJournal()).run([text(1)])
        await client.close()
        for pool in (client._pool, client._bulk_pool):
            assert "closed" in repr(pool)


def test_an_unknown_lane_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="expected auto, session or express"):
        WabotickClient(TOKEN, lane="fast")  # type: ignore[arg-type]  # what a user without a type checker may write
