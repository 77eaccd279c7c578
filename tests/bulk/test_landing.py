"""Messages land in blocks, and one that cannot keeps no other from it."""

from __future__ import annotations

from contextlib import aclosing
from pathlib import Path

import pytest

from tests.bulk.fakes import until
from wabotick_async import BulkSender, CampaignAbortedError, SendTemplate, WabotickClient
from wabotick_async.bulk.course import Course
from wabotick_async.bulk.delivery import Delivered
from wabotick_async.sandbox import Sandbox


async def test_one_that_cannot_land_keeps_no_other_from_landing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = Course.count, 0

    def count(course: Course, delivered: Delivered) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise RuntimeError("a bug")
        real(course, delivered)

    monkeypatch.setattr(Course, "count", count)
    async with (
        Sandbox() as sandbox,
        WabotickClient(sandbox.token, base_url=sandbox.base_url, phone_number_id=sandbox.phone_number_id) as client,
    ):
        sender = BulkSender(client, journal=tmp_path / "journal")
        messages = [
            SendTemplate(phone_number=f"91981234{n:04}", template_id=sandbox.template_id, variables={"name": "A"})
            for n in range(8)
        ]
        with pytest.raises(CampaignAbortedError, match="a bug") as caught:
            await sender.run(messages)

    report = caught.value.report
    assert report is not None
    assert report.accepted == len(sandbox.ledger) == calls > 1  # each that left has landed
    assert report.unknown == 0
    assert report.accepted + report.not_sent == len(messages)


@pytest.mark.usefixtures("real_time")
async def test_what_has_landed_and_is_not_read_yet_does_not_wait(tmp_path: Path) -> None:
    async with (
        Sandbox() as sandbox,
        WabotickClient(sandbox.token, base_url=sandbox.base_url, phone_number_id=sandbox.phone_number_id) as client,
    ):
        sender = BulkSender(client, journal=tmp_path / "journal", concurrency=4)
        messages = [
            SendTemplate(phone_number=f"91981234{n:04}", template_id=sandbox.template_id, variables={"name": "A"})
            for n in range(60)
        ]
        async with aclosing(sender.stream(messages)) as results:
            await anext(results)
            await until(lambda: sender.snapshot().accepted > 8)  # more than may wait for the reader
            state = sender.snapshot()
            assert state.done + state.in_flight + state.waiting == state.read
