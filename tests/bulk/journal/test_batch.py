"""Operations of one commit: together where they fit, and as if they came one by one where one does not."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from wabotick_async.bulk.journal import Added, Advanced, Counts, Finish, MemoryJournal, Requeue, SQLiteJournal, State
from wabotick_async.bulk.journal.operations import Claiming
from wabotick_async.bulk.journal.rows import NewRow, Stored
from wabotick_async.bulk.journal.store import Store
from wabotick_async.errors import JournalError
from wabotick_async.outcomes import Outcome

from .conftest import FINGERPRINT, AnyJournal, FakeClock, claim_next, new_row, new_rows, reopen
from .test_writer import sqlite_error, trace


async def together(*calls: Awaitable[Any]) -> list[Any]:
    """Ask for all of it in one turn of the loop, which makes it one commit."""
    return await asyncio.gather(*calls, return_exceptions=True)


def accepted(seq: int) -> Finish:
    return Finish(seq, Outcome.ACCEPTED, http=200, message_id=f"id {seq}")


async def test_moves_of_one_turn_are_one_commit_without_savepoints(journal: AnyJournal) -> None:
    await journal.add(new_rows(6))
    await claim_next(journal, 3)
    statements = await trace(journal)
    await together(*(journal.finish(accepted(seq)) for seq in (1, 2, 3)), *(journal.claim(seq) for seq in (4, 5)))
    assert [statement.split()[0] for statement in statements[-4:]] == ["BEGIN", *["UPDATE"] * 2, "COMMIT"]
    assert await journal.counts() == Counts(accepted=3, in_flight=2, queued=1)


async def test_each_row_keeps_what_belongs_to_it(journal: AnyJournal) -> None:
    await journal.add(new_rows(9))
    await claim_next(journal, 9)
    outcomes = [*[Outcome.ACCEPTED, Outcome.REFUSED, Outcome.UNKNOWN, Outcome.SKIPPED] * 2, Outcome.ACCEPTED]
    finishes = [Finish(seq, outcome, code=f"c{seq}", note=f"n{seq}") for seq, outcome in enumerate(outcomes, 1)]
    assert await together(*map(journal.finish, finishes)) == [None] * 9
    rows = [row for state in State async for row in journal.rows(state)]
    assert {(row.seq, row.state.value, row.code, row.note) for row in rows} == {
        (one.seq, one.outcome.value, one.code, one.note) for one in finishes
    }
    assert await journal.counts() == Counts(accepted=3, refused=2, unknown=2, skipped=2)


async def advance(journal: AnyJournal, results: list[Finish | Requeue], claims: list[int], *fresh: NewRow) -> Advanced:
    done: asyncio.Future[Advanced] = asyncio.get_running_loop().create_future()
    journal.advance(results, claims, done.set_result, fresh=fresh)
    return await done


class BusyAtTheEnd:
    """A connection that cannot commit."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, statement: str, *values: Any) -> Any:
        if statement == "COMMIT":
            raise sqlite_error(sqlite3.SQLITE_BUSY)
        return self._connection.execute(statement, *values)


async def test_a_step_is_one_commit(journal: AnyJournal) -> None:
    await journal.add(new_rows(4))
    for seq in (1, 2):
        await journal.claim(seq)
    statements = await trace(journal)
    advanced = await advance(journal, [accepted(1), Requeue(2)], [3, 4])
    assert advanced == Advanced(stored=[True, True], claimed=[True, True])
    assert await journal.counts() == Counts(accepted=1, queued=1, in_flight=2)
    assert statements.count("COMMIT") == 2  # of the trace itself, and of the step


async def test_a_step_tells_what_did_not_fit_and_does_the_rest(journal: AnyJournal) -> None:
    await journal.add(new_rows(3))
    await journal.claim(1)
    advanced = await advance(journal, [accepted(1), accepted(2)], [3, 1])
    assert (advanced.stored, advanced.claimed) == ([True, False], [True, False])
    assert isinstance(advanced.error, JournalError)
    assert "row 2" in str(advanced.error)
    assert await journal.counts() == Counts(accepted=1, queued=1, in_flight=1)


@pytest.mark.parametrize("misfit", [False, True])
async def test_a_step_that_cannot_be_committed_says_that_nothing_was_done(journal: AnyJournal, misfit: bool) -> None:
    await journal.add(new_rows(3))
    await journal.claim(1)
    assert journal._writer is not None
    store: Any = journal._writer._store
    store.connection = BusyAtTheEnd(store.connection)

    advanced = await advance(journal, [accepted(3 if misfit else 1)], [2], new_row("a"), new_row("b"))
    assert (advanced.stored, advanced.claimed, advanced.added) == ([False], [False], [])
    assert isinstance(advanced.error, JournalError)

    store.connection = store.connection._connection
    assert await journal.counts() == Counts(queued=2, in_flight=1)
    assert (await advance(journal, [], [], new_row("a"))).added == [Stored(4, Added.NEW, State.IN_FLIGHT)]


