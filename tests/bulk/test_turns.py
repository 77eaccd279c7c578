"""Turns of recipients and numbers: who has to wait keeps nobody waiting, and nothing is lost on the way."""

from __future__ import annotations

import asyncio
import functools
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.bulk.fakes import (
    FakeClient,
    FakeTime,
    PacedClient,
    counts,
    make_sender,
    phone,
    text,
    texts,
    until,
)
from wabotick_async.bulk import BulkSender, Journal, MemoryJournal, SQLiteJournal, campaign
from wabotick_async.bulk.journal import Counts
from wabotick_async.bulk.parking import Parking
from wabotick_async.client import WabotickClient
from wabotick_async.config import Limits, Rate
from wabotick_async.endpoints import SendText
from wabotick_async.errors import Advice, APIError, NotDueError
from wabotick_async.models import SendReceipt
from wabotick_async.sandbox import Sandbox
from wabotick_async.testing import FakeTransport, ManualClock, fake_client
from wabotick_async.transport import RateLimiter, Scope
from wabotick_async.transport.express import ExpressPool

HOT = 7
TOO_MANY_TO_THIS_RECIPIENT = "990008"
"""Last digits that the sandbox refuses so."""
NUMBERS = ("100000000000001", "100000000000002")


def to_hot(count: int) -> list[SendText]:
    return [text(HOT, f"message {number}") for number in range(count)]


def limited_client(clock: ManualClock, transport: FakeTransport, limits: Limits) -> WabotickClient:
    limiter = RateLimiter(limits=limits, clock=clock, call_later=clock.call_later)
    return fake_client(transport, limiter=limiter, limits=limits, clock=clock)


def accepting() -> FakeTransport:
    return FakeTransport(default=SendReceipt(message_id="wamid.1"))


async def at_rest(sender: BulkSender, parked: int) -> None:
    await until(lambda: sender.snapshot().parked == parked and not sender.snapshot().waiting)


async def test_one_hot_recipient_among_ten_thousand_holds_up_nobody() -> None:
    clock, transport = ManualClock(), accepting()
    limits = Limits(rate=50_000, burst=50_000, pair=Rate(1, per=6.0), concurrency=32)
    client = limited_client(clock, transport, limits)
    sender = make_sender(client, MemoryJournal(clock=clock), clock)  # type: ignore[arg-type]  # as good as the fakes

    def source() -> Iterator[SendText]:
        hot = iter(to_hot(20))
        for number in range(10_000):
            yield next(hot) if number % 500 == 9 else text(10_000 + number)

    task = asyncio.create_task(sender.run(source()))
    await until(lambda: sender.snapshot().accepted == 9_981)
    await at_rest(sender, 19)
    assert (clock.now, sender.snapshot().in_flight) == (1_000.0, 0)

    def messages() -> list[str]:
        return [sent.form["message"] for sent in transport.requests if sent.form["phone_number"] == phone(HOT)]

    for turn in range(1, 20):
        await at_rest(sender, 20 - turn)
        await clock.advance(5.9)
        assert len(messages()) == turn
        await clock.advance(0.1)
        await until(lambda: sender.snapshot().accepted == 9_981 + turn)  # noqa: B023 - awaited in this very round
    assert (await task).accepted == 10_000
    assert messages() == [message.message for message in to_hot(20)]


async def test_a_paused_number_does_not_slow_the_other() -> None:
    clock, transport = ManualClock(), accepting()
    client = limited_client(clock, transport, Limits(rate=50_000, burst=50_000, concurrency=8))
    assert isinstance(client.limiter, RateLimiter)
    client.limiter.pause(clock() + 60.0, Scope("number", NUMBERS[0]), "the test")
    sender = make_sender(client, MemoryJournal(clock=clock), clock)  # type: ignore[arg-type]  # as good as the fakes
    source = [SendText(phone_number=phone(one), message="x", phone_number_id=NUMBERS[one % 2]) for one in range(600)]
    task = asyncio.create_task(sender.run(source))
    await until(lambda: sender.snapshot().accepted == 300)
    await at_rest(sender, 300)
    assert clock.now == 1_000.0
    assert {sent.form["phone_number_id"] for sent in transport.requests} == {NUMBERS[1]}
    await clock.advance(60.0)
    assert counts(await task) == {"accepted": 600}


