"""F47: a campaign's memory does not grow with its rows, and its source is read a small window ahead."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bulk.test_sandbox import ENVIRONMENT
from tests.faults import memory_child
from tests.faults.proxy import Chaos
from tests.faults.stage import Stage, messages, phones, until
from wabotick_async import SendText
from wabotick_async.bulk.journal import Counts

ROWS = 6_000


@pytest.mark.usefixtures("real_time")
async def test_f47_memory_is_bounded(tmp_path: Path) -> None:
    arguments = (memory_child.__file__, str(tmp_path / "campaign.journal"), str(ROWS))
    child = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, env=ENVIRONMENT, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await child.communicate()
    accepted, early, late, ahead = map(int, said.split())
    assert accepted == ROWS
    assert late - early < 8 << 10, "the later rows cost memory"
    assert late < 150 << 10
    assert ahead <= 2 * memory_child.CONCURRENCY


async def test_f47_a_million_rows_wait_for_a_slow_server(stage: Stage) -> None:
    """While the server says nothing, the source is not read on, however long it is."""
    stage.proxy.plan = lambda _: Chaos(swallow_request=True)
    read = 0

    def source() -> Iterator[SendText]:
        nonlocal read
        for message in messages(1_000_000):
            read += 1
            yield message

    run = asyncio.create_task(stage.run(source(), client={"concurrency": 8}))
    await until(lambda: len(stage.proxy.links) == 8)
    await asyncio.sleep(0.05)
    assert 8 <= read <= 2 * 8
    stage.proxy.hang_up()
    stage.proxy.plan = lambda _: Chaos()
    await until(lambda: stage.delivered >= 20)
    stage.sender.stop()
    report = await run
    assert read <= report.rows + 2 * 8
    counts = await stage.judge(phones(report.rows))
    assert counts == Counts(accepted=counts.accepted, unknown=8, queued=counts.queued)
