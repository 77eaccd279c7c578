"""Stopping on purpose: what is in flight is finished, everything else stays queued."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from tests.bulk.fakes import HANG, WAIT, FakeClient, FakeTime, Step, counts, make_sender, phone, rows_of, texts, until
from wabotick_async.bulk import Journal
from wabotick_async.bulk.journal import State
from wabotick_async.errors import NotSentError
from wabotick_async.outcomes import BulkReport


async def test_in_flight_is_finished(client: FakeClient, journal: Journal) -> None:
    for number in range(1, 99):
        client.plan(number, HANG)
    sender = make_sender(client, journal)
    task = asyncio.create_task(sender.run(texts(99)))
    await until(lambda: client.in_flight == 4)
    sender.stop("enough")
    sender.stop("a second reason")
    await asyncio.sleep(0.02)
    assert not task.done()
    assert sender.snapshot().stopping == "enough"
    client.gate.set()
    report = await task
    assert (report.accepted, report.stopped, report.complete) == (4, "enough", False)
    assert report.unknown == 0
    assert len(client.wire) == 4
    assert [row.state for row in (await rows_of(journal)).values()][4:] == [State.QUEUED] * report.not_sent


async def test_before_anything(client: FakeClient, journal: Journal) -> None:
    sender = make_sender(client, journal)
    sender.stop()
    task = asyncio.create_task(sender.run(texts(9)))
    await asyncio.sleep(0)
    sender.stop("changed my mind")
    report = await task
    assert (report.stopped, report.accepted, client.asked) == ("changed my mind", 0, [])
    assert counts(await sender.run(texts(9))) == {"accepted": 9}


async def test_stop_is_forgotten_by_the_next_run(client: FakeClient) -> None:
    sender = make_sender(client)
    async for _ in sender.stream(texts(30)):
        sender.stop()
    sender.stop("nothing runs")
    report = await sender.run(texts(30))
    assert (counts(report), report.stopped) == ({"accepted": 30}, None)


async def test_messages_that_wait_for_the_limiter_stay_queued(client: FakeClient, journal: Journal) -> None:
    for number in range(1, 9):
        client.plan(number, WAIT)
    sender = make_sender(client, journal)
    task = asyncio.create_task(sender.run(texts(8)))
    await until(lambda: len(client.asked) == 4)
    await until(lambda: (sender.snapshot().in_flight, sender.snapshot().waiting) == (0, 6))
    sender.stop()
    report = await task
    assert counts(report) == {"not_sent": report.rows}
    assert client.wire == []
    assert {row.attempts for row in (await rows_of(journal)).values()} == {0}


async def test_messages_in_backoff_stay_queued(client: FakeClient, journal: Journal, time: FakeTime) -> None:
    time.stands_still = True
    for number in range(1, 4):
        client.plan(number, NotSentError("down"))
    sender = make_sender(client, journal, time)
    task = asyncio.create_task(sender.run(texts(3)))
    await until(lambda: len(time.slept) == 3)
    sender.stop()
    assert counts(await task) == {"not_sent": 3}


async def test_failure_during_the_drain_goes_back_to_the_queue(client: FakeClient, journal: Journal) -> None:
    client.plan(1, Step(NotSentError("down"), hangs=True))
    sender = make_sender(client, journal)
    task = asyncio.create_task(sender.run(texts(1)))
    await until(lambda: client.in_flight == 1)
    sender.stop()
    client.gate.set()
    assert counts(await task) == {"not_sent": 1}


async def test_stop_between_grant_and_claim(client: FakeClient, journal: Journal) -> None:
    """The limiter lets a message go in the moment of the stop."""
    sender = make_sender(client, journal)
    send = client.send

    async def stop_first(request: object, **settings: object) -> object:
        sender.stop()
        return await send(request, **settings)  # type: ignore[arg-type]  # passed on

    client.send = stop_first  # type: ignore[method-assign]  # a client that stops its campaign
    report = await sender.run(texts(9))
    assert (report.accepted, client.wire, report.stopped) == (0, [], "stopped by the caller")


async def test_stop_frees_a_source_that_waits(client: FakeClient) -> None:
    async def source() -> AsyncIterator[Any]:
        yield texts(1)[0]
        await asyncio.Event().wait()

    sender = make_sender(client)
    task = asyncio.create_task(sender.run(source()))
    await until(lambda: client.wire == [phone(1)])
    sender.stop()
    assert isinstance(await task, BulkReport)


async def test_snapshot_follows_the_run(client: FakeClient, time: FakeTime) -> None:
    sender = make_sender(client, time=time)
    client.plan(2, HANG)
    task = asyncio.create_task(sender.run([*texts(3), *texts(1)]))
    await until(lambda: sender.snapshot().accepted == 2)
    now = sender.snapshot()
    assert (now.read, now.in_flight, now.waiting, now.skipped, now.done) == (4, 1, 0, 1, 3)
    time.now += 5
    client.gate.set()
    report = await task
    assert sender.snapshot() == sender.progress
    assert (sender.progress.elapsed, report.elapsed) == (5.0, 5.0)
    assert (sender.progress.accepted, sender.progress.waiting, sender.progress.in_flight) == (3, 0, 0)