async def test_a_row_is_put_back_for_a_later_time(journal: AnyJournal, clock: FakeClock) -> None:
    await journal.add(new_rows(1))
    await journal.claim(1)
    assert (await advance(journal, [Requeue(1, clock.now + 60)], [])).error is None
    assert await journal.queued(0, 9, clock.now) == []
    assert [row.seq for row in await journal.queued(0, 9, clock.now + 60)] == [1]


async def test_a_step_of_which_nobody_learns_is_done(journal: AnyJournal) -> None:
    await journal.add(new_rows(1))
    await journal.claim(1)
    journal.advance([accepted(1)], [], lambda _: None)
    await journal.close()
    assert await journal.counts() == Counts(accepted=1)


async def test_a_closed_journal_takes_no_step() -> None:
    with pytest.raises(JournalError, match="not open"):
        MemoryJournal().advance([accepted(1)], [], print)


async def test_row_claimed_twice_at_once_is_claimed_once(journal: AnyJournal) -> None:
    await journal.add(new_rows(2))
    assert await together(*(journal.claim(seq) for seq in (1, 2, 1))) == [True, True, False]
    assert await journal.counts() == Counts(in_flight=2)


@pytest.mark.parametrize("claimed", [False, True])
async def test_order_of_moves_of_one_row_counts(journal: AnyJournal, claimed: bool) -> None:
    await journal.add(new_rows(2))
    if claimed:
        await journal.claim(1)
    found = await together(journal.claim(1), journal.finish(accepted(1)), journal.claim(1), journal.claim(2))
    assert found == [not claimed, None, False, True]
    assert await journal.counts() == Counts(accepted=1, in_flight=1)


async def test_result_that_comes_before_its_claim_is_refused(journal: AnyJournal) -> None:
    await journal.add(new_rows(1))
    found = await together(journal.finish(accepted(1)), journal.claim(1))
    assert isinstance(found[0], JournalError)
    assert (found[1], await journal.counts()) == (True, Counts(in_flight=1))


async def test_late_answer_among_others(journal: AnyJournal) -> None:
    await journal.add(new_rows(2))
    await claim_next(journal, 2)
    await journal.finish(Finish(1, Outcome.UNKNOWN))
    assert await together(journal.finish(accepted(2)), journal.finish(accepted(1))) == [None, None]
    assert await journal.counts() == Counts(accepted=2)


@pytest.mark.parametrize(
    "wrong",
    [
        Finish(2, Outcome.NOT_SENT),
        Finish(9, Outcome.ACCEPTED),
        Finish(2, Outcome.ACCEPTED, http="teapot"),  # type: ignore[arg-type]
        Finish(2, Outcome.ACCEPTED, note=object()),  # type: ignore[arg-type]
        Finish(2, Outcome.ACCEPTED, http=1 << 70),
        Finish(2, Outcome.ACCEPTED, note="\ud800"),
    ],
    ids=["not sent", "no row", "text for a number", "no value", "too large", "no character"],
)
async def test_result_that_does_not_fit_fails_alone(journal: AnyJournal, wrong: Finish) -> None:
    await journal.add(new_rows(4))
    await claim_next(journal, 3)
    first, second, claimed, third = await together(
        journal.finish(accepted(1)), journal.finish(wrong), journal.claim(4), journal.finish(accepted(3))
    )
    assert (first, claimed, third) == (None, True, None)
    assert isinstance(second, Exception)
    assert await journal.counts() == Counts(accepted=2, in_flight=2)
    await journal.finish(accepted(2))


async def test_rows_that_do_not_fit_fail_alone(journal: AnyJournal) -> None:
    await journal.add(new_rows(1))
    short = NewRow(b"short", "1", "send_text", b"{}")
    added, failed, claimed = await together(
        journal.add([new_row("a")]), journal.add([new_row("b"), short]), journal.claim(1)
    )
    assert [(one.seq, one.added) for one in added] == [(2, Added.NEW)]
    assert isinstance(failed, JournalError)
    assert claimed
    assert await journal.counts() == Counts(in_flight=1, queued=1)


async def test_the_same_row_added_twice_at_once(journal: AnyJournal) -> None:
    first, second = await together(journal.add([new_row("a"), new_row("b")]), journal.add([new_row("b")]))
    assert [(one.seq, one.added) for one in first + second] == [
        (1, Added.NEW), (2, Added.NEW), (3, Added.DUPLICATE)
    ]  # fmt: skip
    assert await journal.counts() == Counts(queued=2, skipped=1)