@pytest.mark.parametrize("held_back", [20, 200])
async def test_parked_rows_hold_no_connection_and_no_place_in_flight(held_back: int) -> None:
    """One in four of them was on the wire before the platform refused it for pace; the others wait for their number."""
    clock, limits = ManualClock(), Limits(rate=50_000, burst=50_000, concurrency=4)
    limiter, most = RateLimiter(limits=limits, clock=clock, call_later=clock.call_later), 0
    limiter.pause(clock() + 60.0, Scope("number", NUMBERS[0]), "the test")
    refused = [f"91{number:04}{TOO_MANY_TO_THIS_RECIPIENT}" for number in range(held_back // 4)]
    waiting = [text(number) for number in range(held_back - len(refused))]

    async with (
        Sandbox(auto_window=True) as sandbox,
        WabotickClient(
            sandbox.token, base_url=sandbox.base_url, limits=limits, limiter=limiter, clock=clock, sleep=clock.sleep
        ) as client,
    ):
        sender, pool = BulkSender(client, monotonic=clock, sleep=clock.sleep), client._bulk_pool
        assert isinstance(pool, ExpressPool)

        def source() -> Iterator[SendText]:
            nonlocal most
            yield from (msgspec.structs.replace(message, phone_number_id=NUMBERS[0]) for message in waiting)
            yield from (SendText(phone_number=one, message="x", phone_number_id=NUMBERS[1]) for one in refused)
            for message in texts(100, start=1_000):
                most = max(most, len(pool._open))
                yield msgspec.structs.replace(message, phone_number_id=NUMBERS[1])

        task = asyncio.create_task(sender.run(source()))
        await until(lambda: sender.snapshot().accepted == 100)
        await at_rest(sender, held_back)
        assert (sender.snapshot().in_flight, limiter.in_flight, limiter.waiting) == (0, 0, 0)
        assert (sandbox.requests.open, sandbox.requests.total()) == (0, 100 + len(refused))
        assert max(most, len(pool._open)) <= limits.concurrency
        assert sum(len(idle) for idle in pool._idle.values()) == len(pool._open)
        sender.stop()
        assert (await task).not_sent == held_back


async def test_a_hot_recipient_is_asked_for_twice_a_message_at_most(time: FakeTime) -> None:
    client = PacedClient(time, HOT, concurrency=8)
    report = await make_sender(client, time=time, patience=100.0).run([*to_hot(200), *texts(5)])
    assert (report.accepted, report.stopped) == (205, None)
    assert client.not_due <= 200 + 8


async def park(sender: BulkSender, count: int) -> asyncio.Task[Any]:
    task = asyncio.create_task(sender.run([*to_hot(count), *texts(5)]))
    await until(lambda: sender.snapshot().accepted == 6)
    await at_rest(sender, count - 1)
    return task


async def test_what_is_parked_stays_queued_when_the_run_is_stopped(journal: Journal, time: FakeTime) -> None:
    time.stands_still = True
    client = PacedClient(time, HOT)
    sender = make_sender(client, journal, time)
    task = await park(sender, 9)
    sender.stop("enough")
    report = await task
    assert (counts(report), report.stopped) == ({"accepted": 6, "not_sent": 8}, "enough")
    assert sender.progress.parked == 0
    time.stands_still = False
    assert counts(await make_sender(client, journal, time).resume()) == {"accepted": 14}
    assert client.wire.count(phone(HOT)) == 9


async def test_a_process_dies_with_parked_rows(path: Path, time: FakeTime) -> None:
    time.stands_still = True
    client, dead = PacedClient(time, HOT), path.with_name("dead")
    sender = make_sender(client, SQLiteJournal(path, clock=time), time)
    task = await park(sender, 9)
    for suffix in ("", "-wal"):
        shutil.copy2(f"{path}{suffix}", f"{dead}{suffix}")
    sender.stop()
    await task
    time.stands_still, journal = False, SQLiteJournal(dead, clock=time)
    assert SQLiteJournal.inspect(dead).counts == Counts(accepted=6, queued=8)
    report = await make_sender(client, journal, time).resume()
    assert counts(report) == {"accepted": 14}
    assert client.wire.count(phone(HOT)) == 9


async def test_the_source_is_read_no_further_ahead_of_what_is_done_or_parked(time: FakeTime) -> None:
    time.stands_still = True
    client = PacedClient(time, HOT, concurrency=4)
    sender = make_sender(client, time=time)
    ahead = 0

    def source() -> Iterator[SendText]:
        nonlocal ahead
        for number in range(1, 401):
            now = sender.snapshot()
            ahead = max(ahead, number - now.accepted - now.parked)
            yield text(HOT if number % 2 else number, f"message {number}")

    task = asyncio.create_task(sender.run(source()))
    await until(lambda: sender.snapshot().accepted == 201)
    await at_rest(sender, 199)
    assert ahead <= 2 * 4
    sender.stop()
    await task


@pytest.mark.parametrize("most", [1, 2, 10])
async def test_what_finds_no_room_in_memory_is_taken_up_later(
    monkeypatch: pytest.MonkeyPatch, journal: Journal, time: FakeTime, most: int
) -> None:
    monkeypatch.setattr(campaign, "Parking", functools.partial(Parking, most=most, keep=1))
    client, parked = PacedClient(time, HOT, 8, 9), list[int]()
    sender = make_sender(client, journal, time)
    client.on_wire = lambda _: parked.append(sender.snapshot().parked)
    report = await sender.run([text(HOT + number % 3, f"message {number}") for number in range(90)] + texts(6))
    assert (counts(report), report.stopped) == ({"accepted": 96}, None)
    assert len(client.wire) == 96
    assert max(parked) <= most


async def test_a_turn_that_is_far_away_is_left_to_a_later_run(journal: Journal, time: FakeTime) -> None:
    client = PacedClient(time, HOT, interval=3_600.0)
    report = await make_sender(client, journal, time).run([*to_hot(3), *texts(3)])
    assert counts(report) == {"accepted": 4, "not_sent": 2}
    assert report.stopped == "no room"
    assert time.slept == []
    time.now += 3_600.0
    assert (await make_sender(client, journal, time).resume()).accepted == 5


async def test_waiting_for_a_turn_is_no_outage(time: FakeTime) -> None:
    client = PacedClient(time, *range(100, 150), interval=200.0)
    messages = [text(number, f"message {turn}") for turn in range(5) for number in range(100, 150)]
    report = await make_sender(client, time=time, patience=150.0).run([*messages, *texts(40)])
    assert (report.accepted, report.stopped) == (290, None)


@pytest.mark.parametrize(
    ("advice", "held_back"),
    [(Advice.SLOW_PAIR, [HOT]), (Advice.SLOW_NUMBER, [HOT, 8]), (Advice.PAUSE_NUMBER, [HOT, 8])],
)
async def test_a_refusal_for_pace_holds_back_its_scope_alone(
    journal: Journal, time: FakeTime, advice: Advice, held_back: list[int]
) -> None:
    time.stands_still = True
    client = FakeClient(concurrency=1)
    client.plan(HOT, APIError("slow", status=200, advice=advice))
    sender = make_sender(client, journal, time)
    first, second = NUMBERS
    source = [msgspec.structs.replace(message, phone_number_id=first) for message in (*to_hot(3), text(8))]
    others = [msgspec.structs.replace(message, phone_number_id=second) for message in texts(30, start=50)]
    task = asyncio.create_task(sender.run([source[0], *others, *source[1:]]))
    await until(lambda: sender.snapshot().accepted == 30 + (8 not in held_back))
    await at_rest(sender, 3 + (8 in held_back))
    assert client.wire.count(phone(HOT)) == 1
    sender.stop()
    assert (await task).not_sent == 3 + (8 in held_back)


async def test_a_limiter_with_scopes_of_its_own_is_understood(client: FakeClient, time: FakeTime) -> None:
    client.plan(1, *(NotDueError("later", retry_in=2.0, scope="tariff night") for _ in range(3)))
    assert (await make_sender(client, time=time).run(texts(4))).accepted == 4
    assert time.slept == [2.0, 2.0, 2.0]
