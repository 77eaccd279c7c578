"""A campaign makes one attempt at a time, by the client's own rules for what an answer means."""

from __future__ import annotations

import msgspec
import pytest

from tests.bulk.fakes import FakeClient, make_sender, texts
from wabotick_async import BulkSender, Limits, SendText, WabotickClient
from wabotick_async.bulk import MemoryJournal
from wabotick_async.config import RetryPolicy
from wabotick_async.sandbox import Fault, FaultKind, Sandbox

CAREFUL = RetryPolicy(attempts=5, trust_503=False)


class CarefulClient(FakeClient):
    retry_policy = CAREFUL


async def test_each_attempt_is_made_by_the_clients_rules() -> None:
    client = CarefulClient()
    await make_sender(client, MemoryJournal()).run(texts(3))
    assert client.retries == [msgspec.structs.replace(CAREFUL, attempts=1)] * 3


@pytest.mark.parametrize("lane", ["session", "express"])
async def test_a_503_that_is_not_trusted_is_unknown_however_the_message_went(lane: str) -> None:
    """The first message takes the long way, the others fly."""
    busy = Fault(FaultKind.SERVER_ERROR, nth=3, status=503, retry_after="1")
    async with (
        Sandbox(auto_window=True) as sandbox,
        WabotickClient(
            sandbox.token,
            base_url=sandbox.base_url,
            phone_number_id=sandbox.phone_number_id,
            limits=Limits(rate=10_000, burst=100, concurrency=1),
            retry=CAREFUL,
            lane=lane,  # type: ignore[arg-type]  # one of the two that there are
        ) as client,
    ):
        sandbox.script(busy)
        report = await BulkSender(client).run(SendText(phone_number=f"91900000000{n}", message="hi") for n in range(5))
        assert (report.accepted, report.unknown, report.not_sent) == (4, 1, 0)