async def test_source_that_is_fed_again_and_goes_on(journal: AnyJournal) -> None:
    await journal.add(new_rows(6))
    await reopen(journal)
    found = [one for start in range(0, 12, 3) for one in await journal.add(new_rows(12)[start : start + 3])]
    assert [one.seq for one in found] == list(range(1, 13))
    assert [one.added for one in found] == [Added.KNOWN] * 6 + [Added.NEW] * 6
    assert (await journal.add([]), await journal.counts()) == ([], Counts(queued=12))


async def test_other_work_keeps_its_place(journal: AnyJournal) -> None:
    await journal.add(new_rows(2))
    before, claimed, after = await together(journal.queued_row(1), journal.claim(1), journal.queued_row(1))
    assert (before.seq, claimed, after) == (1, True, None)


async def test_full_table_of_numbers_is_told(journal: AnyJournal) -> None:
    await journal.add(new_rows(1))
    await journal._do(lambda store: setattr(store, "_last", (1 << 63) - 1))
    for rows in ([new_row("a")], [new_row("b"), new_row("b")]):
        with pytest.raises(JournalError, match="no number left"):
            await journal.add(rows)
    assert (await journal.counts()).rows == 1


async def test_close_stores_what_was_asked_in_the_same_turn(journal: AnyJournal) -> None:
    await journal.add(new_rows(2))
    await journal.claim(1)
    found = await together(journal.finish(accepted(1)), journal.claim(2), journal.close())
    assert found == [None, True, None]
    assert await journal.counts() == Counts(accepted=1, in_flight=1)


async def test_what_comes_while_a_commit_is_under_way_is_one_commit(on_disk: SQLiteJournal) -> None:
    await on_disk.add(new_rows(20))
    statements = await trace(on_disk)
    begun, proceed = threading.Event(), threading.Event()

    def wait(_: Store) -> bool:
        begun.set()
        return proceed.wait(5)

    waiting = asyncio.create_task(on_disk._do(wait))
    await asyncio.to_thread(begun.wait, 5)
    claims = []
    for seq in range(1, 21):
        claims.append(asyncio.create_task(on_disk.claim(seq)))
        await asyncio.sleep(0)
    proceed.set()
    assert await asyncio.gather(*claims) == [True] * 20
    assert await waiting
    assert statements.count("COMMIT") == 3  # of the trace itself, of what waited, and of all claims


def in_thread(call: Callable[[], Awaitable[object]]) -> Exception | None:
    found: list[Exception | None] = []

    def run() -> None:
        try:
            asyncio.run(call())  # type: ignore[arg-type]  # a coroutine
            found.append(None)
        except Exception as error:  # noqa: BLE001 - it is what the test looks at
            found.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return found[0]


async def test_another_loop_is_refused(journal: AnyJournal) -> None:
    await journal.add(new_rows(1))
    assert "another event loop" in str(in_thread(lambda: journal.claim(1)))
    assert await journal.claim(1)


def test_later_loop_is_refused() -> None:
    journal = MemoryJournal()
    asyncio.run(journal.open(FINGERPRINT))
    with pytest.raises(JournalError, match="another event loop"):
        asyncio.run(journal.claim(1))


async def test_memory_is_written_without_another_thread(clock: FakeClock) -> None:
    journal = MemoryJournal(clock=clock)
    await journal.open(FINGERPRINT)
    threads: list[int] = []

    def look() -> float:
        threads.append(threading.get_ident())
        return 1.0

    assert journal._writer is not None
    assert journal._writer._store is not None
    journal._writer._store.clock = look
    await journal.add(new_rows(1))
    await journal.claim(1)
    await journal.finish(accepted(1))
    assert set(threads) == {threading.get_ident()}
    await journal.close()


async def test_interrupt_while_memory_is_written_leaves_nobody_waiting() -> None:
    journal = MemoryJournal()
    await journal.open(FINGERPRINT)
    await journal.add(new_rows(2))
    writer = journal._writer
    assert writer is not None
    assert writer._store is not None

    def interrupt() -> float:
        raise KeyboardInterrupt

    writer._store.clock = interrupt
    claim = writer.put(Claiming(1))
    with pytest.raises(KeyboardInterrupt):
        writer._hand_over(writer._gathering.take())
    with pytest.raises(JournalError, match="the journal failed"):
        await claim.future
    with pytest.raises(JournalError, match="the journal failed"):
        await journal.claim(2)
    assert await journal.counts() == Counts(queued=2)
    await journal.close()
