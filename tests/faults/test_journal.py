"""F34 to F40: the journal fails, is damaged or is another's; then nothing is sent, and what was sent is still known."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.bulk.test_sandbox import ENVIRONMENT
from tests.faults import campaign_child
from tests.faults.proxy import Chaos
from tests.faults.stage import Stage, messages, phones, until
from wabotick_async import SendText
from wabotick_async.bulk import SQLiteJournal
from wabotick_async.bulk.journal import Counts
from wabotick_async.errors import CampaignConflictError, CampaignError, JournalError, JournalFullError

ROWS = 40


async def quiet(stage: Stage) -> None:
    """Wait for what a killed process had under way: it reaches the sandbox a moment later."""
    seen = -1
    while stage.sandbox.requests.open or seen != len(stage.sandbox.requests):
        seen = len(stage.sandbox.requests)
        await asyncio.sleep(0.1)


async def refused(stage: Stage, **settings: Any) -> CampaignError:
    """Run a campaign that its journal refuses; not a byte may leave."""
    await quiet(stage)
    before = len(stage.sandbox.requests)
    links = len(stage.proxy.links)
    with pytest.raises((JournalError, CampaignConflictError)) as caught:
        await stage.run(messages(ROWS), **settings)
    assert (len(stage.sandbox.requests), len(stage.proxy.links)) == (before, links)
    return caught.value


async def half_done(stage: Stage) -> int:
    """Send the first half of a campaign, stop cleanly, and return how many rows the journal holds."""

    async def source() -> AsyncIterator[SendText]:
        for number, message in enumerate(messages(ROWS)):
            if number == ROWS // 2:
                await until(lambda: stage.delivered == ROWS // 2)
                stage.sender.stop()
            yield message

    report = await stage.run(source())
    assert report.accepted == stage.delivered == ROWS // 2
    await stage.judge(phones(report.rows))
    return report.rows


@pytest.mark.parametrize("phase", ["intent", "result"])
async def test_f34_f35_the_disk_fills_up(stage: Stage, phase: str) -> None:
    """SQLite is told that its file may not grow, which is what a full disk tells it."""
    stage.proxy.plan = lambda _: Chaos(latency=0.005)

    async def fill() -> None:
        journal = stage.sender.journal
        assert isinstance(journal, SQLiteJournal)
        await journal._do(lambda store: store.connection.execute("PRAGMA max_page_count=1").fetchall())

    async def source() -> AsyncIterator[SendText]:
        for number, message in enumerate(messages(4_000)):
            if number == 20:
                await until(lambda: stage.delivered >= (20 if phase == "intent" else 12))
                await fill()
            yield message

    report = await stage.run(source())
    assert stage.failure is not None
    assert isinstance(stage.failure.__cause__, JournalFullError)
    assert report.accepted + report.unknown >= stage.delivered
    # Whatever found no room is unknown for the next run; with the reserve of a real disk it is even known.
    await stage.run(messages(report.rows + 5))
    counts = await stage.judge(phones(report.rows + 5))
    assert counts == Counts(accepted=counts.accepted, unknown=counts.unknown)
    assert counts.unknown <= 8


def make_writable(path: Path) -> None:
    path.chmod(0o660)


def make_link(path: Path) -> None:
    real = path.with_name("elsewhere")
    path.rename(real)
    path.symlink_to(real)


def make_foreign(path: Path) -> None:
    path.write_bytes(b"not a journal, " * 1_000)


UNSAFE: dict[str, Callable[[Path], object]] = {
    "f36 others may write": make_writable,
    "f36 symbolic link": make_link,
    "f39 halved": lambda path: os.truncate(path, path.stat().st_size // 2),
    "f39 bad header": lambda path: path.write_bytes(bytes(32) + path.read_bytes()[32:]),
    "f39 garbage page": lambda path: path.write_bytes(
        path.read_bytes()[: 5 * 4096] + b"\xff" * 512 + path.read_bytes()[5 * 4096 + 512 :]
    ),
    "f39 no journal": make_foreign,
}


@pytest.mark.parametrize("name", UNSAFE)
async def test_f36_f39_an_unsafe_or_damaged_journal_sends_nothing(stage: Stage, name: str) -> None:
    await half_done(stage)
    UNSAFE[name](stage.path)
    await refused(stage)
    assert stage.delivered == ROWS // 2


async def test_f36_no_directory(stage: Stage) -> None:
    stage.path = stage.path.parent / "nowhere" / "campaign.journal"
    await refused(stage)


async def test_f36_not_ours_to_write(stage: Stage) -> None:
    await half_done(stage)
    if os.geteuid() == 0:  # who may write anything, so the owner has to do
        os.chown(stage.path, 65_534, 65_534)
    else:
        stage.path.chmod(0o400)
    await refused(stage)


async def test_f37_a_second_process_is_refused_at_once(live_stage: Stage) -> None:
    """The first one sleeps meanwhile: whoever waited for it would wait for ever."""
    child = await start_child(live_stage)
    await until(lambda: live_stage.delivered)
    child.send_signal(signal.SIGSTOP)
    async with live_stage.client() as client:
        with pytest.raises(JournalError, match="in use"):
            await live_stage.open_sender(client).run(messages(ROWS))
    child.send_signal(signal.SIGCONT)
    assert await child.wait() == 0
    counts = await live_stage.judge(phones(ROWS))
    assert counts.accepted + counts.unknown == ROWS


async def start_child(stage: Stage) -> asyncio.subprocess.Process:
    """Start the campaign in a process of its own."""
    stage.proxy.plan = lambda _: Chaos(latency=0.02)
    arguments = (campaign_child.__file__, "plain", stage.proxy.url, stage.sandbox.token, str(stage.path), str(ROWS))
    return await asyncio.create_subprocess_exec(sys.executable, *arguments, env=ENVIRONMENT)


async def killed(stage: Stage) -> None:
    """Leave what a campaign leaves that was killed with rows in flight."""
    child = await start_child(stage)
    await until(lambda: stage.delivered >= 10)
    child.kill()
    await child.wait()
    await until(lambda: stage.sandbox.requests.open == 0)
    stage.proxy.plan = lambda _: Chaos()


async def test_f38_a_lost_wal_is_refused(live_stage: Stage) -> None:
    await killed(live_stage)
    wal = live_stage.path.with_name(live_stage.path.name + "-wal")
    kept = live_stage.path.with_name("kept")
    shutil.move(wal, kept)
    await refused(live_stage)
    shutil.move(kept, wal)
    await live_stage.run(messages(ROWS))
    counts = await live_stage.judge(phones(ROWS))
    assert counts.accepted + counts.unknown == ROWS
    assert counts.unknown <= campaign_child.CONCURRENCY


async def test_f39_a_torn_tail_of_the_wal_is_what_a_crash_leaves(live_stage: Stage) -> None:
    """The tail is a frame that was never committed, so no send can have relied on it."""
    await killed(live_stage)
    with live_stage.path.with_name(live_stage.path.name + "-wal").open("ab") as wal:
        wal.write(b"\x5a" * 3_000)
    await live_stage.run(messages(ROWS))
    counts = await live_stage.judge(phones(ROWS))
    assert counts.accepted + counts.unknown == ROWS
    assert counts.unknown <= campaign_child.CONCURRENCY


async def test_f40_the_journal_of_another_campaign_is_refused(stage: Stage) -> None:
    await half_done(stage)
    assert isinstance(await refused(stage, campaign="another"), CampaignConflictError)


async def test_f40_the_journal_of_another_platform_is_refused(stage: Stage) -> None:
    await half_done(stage)
    assert isinstance(await refused(stage, client={"url": stage.sandbox.base_url}), CampaignConflictError)
