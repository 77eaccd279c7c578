"""Who may open a journal, and which damage is refused before a row is sent."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from wabotick_async.bulk.journal import Counts, SQLiteJournal, State, files, versions
from wabotick_async.errors import CampaignConflictError, JournalError

from .conftest import FINGERPRINT, claim_next, new_rows


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


async def fill(path: Path, rows: int = 300) -> None:
    """Leave a cleanly closed journal."""
    journal = SQLiteJournal(path)
    await journal.open(FINGERPRINT)
    await journal.add(new_rows(rows))
    await journal.close()


async def die(path: Path, target: Path) -> None:
    """Copy to `target` what a process killed in the middle of a run would leave: 300 rows, 2 in flight."""
    await fill(path)
    journal = SQLiteJournal(path)
    await journal.open(FINGERPRINT)
    await claim_next(journal, 2)
    for suffix in ("", "-wal"):
        shutil.copy2(f"{path}{suffix}", f"{target}{suffix}")
    await journal.close()


def replace_by_link(path: Path) -> None:
    real = path.with_name("real")
    path.rename(real)
    path.symlink_to(real)


def lose_wal(path: Path) -> None:
    path.with_name(path.name + "-wal").unlink()


def tear_wal(path: Path) -> None:
    wal = path.with_name(path.name + "-wal")
    os.truncate(wal, wal.stat().st_size - 100)


def make_foreign(path: Path) -> None:
    sqlite3.connect(path).executescript("CREATE TABLE t(x); INSERT INTO t VALUES(1)").close()
    path.chmod(0o600)


async def refused(path: Path, match: str) -> None:
    with pytest.raises(JournalError, match=match):
        await SQLiteJournal(path).open(FINGERPRINT)


async def test_files_are_private(path: Path) -> None:
    journal = SQLiteJournal(path)
    await journal.open(FINGERPRINT)
    await journal.add(new_rows(1))
    modes = {file.name.removeprefix(path.name): stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    await journal.close()
    assert modes == dict.fromkeys(("", "-wal", "-shm", ".lock", ".reserve"), 0o600)


async def test_clean_end_leaves_one_file_and_the_lock(path: Path) -> None:
    await fill(path)
    assert sorted(file.name for file in path.parent.iterdir()) == ["journal.db", "journal.db.lock"]


async def test_nothing_happens_before_open(path: Path) -> None:
    journal = SQLiteJournal(path)
    await journal.close()
    assert (await journal.counts(), list(path.parent.iterdir())) == (Counts(), [])


async def test_second_owner_is_told_who_is_first(path: Path) -> None:
    first = SQLiteJournal(path)
    await first.open(FINGERPRINT)
    await refused(path, f"in use by process {os.getpid()}")
    assert path.with_name("journal.db.reserve").exists()
    await first.close()
    await fill(path)


async def test_missing_directory(path: Path) -> None:
    await refused(path.parent / "none" / "journal.db", "directory of the journal does not exist")


@pytest.mark.parametrize("suffix", ["", ".lock"])
async def test_symbolic_link(path: Path, suffix: str) -> None:
    await fill(path)
    replace_by_link(path.with_name(path.name + suffix))
    await refused(path, "symbolic link")


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
async def test_file_that_others_may_write(path: Path, mode: int) -> None:
    await fill(path)
    os.chmod(path, mode)
    await refused(path, "other users may write")


async def test_file_of_another_user(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(path)
    monkeypatch.setattr(os, "geteuid", lambda: 54_321)
    await refused(path, "belongs to another user")


async def test_directory_in_its_place(path: Path) -> None:
    os.mkdir(path)
    await refused(path, "cannot open")


async def test_network_file_system(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_file_system", lambda _: "nfs4")
    await refused(path, "network file system")


async def test_no_room_for_the_reserve(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(path)
    real = files._write_new

    def write(target: Path, content: bytes) -> None:
        real(target, content[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "_write_new", write)
    await refused(path, "No space left")
    assert not path.with_name("journal.db.reserve").exists()


async def test_leftover_draft_is_replaced(path: Path) -> None:
    path.with_name("journal.db.new").write_bytes(b"half")
    await fill(path)
    assert not path.with_name("journal.db.new").exists()


async def test_foreign_database(path: Path) -> None:
    make_foreign(path)
    await refused(path, "not a campaign journal")
    with pytest.raises(JournalError, match="not a campaign journal"):
        SQLiteJournal.inspect(path)


async def test_newer_version(path: Path) -> None:
    await fill(path)
    newer = versions.newest_version() + 1
    sqlite3.connect(path).execute(f"PRAGMA user_version={newer}").close()
    await refused(path, f"version {newer}")


@pytest.mark.parametrize(
    ("now", "names"),
    [({"template": "43", "account": "a"}, "template"), ({}, "account, template"), ({**FINGERPRINT, "x": "1"}, "x")],
)
async def test_other_fingerprint(path: Path, now: dict[str, str], names: str) -> None:
    await fill(path)
    with pytest.raises(CampaignConflictError, match=f"differs in {names}$"):
        await SQLiteJournal(path).open(now)
    assert SQLiteJournal.inspect(path).fingerprint == FINGERPRINT


async def test_clean_resume(path: Path) -> None:
    await fill(path)
    journal = SQLiteJournal(path)
    opened = await journal.open(FINGERPRINT)
    await journal.close()
    assert (opened.run, opened.resumed, opened.queued, opened.unknown_from_crash) == (2, True, 300, 0)


async def test_dead_run(path: Path) -> None:
    target = path.with_name("copy.db")
    await die(path, target)
    assert SQLiteJournal.inspect(target).open_run == 2
    journal = SQLiteJournal(target)
    opened = await journal.open(FINGERPRINT)
    assert (opened.unknown_from_crash, opened.counts) == (2, Counts(queued=298, unknown=2))
    notes = {row.note async for row in journal.rows(State.UNKNOWN)}
    await journal.close()
    assert notes == {"the process ended before the answer was stored"}


async def test_lost_wal_is_refused(path: Path) -> None:
    target = path.with_name("copy.db")
    await die(path, target)
    lose_wal(target)
    assert SQLiteJournal.inspect(target).wal_lost
    await refused(target, "could send twice")
    await refused(target, "could send twice")


async def test_lost_wal_accepted_makes_unknown_what_may_have_been_sent(path: Path) -> None:
    target = path.with_name("copy.db")
    await die(path, target)
    lose_wal(target)
    journal = SQLiteJournal(target, accept_lost_wal=True)
    opened = await journal.open(FINGERPRINT)
    assert (opened.unknown_from_lost_wal, opened.queued) == (300, 0)
    await journal.add(new_rows(301))
    await journal.close()
    assert await journal.counts() == Counts(unknown=301)


async def test_torn_wal_tail_is_what_a_crash_leaves(path: Path) -> None:
    target = path.with_name("copy.db")
    await die(path, target)
    tear_wal(target)
    journal = SQLiteJournal(target)
    opened = await journal.open(FINGERPRINT)
    await journal.close()
    assert opened.counts.rows == 300


def overwrite(path: Path, offset: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(content)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda path: os.truncate(path, path.stat().st_size // 2), id="half"),
        pytest.param(lambda path: overwrite(path, 0, bytes(32)), id="header"),
        pytest.param(lambda path: overwrite(path, 5 * 4096 + 8, b"\xff" * 64), id="garbage"),
        pytest.param(lambda path: os.truncate(path, 0), id="empty"),
    ],
)
async def test_damage(path: Path, damage: Callable[[Path], None]) -> None:
    await fill(path)
    damage(path)
    await refused(path, "damaged|malformed|not a campaign journal")


async def test_inspect_while_in_use_changes_nothing(path: Path) -> None:
    journal = SQLiteJournal(path)
    await journal.open(FINGERPRINT)
    await journal.add(new_rows(2))
    await journal.set_meta("name", "spring")
    found = SQLiteJournal.inspect(path)
    assert (found.counts, found.meta, found.open_run) == (Counts(queued=2), {"name": "spring"}, 1)
    assert len(list(SQLiteJournal.read_rows(path, State.QUEUED))) == 2
    await journal.close()


async def test_inspect_creates_no_file(path: Path) -> None:
    await fill(path)
    before = sorted(path.parent.iterdir())
    SQLiteJournal.inspect(path)
    assert sorted(path.parent.iterdir()) == before


async def test_inspect_without_a_journal(path: Path) -> None:
    with pytest.raises(JournalError, match="there is no journal"):
        SQLiteJournal.inspect(path)


async def test_journal_opened_in_another_loop(path: Path) -> None:
    journal = SQLiteJournal(path)
    await journal.open(FINGERPRINT)
    with pytest.raises(JournalError, match="another event loop"):
        await asyncio.to_thread(lambda: asyncio.run(journal.next_due()))
    await journal.close()
