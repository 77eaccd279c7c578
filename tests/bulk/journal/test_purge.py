"""Purging forgets people and texts, and nothing that a campaign still needs."""

from __future__ import annotations

import json
import sqlite3
from functools import partial
from pathlib import Path

import pytest

from wabotick_async.bulk.journal import Added, Counts, Finish, NewRow, SQLiteJournal, State
from wabotick_async.errors import JournalError
from wabotick_async.outcomes import Outcome

from .conftest import FINGERPRINT, FakeClock, new_row
from .test_files import die, lose_wal

DAY = 86_400.0
ENDS = (Outcome.ACCEPTED, Outcome.REFUSED, Outcome.SKIPPED, Outcome.UNKNOWN)


def person(name: str) -> NewRow:
    return NewRow(new_row(name).key, f"9198123{name}", "send_text", f"secret text of {name}, ".encode() * 300)


PEOPLE = [person(name) for name in ("45671", "45672", "45673", "45674", "45675", "45671")]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


async def campaign(path: Path, clock: FakeClock) -> None:
    """Leave a row in each state: 1 accepted, 2 refused, 3 skipped, 4 unknown, 5 queued, 6 a repeat."""
    journal = SQLiteJournal(path, clock=clock)
    await journal.open(FINGERPRINT)
    await journal.add(PEOPLE)
    for seq, outcome in enumerate(ENDS, start=1):
        await journal.claim(seq)
        await journal.finish(Finish(seq, outcome, 200, f"code{seq}", f"wamid.9198123{seq}", f"note of 9198123{seq}"))
    await journal.close()


async def test_finished_rows_are_forgotten(path: Path, clock: FakeClock) -> None:
    await campaign(path, clock)
    clock.now += 30 * DAY
    assert SQLiteJournal.purge(path, 30 * DAY, clock=clock) == 4
    content = path.read_bytes()
    for gone in ("45671", "45672", "45673", "wamid.91981231", "note of 91981232"):
        assert gone.encode() not in content
    for kept in ("45674", "45675", "wamid.91981234"):
        assert kept.encode() in content


async def test_counts_and_causes_stay(path: Path, clock: FakeClock) -> None:
    await campaign(path, clock)
    before = SQLiteJournal.inspect(path)
    SQLiteJournal.purge(path, 0, clock=clock)
    after = SQLiteJournal.inspect(path)
    assert (after.counts, after.causes) == (before.counts, before.causes)
    assert after.counts == Counts(queued=1, accepted=1, refused=1, unknown=1, skipped=2)
    [row] = SQLiteJournal.read_rows(path, State.REFUSED)
    assert (row.receiver, row.payload, row.message_id, row.note) == ("", b"", None, None)
    assert (row.code, row.http, row.attempts, row.done_at) == ("code2", 200, 1, clock.now)


async def test_young_rows_stay(path: Path, clock: FakeClock) -> None:
    await campaign(path, clock)
    before = {state: list(SQLiteJournal.read_rows(path, state)) for state in State}
    clock.now += 30 * DAY - 1
    assert SQLiteJournal.purge(path, 30 * DAY, clock=clock) == 0
    assert {state: list(SQLiteJournal.read_rows(path, state)) for state in State} == before


async def test_purged_rows_are_still_known(path: Path, clock: FakeClock) -> None:
    await campaign(path, clock)
    SQLiteJournal.purge(path, 0, clock=clock)
    journal = SQLiteJournal(path, clock=clock)
    await journal.open(FINGERPRINT)
    stored = await journal.add(PEOPLE)
    assert [one.added for one in stored] == [Added.KNOWN] * 5 + [Added.DUPLICATE]
    assert await journal.queued(0, 9, 0) == await journal.queued(4, 1, 0)
    await journal.close()
    assert b"45671" not in path.read_bytes()


async def test_purged_row_is_not_tried_again(path: Path, clock: FakeClock) -> None:
    await campaign(path, clock)
    SQLiteJournal.purge(path, 0, clock=clock)
    journal = SQLiteJournal(path, clock=clock)
    await journal.open(FINGERPRINT)
    assert await journal.requeue_refused("code2", None, "asked") == 0
    assert await journal.receivers_with("code2") == []
    await journal.close()


async def test_purge_counts_a_row_once_and_is_logged(path: Path, clock: FakeClock) -> None:
    await campaign(path, clock)
    assert [SQLiteJournal.purge(path, 0, clock=clock) for _ in range(2)] == [4, 0]
    entries = [json.loads(one) for one in SQLiteJournal.inspect(path).purges]
    assert entries[0] == {"run": 1, "at": clock.now, "rows": 4, "reason": "finished more than 0 s ago"}
    assert entries[1]["rows"] == 0


async def test_purge_while_in_use(path: Path, clock: FakeClock) -> None:
    await campaign(path, clock)
    journal = SQLiteJournal(path, clock=clock)
    await journal.open(FINGERPRINT)
    with pytest.raises(JournalError, match="in use by process"):
        SQLiteJournal.purge(path, 0, clock=clock)
    await journal.close()
    assert b"45671" in path.read_bytes()


async def test_purge_of_a_dead_run_leaves_the_rest_to_resume(path: Path, tmp_path: Path) -> None:
    dead = tmp_path / "dead.db"
    await die(path, dead)
    assert SQLiteJournal.purge(dead, 0) == 0
    assert not SQLiteJournal.inspect(dead).wal_lost
    journal = SQLiteJournal(dead)
    opened = await journal.open(FINGERPRINT)
    await journal.close()
    assert opened.counts == Counts(queued=298, unknown=2)


async def test_purge_without_the_wal(path: Path, tmp_path: Path) -> None:
    dead = tmp_path / "dead.db"
    await die(path, dead)
    lose_wal(dead)
    with pytest.raises(JournalError, match="could send twice"):
        SQLiteJournal.purge(dead, 0)


def test_purge_creates_no_journal(path: Path) -> None:
    with pytest.raises(JournalError, match="there is no journal"):
        SQLiteJournal.purge(path, 0)
    assert not path.exists()


@pytest.mark.parametrize("age", [-1.0, float("nan")])
async def test_age_that_is_none(path: Path, clock: FakeClock, age: float) -> None:
    await campaign(path, clock)
    with pytest.raises(JournalError, match="0 seconds or more"):
        SQLiteJournal.purge(path, age, clock=clock)


async def test_purge_that_a_reader_is_in_the_way_of(
    path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await campaign(path, clock)
    other = sqlite3.connect(path, isolation_level=None)
    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, timeout=0))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(JournalError, match="cannot purge"):
        SQLiteJournal.purge(path, 0, clock=clock)
    other.close()
