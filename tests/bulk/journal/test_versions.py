"""An older file is brought up to date a step at a time; a newer one is refused."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from wabotick_async.bulk.journal import Counts, MemoryJournal, SQLiteJournal, State, versions
from wabotick_async.errors import JournalError

from .conftest import FINGERPRINT, new_rows
from .test_files import die, fill, refused

TWO = ("ALTER TABLE item ADD COLUMN lane TEXT", "UPDATE item SET lane = 'old' WHERE state = 0")
THREE = ("CREATE TABLE lane(name TEXT PRIMARY KEY) STRICT", "INSERT INTO lane SELECT DISTINCT lane FROM item")
FAILING = ("DELETE FROM item", "INSERT INTO nowhere VALUES(1)")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
async def old(path: Path) -> Path:
    """A journal of the version before the steps that a test adds."""
    await fill(path)
    return path


def add_steps(monkeypatch: pytest.MonkeyPatch, *steps: tuple[str, ...]) -> int:
    """Have a package of a later version; return that version."""
    monkeypatch.setattr(versions, "STEPS", (*versions.STEPS, *steps))
    return versions.newest_version()


def ask(path: Path, query: str) -> list[object]:
    with closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute(query)]


async def test_old_journal_is_brought_up_to_date(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    newest = add_steps(monkeypatch, TWO, THREE)
    journal = SQLiteJournal(old)
    opened = await journal.open(FINGERPRINT)
    await journal.close()
    assert (opened.counts, opened.resumed) == (Counts(queued=300), True)
    assert ask(old, "PRAGMA user_version") == [newest]
    assert ask(old, "SELECT name FROM lane") == ["old"]


async def test_new_journal_has_the_same_tables(old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    newest = add_steps(monkeypatch, TWO, THREE)
    await fill(old)
    await fill(tmp_path / "new.db")
    schemas = [ask(one, "SELECT sql FROM sqlite_schema ORDER BY name") for one in (old, tmp_path / "new.db")]
    assert schemas[0] == schemas[1]
    assert ask(tmp_path / "new.db", "PRAGMA user_version") == [newest]


async def test_memory_has_the_newest_version(monkeypatch: pytest.MonkeyPatch) -> None:
    newest = add_steps(monkeypatch, TWO)
    journal = MemoryJournal()
    await journal.open({})
    found = await journal._do(lambda store: store.connection.execute("PRAGMA user_version").fetchone())
    await journal.close()
    assert found == (newest,)


async def test_step_that_fails_changes_nothing(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version = add_steps(monkeypatch, TWO)
    add_steps(monkeypatch, FAILING)
    await refused(old, "cannot open the journal")
    assert ask(old, "PRAGMA user_version") == [version]
    assert ask(old, "SELECT count(*) FROM item") == [300]


async def test_upgrade_goes_on_after_a_failed_step(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as later:
        add_steps(later, TWO, FAILING)
        await refused(old, "nowhere")
    add_steps(monkeypatch, TWO, THREE)
    await fill(old)
    assert ask(old, "SELECT name FROM lane") == ["old"]


async def test_upgrade_of_a_dead_run(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dead = tmp_path / "dead.db"
    await die(path, dead)
    add_steps(monkeypatch, TWO)
    journal = SQLiteJournal(dead)
    opened = await journal.open(FINGERPRINT)
    await journal.close()
    assert opened.counts == Counts(queued=298, unknown=2)


async def test_old_journal_is_read_without_a_change(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = old.read_bytes()
    add_steps(monkeypatch, TWO, THREE)
    assert SQLiteJournal.inspect(old).counts == Counts(queued=300)
    assert len(list(SQLiteJournal.read_rows(old, State.QUEUED))) == 300
    assert old.read_bytes() == before


async def test_backup_keeps_the_old_version(old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [version] = ask(old, "PRAGMA user_version")
    add_steps(monkeypatch, TWO)
    SQLiteJournal.backup(old, tmp_path / "copy.db")
    assert ask(tmp_path / "copy.db", "PRAGMA user_version") == [version]


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        (0, "has no version"),
        (-1, "has no version"),
        (99, f"version 99, and this package reads up to version {versions.newest_version()}: use the"),
    ],
)
async def test_version_that_is_not_ours(old: Path, version: int, expected: str) -> None:
    with closing(sqlite3.connect(old)) as connection:
        connection.execute(f"PRAGMA user_version={version}")
    before = old.read_bytes()[:100]
    await refused(old, expected)
    with pytest.raises(JournalError, match=expected):
        SQLiteJournal.inspect(old)
    assert old.read_bytes()[60:64] == before[60:64]


async def test_upgraded_journal_is_refused_by_the_older_package(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as later:
        newest = add_steps(later, TWO)
        journal = SQLiteJournal(old)
        await journal.open(FINGERPRINT)
        await journal.add(new_rows(301))
        await journal.close()
    await refused(old, f"version {newest}")
