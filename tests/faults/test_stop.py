"""F28, F45, F46: the caller cancels, and the caller's own source or callback misbehaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing

import pytest

from tests.faults.proxy import CALM, Chaos
from tests.faults.stage import Stage, messages, phones, until
from tests.simulation.virtual_loop import running_loop
from wabotick_async import SendText
from wabotick_async.bulk import SQLiteJournal
from wabotick_async.bulk.delivery import Delivery, Job
from wabotick_async.bulk.journal import Counts, State
from wabotick_async.bulk.message import to_row
from wabotick_async.errors import CampaignAbortedError
from wabotick_async.outcomes import Outcome
from wabotick_async.sandbox import Fault, FaultKind

pytestmark = pytest.mark.usefixtures("bulk_way")


async def test_f28_one_send_is_cancelled_and_the_others_go_on(stage: Stage) -> None:
    stage.sandbox.script(Fault(FaultKind.HANG_AFTER))
    journal = SQLiteJournal(stage.path, clock=stage.clock)
    await journal.open({})
    requests = list(messages(3))
    stored = await journal.add([to_row(request, 1)[1] for request in requests])
    async with stage.client() as client:
        delivering: list[asyncio.Task[Outcome]] = []
        for request, one in zip(requests, stored, strict=True):

            async def deliver(job: Job) -> Outcome:
                delivery = Delivery(client, journal, may_leave=lambda: True, clock=stage.clock)
                return (await delivery.deliver(job)).outcome

            delivering.append(asyncio.create_task(deliver(Job(seq=one.seq, request=request))))
            await until(lambda: stage.delivered == len(delivering))
        delivering[0].cancel()
        with pytest.raises(asyncio.CancelledError):
            await delivering[0]
        unknown = list(SQLiteJournal.read_rows(stage.path, State.UNKNOWN))
        assert [(row.seq, row.code) for row in unknown] == [(stored[0].seq, "interrupted")], "not committed at once"
        assert [await one for one in delivering[1:]] == [Outcome.ACCEPTED] * 2
    await journal.close()
    assert await stage.judge(phones(3)) == Counts(accepted=2, unknown=1)


async def test_f28_the_whole_run_is_cancelled(stage: Stage) -> None:
    stage.sandbox.script(Fault(FaultKind.HANG_AFTER, nth=20, times=1_000))
    run = asyncio.create_task(stage.run(messages(60), client={"concurrency": 6}))
    await until(lambda: stage.delivered == 25)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    report = stage.sender.report
    assert report is not None
    assert await stage.judge(phones(report.rows)) == Counts(accepted=19, unknown=6, queued=report.rows - 25)


async def test_f29_a_stop_drains_what_is_in_flight(stage: Stage) -> None:
    stage.proxy.plan = lambda _: Chaos(latency=0.01)
    run = asyncio.create_task(stage.run(messages(200)))
    await until(lambda: stage.delivered >= 20)
    stage.sender.stop("enough")
    report = await run
    assert (report.stopped, report.unknown, report.complete) == ("enough", 0, False)
    assert report.accepted == stage.delivered
    await stage.judge(phones(report.rows))
    assert (await stage.run(messages(200))).accepted == 200
    assert await stage.judge(phones(200)) == Counts(accepted=200)


# --- the source


async def test_f45_a_source_that_raises(stage: Stage) -> None:
    def source() -> Iterator[SendText]:
        yield from messages(30)
        raise OSError("the file ended in the middle of a line")

    report = await stage.run(source())
    assert stage.failure is not None
    assert isinstance(stage.failure.__cause__, OSError)
    assert report.accepted == 30, "what the source gave before was not sent"
    assert await stage.judge(phones(30)) == Counts(accepted=30)
    await stage.run(messages(40))
    assert await stage.judge(phones(40)) == Counts(accepted=40)


async def test_f45_a_source_that_blocks_the_loop(stage: Stage) -> None:
    def source() -> Iterator[SendText]:
        for number, message in enumerate(messages(30)):
            if number == 15:
                running_loop().block(0.2)
            yield message

    await stage.run(source())
    assert await stage.judge(phones(30)) == Counts(accepted=30)


async def test_f45_a_source_that_waits_holds_back_nobody(stage: Stage) -> None:
    async def source() -> AsyncIterator[SendText]:
        for message in messages(7):
            yield message
        await until(lambda: stage.delivered == 7)
        for message in messages(3, start=8):
            yield message

    await stage.run(source())
    assert await stage.judge(phones(10)) == Counts(accepted=10)


async def test_f45_a_source_that_repeats(stage: Stage) -> None:
    report = await stage.run([*messages(20), *messages(20), *messages(5)])
    assert (report.accepted, report.skipped, report.rows) == (20, 25, 45)
    assert await stage.judge([*phones(20), *phones(20), *phones(5)]) == Counts(accepted=20, skipped=25)


async def test_f45_the_same_source_again_is_no_repeat(stage: Stage) -> None:
    for _ in range(3):
        await stage.run(messages(20))
    assert await stage.judge(phones(20)) == Counts(accepted=20)


# --- the callback


async def read(stage: Stage, count: int, *, fails_at: int | None = None) -> int:
    """Read the results of a campaign as a user's callback would, and return how many came."""
    seen = 0
    async with (
        stage.client(concurrency=4) as client,
        aclosing(stage.open_sender(client).stream(messages(count))) as results,
    ):
        async for _ in results:
            seen += 1
            if seen == fails_at:
                raise ZeroDivisionError
    return seen


async def test_f46_a_callback_that_raises(stage: Stage) -> None:
    with pytest.raises(ZeroDivisionError):
        await read(stage, 100, fails_at=10)
    report = stage.sender.report
    assert report is not None
    counts = await stage.judge(phones(report.rows))
    assert (counts.unknown, counts.in_flight) == (0, 0), "the journal is not complete"
    assert counts.accepted == stage.delivered < 100
    await stage.run(messages(100))
    assert await stage.judge(phones(100)) == Counts(accepted=100)


async def test_f46_a_slow_callback_slows_the_sending(stage: Stage) -> None:
    most_ahead = 0

    async with stage.client(concurrency=4) as client:
        seen = 0
        async for _ in stage.open_sender(client).stream(messages(60)):
            seen += 1
            most_ahead = max(most_ahead, stage.delivered - seen)
            await asyncio.sleep(0.003)
    assert seen == 60
    assert most_ahead <= 3 * 4
    assert await stage.judge(phones(60)) == Counts(accepted=60)


async def test_f46_an_error_surfaces_behind_the_results(stage: Stage) -> None:
    stage.sandbox.script(
        Fault(FaultKind.HTML, nth=5, times=20, body='{"status":"0","message":"Unauthenticated."}', accepted=False)
    )
    with pytest.raises(CampaignAbortedError):
        await read(stage, 50)
    report = stage.sender.report
    assert report is not None
    assert report.accepted == stage.delivered == 4
    await stage.judge(phones(report.rows))


async def test_f46_an_observer_that_raises_changes_nothing(stage: Stage) -> None:
    def observer(_: object) -> None:
        raise ZeroDivisionError

    stage.proxy.plan = lambda number: Chaos(cut_answer=0) if number == 1 else CALM
    await stage.run(messages(20), client={"observers": [observer]})
    counts = await stage.judge(phones(20))
    assert (counts.accepted, counts.unknown) == (19, 1)
