"""The writer's thread: commits are shared, neighbours are not harmed, cancelled callers lose nothing."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from wabotick_async.bulk.journal import Counts, Finish, SQLiteJournal, writer
from wabotick_async.bulk.journal.files import RESERVE_SIZE
from wabotick_async.bulk.journal.store import Store
from wabotick_async.errors import JournalError, JournalFullError
from wabotick_async.outcomes import Outcome

from .conftest import FINGERPRINT, AnyJournal, claim_next, new_row, new_rows


def sqlite_error(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("made up")
    error.sqlite_errorcode = code
    return error


def raising(error: Exception) -> Callable[[Store], None]:
    def work(_: Store) -> None:
        raise error

    return work


async def run_in_writer(journal: AnyJournal, statement: str) -> None:
    await journal._do(lambda store: store.connection.execute(statement).fetchall() and None)


async def trace(journal: AnyJournal) -> list[str]:
    statements: list[str] = []
    await journal._do(lambda store: store.connection.set_trace_callback(statements.append))
    return statements


async def test_concurrent_claims_share_commits(on_disk: SQLiteJournal) -> None:
    await on_disk.add(new_rows(200))
    statements = await trace(on_disk)
    assert all(await asyncio.gather(*(on_disk.claim(seq) for seq in range(1, 201))))
    assert (await on_disk.counts()).in_flight == 200
    assert statements.count("COMMIT") <= 10


async def test_claim_is_committed_before_it_returns(on_disk: SQLiteJournal) -> None:
    await on_disk.add(new_rows(2))
    assert await on_disk.claim(1)
    assert SQLiteJournal.inspect(on_disk.path).counts == Counts(queued=1, in_flight=1)
    assert await on_disk.claim(2)
    assert SQLiteJournal.inspect(on_disk.path).counts == Counts(in_flight=2)


async def test_illegal_move_does_not_harm_its_neighbours(journal: AnyJournal) -> None:
    await journal.add(new_rows(3))
    await claim_next(journal, 2)
    results = await asyncio.gather(
        *(journal.finish(Finish(seq, Outcome.ACCEPTED)) for seq in (1, 3, 2)), return_exceptions=True
    )
    assert [type(result) for result in results] == [type(None), JournalError, type(None)]
    assert await journal.counts() == Counts(accepted=2, queued=1)


async def test_wrong_work_harms_only_its_caller(journal: AnyJournal) -> None:
    def fail(store: Store) -> None:
        store.add(new_rows(2))
        raise ZeroDivisionError

    results = await asyncio.gather(journal._do(fail), journal.add([new_row("a")]), return_exceptions=True)
    assert isinstance(results[0], ZeroDivisionError)
    assert await journal.counts() == Counts(queued=1)


async def test_cancelled_finish_is_stored(journal: AnyJournal) -> None:
    await journal.add(new_rows(1))
    await journal.claim(1)
    task = asyncio.create_task(journal.finish(Finish(1, Outcome.ACCEPTED)))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await journal.close()
    assert await journal.counts() == Counts(accepted=1)


@pytest.mark.parametrize("steps", range(6))
async def test_cancelled_claim_gives_its_row_back(journal: AnyJournal, steps: int) -> None:
    await journal.add(new_rows(2))
    task = asyncio.create_task(journal.claim(1))
    for _ in range(steps):
        await asyncio.sleep(0)
    task.cancel()
    [result] = await asyncio.gather(task, return_exceptions=True)
    assert isinstance(result, (asyncio.CancelledError, bool))
    if isinstance(result, asyncio.CancelledError):
        assert [(row.seq, row.attempts) for row in await journal.queued(0, 9, 0)] == [(1, 0), (2, 0)]


async def test_cancelled_claim_of_a_row_in_flight_leaves_it_there(journal: AnyJournal) -> None:
    await journal.add(new_rows(1))
    await journal.claim(1)
    task = asyncio.create_task(journal.claim(1))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await journal.finish(Finish(1, Outcome.ACCEPTED))


async def test_failed_and_cancelled_claim_leaves_its_row_to_others(journal: AnyJournal) -> None:
    await journal.add(new_rows(1))
    begun, gather, failing_now, proceed = (threading.Event() for _ in range(4))

    def wait(_: Store) -> None:
        begun.set()
        gather.wait(5)

    def fail_later(_: Store) -> None:
        failing_now.set()
        proceed.wait(5)
        raise sqlite_error(sqlite3.SQLITE_BUSY)

    before = asyncio.create_task(journal._do(wait))
    await asyncio.to_thread(begun.wait, 5)
    # One commit, which fails: the claim and what makes it fail.
    first = asyncio.create_task(journal.claim(1))
    failing = asyncio.create_task(journal._do(fail_later))
    await asyncio.sleep(0)
    gather.set()
    await before
    await asyncio.to_thread(failing_now.wait, 5)
    second = asyncio.create_task(journal.claim(1))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    proceed.set()
    await asyncio.gather(first, failing, return_exceptions=True)
    assert await second
    await journal.close()
    assert await journal.counts() == Counts(in_flight=1)


async def test_cancelled_open_gives_the_file_back(tmp_path: Path) -> None:
    task = asyncio.create_task(SQLiteJournal(tmp_path / "journal.db").open(FINGERPRINT))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    other = SQLiteJournal(tmp_path / "journal.db")
    await other.open(FINGERPRINT)
    await other.close()
    assert SQLiteJournal.inspect(other.path).open_run is None


async def test_cancelled_open_of_a_journal_that_cannot_be_opened(on_disk: SQLiteJournal) -> None:
    task = asyncio.create_task(SQLiteJournal(on_disk.path).open(FINGERPRINT))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()


async def test_cancelled_close_goes_on(on_disk: SQLiteJournal) -> None:
    task = asyncio.create_task(on_disk.close())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await on_disk.close()
    assert SQLiteJournal.inspect(on_disk.path).open_run is None


async def test_database_error_fails_the_batch_and_everything_after(on_disk: SQLiteJournal) -> None:
    await on_disk.add(new_rows(2))
    break_down = raising(sqlite_error(sqlite3.SQLITE_IOERR_FSYNC))
    results = await asyncio.gather(on_disk.claim(1), on_disk._do(break_down), return_exceptions=True)
    assert isinstance(results[1], JournalError)
    with pytest.raises(JournalError, match="may not be stored"):
        await on_disk.claim(2)
    assert (await on_disk.counts()).rows == 2


async def test_full_disk_keeps_the_results_and_begins_nothing(on_disk: SQLiteJournal) -> None:
    reserve = on_disk.path.with_name("journal.db.reserve")
    await on_disk.add(new_rows(3))
    await on_disk.claim(1)
    await on_disk._do(lambda store: store.connection.execute("PRAGMA max_page_count=1").fetchall())
    assert reserve.stat().st_size == RESERVE_SIZE
    results = await asyncio.gather(
        on_disk.add([new_row("x" * 9_000)]), on_disk.finish(Finish(1, Outcome.ACCEPTED)), return_exceptions=True
    )
    assert isinstance(results[0], JournalFullError)
    assert results[1] is None
    assert not reserve.exists()
    with pytest.raises(JournalFullError):
        await on_disk.claim(2)
    assert await on_disk.counts() == Counts(accepted=1, queued=2)


async def test_busy_file_is_not_the_end(on_disk: SQLiteJournal) -> None:
    await run_in_writer(on_disk, "PRAGMA busy_timeout=1")
    other = sqlite3.connect(on_disk.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(JournalError, match="locked"):
        await on_disk.add(new_rows(1))
    other.execute("ROLLBACK")
    other.close()
    await on_disk.add(new_rows(1))
    assert (await on_disk.counts()).queued == 1


async def test_result_that_does_not_fit_either_is_told(on_disk: SQLiteJournal) -> None:
    full = raising(sqlite_error(sqlite3.SQLITE_FULL))
    for _ in range(2):
        with pytest.raises(JournalFullError):
            await on_disk._do(full, vital=True)


async def test_nothing_is_taken_while_closing(journal: AnyJournal) -> None:
    closing = asyncio.create_task(journal.close())
    await asyncio.sleep(0)
    with pytest.raises(JournalError, match="closed"):
        await journal.claim(2)
    await closing


async def test_run_that_cannot_be_ended_is_logged_and_checked_later(
    on_disk: SQLiteJournal, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise sqlite_error(sqlite3.SQLITE_IOERR)

    monkeypatch.setattr(writer, "end_run", fail)
    await on_disk.close()
    assert "not ended cleanly" in caplog.text
    monkeypatch.undo()
    assert (await on_disk.open(FINGERPRINT)).run == 2


def test_loop_that_ended_before_the_journal(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    proceed = threading.Event()

    async def forget() -> None:
        journal = SQLiteJournal(tmp_path / "journal.db")
        await journal.open(FINGERPRINT)
        assert journal._writer is not None
        journal._writer.submit(lambda _: proceed.wait(5))
        _ = journal._writer.stop("forgotten")

    asyncio.run(forget())
    proceed.set()
    for thread in threading.enumerate():
        if thread.name == "wabotick-journal":
            thread.join(5)
    assert "event loop ended" in caplog.text
    assert SQLiteJournal.inspect(tmp_path / "journal.db").open_run is None


async def test_journal_whose_end_was_cancelled_can_be_opened_again(tmp_path: Path) -> None:
    journal = SQLiteJournal(tmp_path / "journal.db")
    await journal.open(FINGERPRINT)
    closing = asyncio.create_task(journal.close())
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    await journal.open(FINGERPRINT)
    await journal.close()
