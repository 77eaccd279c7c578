"""A backup is a whole journal of its own, and no way to send twice."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from wabotick_async.bulk.journal import Counts, Finish, SQLiteJournal, State, upkeep
from wabotick_async.errors import JournalError
from wabotick_async.outcomes import Outcome

from .conftest import FINGERPRINT, claim_next, new_rows
from .test_files import die, fill, overwrite, refused


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "safe").mkdir()
    return tmp_path / "safe" / "copy.db"


async def test_backup_is_the_journal(path: Path, target: Path) -> None:
    await fill(path)
    SQLiteJournal.backup(path, target)
    assert SQLiteJournal.inspect(target) == SQLiteJournal.inspect(path)
    assert list(SQLiteJournal.read_rows(target, State.QUEUED)) == list(SQLiteJournal.read_rows(path, State.QUEUED))
    journal = SQLiteJournal(target)
    opened = await journal.open(FINGERPRINT)
    await journal.close()
    assert (opened.run, opened.queued) == (2, 300)


async def test_backup_is_private_and_alone(path: Path, target: Path) -> None:
    await fill(path)
    SQLiteJournal.backup(path, target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert os.listdir(target.parent) == ["copy.db"]


async def test_backup_while_in_use(path: Path, target: Path) -> None:
    journal = SQLiteJournal(path)
    await journal.open(FINGERPRINT)
    await journal.add(new_rows(5))
    await claim_next(journal, 2)
    SQLiteJournal.backup(path, target)
    await journal.finish(Finish(1, Outcome.ACCEPTED))
    await journal.close()
    assert SQLiteJournal.inspect(target).counts == Counts(queued=3, in_flight=2)
    assert await journal.counts() == Counts(queued=3, in_flight=1, accepted=1)


async def test_backup_of_a_run_sends_nothing_by_itself(path: Path, target: Path) -> None:
    journal = SQLiteJournal(path)
    await journal.open(FINGERPRINT)
    await journal.add(new_rows(5))
    await claim_next(journal, 2)
    SQLiteJournal.backup(path, target)
    await journal.close()
    await refused(target, "backup that was made during a run")
    copy = SQLiteJournal(target, accept_lost_wal=True)
    opened = await copy.open(FINGERPRINT)
    await copy.close()
    assert opened.counts == Counts(unknown=5)


async def test_backup_of_a_dead_run(path: Path, tmp_path: Path, target: Path) -> None:
    dead = tmp_path / "dead.db"
    await die(path, dead)
    SQLiteJournal.backup(dead, target)
    assert SQLiteJournal.inspect(target).counts == Counts(queued=298, in_flight=2)
    assert SQLiteJournal.inspect(dead).open_run == 2


@pytest.mark.parametrize("kind", ["file", "link", "same"])
async def test_backup_replaces_nothing(path: Path, target: Path, kind: str) -> None:
    await fill(path)
    if kind == "link":
        target.symlink_to(target.with_name("nowhere"))
    elif kind == "file":
        target.write_bytes(b"mine")
    with pytest.raises(JournalError, match="exists already"):
        SQLiteJournal.backup(path, path if kind == "same" else target)
    assert kind != "file" or target.read_bytes() == b"mine"


async def test_target_that_appears_meanwhile(path: Path, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(path)
    monkeypatch.setattr(upkeep, "_copy", lambda *_: target.write_bytes(b"mine"))
    with pytest.raises(JournalError, match="exists already"):
        SQLiteJournal.backup(path, target)
    assert (target.read_bytes(), os.listdir(target.parent)) == (b"mine", ["copy.db"])


async def test_backup_into_no_directory(path: Path, target: Path) -> None:
    await fill(path)
    with pytest.raises(JournalError, match="cannot write the backup"):
        SQLiteJournal.backup(path, target.parent / "none" / "copy.db")


async def test_backup_of_no_journal(path: Path, target: Path) -> None:
    with pytest.raises(JournalError, match="there is no journal"):
        SQLiteJournal.backup(path, target)
    assert os.listdir(target.parent) == []


async def test_backup_of_a_damaged_journal(path: Path, target: Path) -> None:
    await fill(path)
    overwrite(path, 5 * 4096 + 8, b"\xff" * 64)
    with pytest.raises(JournalError, match=r"cannot read|damaged"):
        SQLiteJournal.backup(path, target)
    assert os.listdir(target.parent) == []


async def test_damage_that_only_a_check_finds(path: Path, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(path)
    real = os.fsync

    def damage_and_sync(descriptor: int) -> None:
        # Root page of the index over the keys: the copy can be opened, but its index says something else.
        [draft] = target.parent.iterdir()
        overwrite(draft, draft.stat().st_size - 2048, b"\xff" * 64)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", damage_and_sync)
    with pytest.raises(JournalError, match="damaged"):
        SQLiteJournal.backup(path, target)
    assert os.listdir(target.parent) == []
