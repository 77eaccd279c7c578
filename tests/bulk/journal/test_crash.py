"""kill -9 at chosen and at random moments of a real process: nothing lost, nothing twice, nothing claimed falsely."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.soak_run import environment
from wabotick_async.bulk.journal import Counts, SQLiteJournal, State
from wabotick_async.errors import CampaignConflictError, JournalError

from . import crash_child

KILLED = -signal.SIGKILL
ENVIRONMENT = {**environment(), "PYTHONPATH": os.pathsep.join(sys.path)}


def start(path: Path, kill_at: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, crash_child.__file__, str(path), str(path.with_name("ledger")), str(kill_at)]
    return subprocess.Popen(command, env=ENVIRONMENT)


def run(path: Path, kill_at: int = 0) -> int:
    return start(path, kill_at).wait(30)


def check(path: Path) -> Counts:
    """Compare the journal with what was delivered."""
    delivered = path.with_name("ledger").read_text().split()
    accepted = {row.receiver for row in SQLiteJournal.read_rows(path, State.ACCEPTED)}
    unknown = {row.receiver for row in SQLiteJournal.read_rows(path, State.UNKNOWN)}
    counts = SQLiteJournal.inspect(path).counts
    assert len(delivered) == len(set(delivered)), "twice"
    assert accepted <= set(delivered), "accepted, but never delivered"
    assert set(delivered) <= accepted | unknown, "delivered, and not in the journal"
    return counts


def test_killed_between_any_two_writes(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    kills = [3, 8, 12, 16, 40, 100, 133, 200]
    assert [run(path, kill_at) for kill_at in kills] == [KILLED] * len(kills)
    assert run(path) == 0
    counts = check(path)
    assert counts.rows == crash_child.ROWS
    assert counts.skipped == crash_child.ROWS - len({row.key for row in crash_child.source()})
    assert counts.queued == counts.in_flight == 0
    assert counts.unknown <= crash_child.WORKERS * len(kills)


def test_killed_from_outside(tmp_path: Path) -> None:
    path, kills = tmp_path / "journal.db", 0
    ledger = path.with_name("ledger")
    ledger.touch()
    for goal in (1, 60, 180, 420):
        child = start(path, 0)
        while child.poll() is None and ledger.stat().st_size < goal:
            time.sleep(0.0005)
        time.sleep(random.uniform(0, 0.003))
        child.kill()
        kills += child.wait(30) == KILLED
    assert run(path) == 0
    counts = check(path)
    assert (counts.rows, counts.queued) == (crash_child.ROWS, 0)
    assert counts.unknown <= crash_child.WORKERS * kills


async def test_lock_of_a_killed_owner_is_free_at_once(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    assert run(path, 60) == KILLED
    journal = SQLiteJournal(path)
    await journal.open({"campaign": "crash"})
    with pytest.raises(JournalError, match=f"in use by process {os.getpid()}"):
        await SQLiteJournal(path).open({"campaign": "crash"})
    await journal.close()


async def test_inspecting_a_dead_run_does_not_bury_it(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    assert run(path, 200) == KILLED
    found = SQLiteJournal.inspect(path)
    assert (found.open_run, found.wal_lost) == (1, False)
    journal = SQLiteJournal(path)
    opened = await journal.open({"campaign": "crash"})
    await journal.close()
    assert opened.unknown_from_crash == found.counts.in_flight


async def test_lost_wal_stays_noticed_after_an_inspection(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    assert run(path, 200) == KILLED
    os.unlink(f"{path}-wal")
    assert SQLiteJournal.inspect(path).wal_lost
    with pytest.raises(JournalError, match="could send twice"):
        await SQLiteJournal(path).open({"campaign": "crash"})


async def test_refused_open_of_a_dead_run_leaves_it_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    assert run(path, 200) == KILLED
    before = SQLiteJournal.inspect(path)
    with pytest.raises(CampaignConflictError):
        await SQLiteJournal(path).open({"campaign": "another"})
    assert SQLiteJournal.inspect(path) == before
    journal = SQLiteJournal(path)
    assert (await journal.open({"campaign": "crash"})).resumed
    await journal.close()


def forget_to_close(path: Path) -> None:
    code = (
        "import asyncio, sys; from wabotick_async.bulk.journal import *\n"
        "async def main(): await SQLiteJournal(sys.argv[1]).open({'campaign': 'crash'})\n"
        "asyncio.run(main())"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], env=ENVIRONMENT, check=True)


async def test_process_that_forgot_to_close(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    forget_to_close(path)
    journal = SQLiteJournal(path)
    assert (await journal.open({"campaign": "crash"})).resumed
    await journal.close()
