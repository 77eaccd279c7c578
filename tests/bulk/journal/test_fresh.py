"""Rows of the source that are stored as claimed, in one step with results and claims."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from wabotick_async.bulk.journal import (
    Added,
    Advanced,
    Counts,
    Finish,
    NewRow,
    Requeue,
    SQLiteJournal,
    State,
    Stored,
)
from wabotick_async.errors import JournalError
from wabotick_async.outcomes import Outcome

from .conftest import FINGERPRINT, AnyJournal, FakeClock, new_row, new_rows, reopen
from .test_writer import trace

BAD = NewRow(b"short", "91", "send_text", b"{}")


async def advance(
    journal: AnyJournal, fresh: Sequence[NewRow], results: Sequence[Finish | Requeue] = (), claims: Sequence[int] = ()
) -> Advanced:
    done: asyncio.Future[Advanced] = asyncio.get_running_loop().create_future()
    journal.advance(results, claims, done.set_result, fresh=fresh)
    return await done


def born(*seqs: int) -> list[Stored]:
    return [Stored(seq, Added.NEW, State.IN_FLIGHT) for seq in seqs]


async def test_all_of_a_step_is_one_commit(journal: AnyJournal) -> None:
    await journal.add(new_rows(2))
    await journal.claim(1)
    statements = await trace(journal)
    rows = [new_row("a"), new_row("b"), new_row("c")]
    advanced = await advance(journal, rows, [Finish(1, Outcome.ACCEPTED)], [2])
    assert advanced == Advanced(stored=[True], claimed=[True], added=born(3, 4, 5))
    assert await journal.counts() == Counts(accepted=1, in_flight=4)
    assert statements.count("COMMIT") == 2  # of the trace itself, and of the step


async def test_a_row_is_all_that_an_added_and_claimed_one_is(journal: AnyJournal, clock: FakeClock) -> None:
    [stored] = await journal.add([new_row("a")])
    await journal.claim(stored.seq)
    await advance(journal, [new_row("b")])
    one, other = [row async for row in journal.rows(State.IN_FLIGHT)]
    assert (other.attempts, other.claimed_at, other.run) == (one.attempts, one.claimed_at, one.run) == (1, clock.now, 1)
    assert (other.receiver, other.payload, other.endpoint) == ("91000000b", b"b", "send_text")
    await journal.finish(Finish(other.seq, Outcome.ACCEPTED, message_id="wamid.b"))
    await journal.requeue(one.seq)
    assert await journal.counts() == Counts(accepted=1, queued=1)


@pytest.mark.parametrize("count", [1, 2, 31, 32, 33, 100])
async def test_blocks_of_any_size(journal: AnyJournal, count: int) -> None:
    rows = new_rows(count)
    assert (await advance(journal, rows)).added == born(*range(1, count + 1))
    assert [row.payload async for row in journal.rows(State.IN_FLIGHT)] == [row.payload for row in rows]
    ends = [Finish(seq, Outcome.ACCEPTED, message_id=f"id {seq}") for seq in range(1, count + 1)]
    assert (await advance(journal, [], ends)).stored == [True] * count
    assert [row.message_id async for row in journal.rows(State.ACCEPTED)] == [one.message_id for one in ends]


async def test_repeats_within_a_block_are_sent_once(journal: AnyJournal) -> None:
    advanced = await advance(journal, [new_row("a"), new_row("b"), new_row("a"), new_row("a")])
    assert advanced.added == [*born(1, 2), *(Stored(seq, Added.DUPLICATE, State.SKIPPED) for seq in (3, 4))]
    assert await journal.counts() == Counts(in_flight=2, skipped=2)


async def test_what_is_known_is_not_claimed(journal: AnyJournal) -> None:
    await journal.add([new_row("queued"), new_row("accepted")])
    await journal.claim(2)
    await journal.finish(Finish(2, Outcome.ACCEPTED))
    await advance(journal, [new_row("died")])
    await reopen(journal)
    advanced = await advance(journal, [new_row(name) for name in ("queued", "accepted", "died", "new")])
    assert advanced.added == [
        Stored(1, Added.KNOWN, State.QUEUED),
        Stored(2, Added.KNOWN, State.ACCEPTED),
        Stored(3, Added.KNOWN, State.UNKNOWN),
        *born(4),
    ]


async def test_a_row_that_does_not_fit_leaves_the_results_and_stores_none_of_the_block(journal: AnyJournal) -> None:
    await journal.add(new_rows(1))
    await journal.claim(1)
    advanced = await advance(journal, [new_row("a"), BAD], [Finish(1, Outcome.ACCEPTED)])
    assert (advanced.stored, advanced.added) == ([True], [])
    assert isinstance(advanced.error, JournalError)
    assert await journal.counts() == Counts(accepted=1)
    assert (await advance(journal, [new_row("a")])).added == born(2)


async def test_a_result_that_does_not_fit_does_not_hinder_the_block(journal: AnyJournal) -> None:
    advanced = await advance(journal, [new_row("a")], [Finish(7, Outcome.ACCEPTED)])
    assert (advanced.stored, advanced.added) == ([False], born(1))
    assert isinstance(advanced.error, JournalError)


async def test_after_a_crash_they_are_unknown_and_known(tmp_path: Path) -> None:
    journal = SQLiteJournal(tmp_path / "journal.db")
    await journal.open(FINGERPRINT)
    await advance(journal, [new_row("a")])
    for one in tmp_path.glob("journal.db*"):  # as a dead process leaves them
        if not one.name.endswith(("lock", "reserve")):
            shutil.copy(one, tmp_path / one.name.replace("journal", "dead"))
    await journal.close()
    dead = SQLiteJournal(tmp_path / "dead.db")
    opened = await dead.open(FINGERPRINT)
    assert (opened.unknown_from_crash, opened.counts) == (1, Counts(unknown=1))
    assert (await advance(dead, [new_row("a"), new_row("b")])).added == [
        Stored(1, Added.KNOWN, State.UNKNOWN),
        *born(2),
    ]
    await dead.close()


async def test_in_doubt_nothing_is_claimed(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    journal = SQLiteJournal(path)
    await journal.open(FINGERPRINT)
    await journal.close()
    connection = sqlite3.connect(path)
    connection.execute("INSERT INTO meta VALUES('journal.lost_wal', '1')")
    connection.commit()
    connection.close()
    await journal.open(FINGERPRINT)
    advanced = await advance(journal, [new_row("a"), new_row("b")])
    await journal.close()
    assert advanced.added == [Stored(seq, Added.NEW, State.UNKNOWN) for seq in (1, 2)]
