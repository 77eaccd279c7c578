"""Cancelling a run: what is in flight becomes unknown, committed, and the cancellation goes on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import pytest

from tests.bulk.fakes import HANG, FakeClient, FakeTime, Step, counts, make_sender, phone, rows_of, texts, until
from wabotick_async.bulk import BulkSender, Journal, SQLiteJournal
from wabotick_async.bulk.journal import Counts, Finish, State
from wabotick_async.errors import NotSentError


async def cancel(task: asyncio.Task[object]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def run_until_hanging(client: FakeClient, sender: BulkSender) -> asyncio.Task[object]:
    for number in (2, 4):
        client.plan(number, HANG)
    task: asyncio.Task[object] = asyncio.create_task(sender.run(texts(30)))
    await until(lambda: client.in_flight == 2 and len(client.wire) == 30)
    return task


async def test_in_flight_becomes_unknown(client: FakeClient, journal: Journal) -> None:
    sender = make_sender(client, journal)
    await cancel(await run_until_hanging(client, sender))
    assert await journal.counts() == Counts(accepted=28, unknown=2)
    assert sender.report is not None
    assert (counts(sender.report), sender.report.stopped) == ({"accepted": 28, "unknown": 2}, "cancelled")
    assert sender.report.causes == {"interrupted": 2}
    assert (await rows_of(journal))[phone(2)].state is State.UNKNOWN


async def test_nothing_is_sent_twice_afterwards(client: FakeClient, journal: Journal) -> None:
    await cancel(await run_until_hanging(client, make_sender(client, journal)))
    report = await make_sender(client, journal).run(texts(31))
    assert counts(report) == {"accepted": 29, "unknown": 2}
    assert len(client.wire) == len(set(client.wire)) == 31


async def test_a_second_cancellation_gives_the_journal_back(client: FakeClient, path: Path) -> None:
    task = await run_until_hanging(client, make_sender(client, SQLiteJournal(path)))
    task.cancel()
    await asyncio.sleep(0)
    await cancel(task)
    other = SQLiteJournal(path)
    await until(lambda: SQLiteJournal.inspect(path).open_run is None)
    found = await rows_of(other)
    assert {row.state for row in found.values()} <= {State.ACCEPTED, State.UNKNOWN}
    assert len(found) == 30


@pytest.mark.parametrize("steps", range(0, 60, 3))
async def test_at_any_moment(client: FakeClient, journal: Journal, steps: int) -> None:
    client.plan(2, NotSentError("down"), HANG)
    client.plan(3, HANG)
    sender = make_sender(client, journal)
    task: asyncio.Task[object] = asyncio.create_task(sender.run(texts(9)))
    for _ in range(steps):
        await asyncio.sleep(0.0002)
    await cancel(task)
    found = await journal.counts()
    assert found.in_flight == 0
    assert found.accepted <= len(client.wire) <= found.accepted + found.unknown
    assert sender.report is None or not sender.report.stopped or sender.report.stopped == "cancelled"


@pytest.mark.usefixtures("real_time")
async def test_while_a_claim_is_being_stored(client: FakeClient, on_disk: SQLiteJournal) -> None:
    """Nobody learned of the claim, so nothing left: the row is queued, not unknown."""
    sender = make_sender(client, on_disk)
    begun, proceed = threading.Event(), threading.Event()
    claim = on_disk.claim

    async def slow_claim(seq: int) -> bool:
        def wait(_: object) -> None:
            begun.set()
            proceed.wait(60)

        blocked = asyncio.create_task(on_disk._do(wait))
        await asyncio.sleep(0)
        try:
            return await claim(seq)
        finally:
            proceed.set()
            await asyncio.gather(blocked, return_exceptions=True)

    on_disk.claim = slow_claim  # type: ignore[method-assign]  # a journal on a slow disk
    task: asyncio.Task[object] = asyncio.create_task(sender.run(texts(1)))
    await until(begun.is_set)
    await cancel(task)
    assert client.wire == []
    assert sender.report is not None
    assert (counts(sender.report), sender.report.stopped) == ({"not_sent": 1}, "cancelled")


async def test_result_that_is_being_stored_is_kept(client: FakeClient, on_disk: SQLiteJournal) -> None:
    sender = make_sender(client, on_disk)
    finish = on_disk.finish
    finishing = asyncio.Event()

    async def slow_finish(result: Finish) -> None:
        finishing.set()
        await finish(result)

    on_disk.finish = slow_finish  # type: ignore[assignment,method-assign]  # to know when it is called
    task: asyncio.Task[object] = asyncio.create_task(sender.run(texts(1)))
    await finishing.wait()
    await cancel(task)
    assert sender.report is not None
    assert counts(sender.report) == {"accepted": 1}


async def test_in_backoff(client: FakeClient, journal: Journal, time: FakeTime) -> None:
    time.stands_still = True
    client.plan(1, NotSentError("down"))
    sender = make_sender(client, journal, time)
    task: asyncio.Task[object] = asyncio.create_task(sender.run(texts(1)))
    await until(lambda: time.slept)
    await cancel(task)
    assert await journal.counts() == Counts(queued=1)


async def test_failure_to_leave_after_the_feed_has_ended(client: FakeClient, journal: Journal) -> None:
    """A worker that ignores its cancellation for a moment must not bring work to a feed that is gone."""
    sender = make_sender(client, journal)

    async def send(request: object, *, before_sending: Callable[[], Awaitable[None]], **_: object) -> None:
        await before_sending()
        try:
            client.in_flight = 1
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise NotSentError("called off before a byte left") from None

    real = journal.requeue

    async def requeue(seq: int, not_before: float = 0.0) -> None:
        with anyio.CancelScope(shield=True):
            await real(seq, not_before)

    journal.requeue = requeue  # type: ignore[method-assign]  # a journal that lets nobody interrupt it
    client.send = send  # type: ignore[assignment,method-assign]  # a client that knows that nothing left
    task: asyncio.Task[object] = asyncio.create_task(sender.run(texts(1)))
    await until(lambda: client.in_flight)
    await cancel(task)
    assert sender.report is not None
    assert (sender.report.stopped, counts(sender.report)) == ("cancelled", {"not_sent": 1})


async def test_deadline_of_the_caller(client: FakeClient, journal: Journal) -> None:
    client.plan(1, Step(hangs=True))

    async def run() -> None:
        async with asyncio.timeout(None) as deadline:
            client.on_wire = lambda _: deadline.reschedule(asyncio.get_running_loop().time())
            await make_sender(client, journal).run(texts(1))

    with pytest.raises(TimeoutError):
        await run()
    assert await journal.counts() == Counts(unknown=1)
