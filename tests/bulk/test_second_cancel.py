"""Cancelled twice, a run still sees to what flies: nothing leaves afterwards, and no row is left in between."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.bulk.fakes import until
from wabotick_async import BulkSender, Limits, SendText, WabotickClient
from wabotick_async.bulk.journal import Counts, batch, writer
from wabotick_async.sandbox import Faults, Sandbox


def flying(sender: Any) -> Any:
    """Return the messages that have left and are not answered."""
    run = sender._running
    return () if run is None or run._flights is None else run._flights._flying


@pytest.mark.usefixtures("real_time")
@pytest.mark.parametrize("lane", ["express", "session"])
async def test_a_second_cancellation_while_the_journal_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lane: Any
) -> None:
    may_commit, commit = threading.Event(), batch.commit
    may_commit.set()
    waits = threading.Event()

    def slow(*values: Any) -> None:
        if not may_commit.is_set():
            waits.set()
        may_commit.wait(5)
        commit(*values)

    monkeypatch.setattr(writer, "commit", slow)
    goes_on = asyncio.Event()

    async def messages() -> AsyncIterator[SendText]:
        for number in range(5):
            if number == 4:
                await goes_on.wait()
            yield SendText(phone_number=f"91981234000{number}", message="x")
        await asyncio.Event().wait()

    async with (
        Sandbox(faults=Faults(seed=1, hang=1.0, hang_seconds=600), auto_window=True) as sandbox,
        WabotickClient(
            sandbox.token,
            base_url=sandbox.base_url,
            phone_number_id=sandbox.phone_number_id,
            limits=Limits(rate=1e4, burst=100),
            lane=lane,
        ) as client,
    ):
        sender = BulkSender(client, journal=tmp_path / "journal")
        running = asyncio.create_task(sender.run(messages()))
        await until(lambda: len(flying(sender)) == 4)
        may_commit.clear()
        goes_on.set()
        await until(waits.is_set)
        for _ in range(2):
            running.cancel()
            for _ in range(3):
                await asyncio.sleep(0)
        may_commit.set()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert client.limiter.in_flight == 0  # type: ignore[attr-defined]

    assert await sender.journal.counts() == Counts(unknown=4, queued=1)
