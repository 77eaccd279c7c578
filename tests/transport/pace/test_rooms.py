"""Nobody waits, starves or is turned away for a limit that is not his."""

from __future__ import annotations

import asyncio

import pytest

from wabotick_async import Limits, NotDueError, NotSentError, RateLimiter
from wabotick_async.config import Rate
from wabotick_async.outcomes import Outcome
from wabotick_async.testing import ManualClock
from wabotick_async.transport.pace import Scope, Scopes

A, B = Scopes(number=Scope("number", "A")), Scopes(number=Scope("number", "B"))
PAIR = Scopes(recipient=Scope("recipient", "A:1"))


class Door:
    """A limiter, and who got through it, by name."""

    def __init__(self, limits: Limits, *, answers: bool = True) -> None:
        self.answers = answers
        self.clock = ManualClock()
        self.limiter = RateLimiter(limits=limits, clock=self.clock, call_later=self.clock.call_later)
        self.through: list[str] = []

    def ask(self, name: str, scopes: Scopes, *, urgent: bool = False, count: int = 1) -> list[asyncio.Task[None]]:
        return [asyncio.create_task(self._one(name, scopes, urgent)) for _ in range(count)]

    async def _one(self, name: str, scopes: Scopes, urgent: bool) -> None:
        await self.limiter.acquire(scopes, urgent=urgent)
        self.through.append(name)
        if self.answers:
            self.limiter.release(elapsed=0.05, outcome=Outcome.ACCEPTED)

    async def close(self, *tasks: list[asyncio.Task[None]]) -> None:
        for task in (one for some in tasks for one in some):
            task.cancel()
        await self.clock.advance()


async def test_those_of_a_paused_number_are_not_ahead_of_a_deadline_elsewhere() -> None:
    door = Door(Limits(rate=10.0))
    door.limiter.pause(1060.0, A.number or Scope("number"))
    held = door.ask("A", A, count=50)
    await door.clock.advance(0.1)
    task = asyncio.create_task(door.limiter.acquire(B, max_wait=0.5))
    await door.clock.advance(0.5)
    assert await task < 0.5
    await door.close(held)


async def test_a_grant_given_back_wakes_who_stands_aside_for_the_same_recipient() -> None:
    door = Door(Limits(rate=1000.0, pair=Rate(1, per=6.0, burst=1)))
    first = door.ask("first", PAIR)
    await door.clock.advance()
    rest = [*door.ask("gone", PAIR), *door.ask("next", PAIR)]
    await door.clock.advance(5.9)
    door.clock.now += 0.1
    door.limiter._pump()  # the timer
    rest[0].cancel()
    await door.clock.advance(0.01)
    assert door.through == ["first", "next"]
    await door.close(first, rest)


async def test_a_number_without_a_limit_of_its_own_follows_the_accounts() -> None:
    door = Door(Limits(rate=2.0))
    door.limiter.pause(1000.5, A.number or Scope("number"))
    await door.clock.advance(1.0)
    door.limiter.set_rate(100.0)
    tasks = door.ask("A", A, count=20)
    await door.clock.advance(0.5)
    assert len(door.through) == 20
    await door.close(tasks)


async def test_one_in_five_is_not_urgent_where_a_number_is_what_they_wait_for() -> None:
    door = Door(Limits(rate=1000.0, number=Rate(10), headroom=0.0))
    tasks = [*door.ask("urgent", A, urgent=True, count=40), *door.ask("other", A, count=5)]
    await door.clock.advance(2.05)  # the first urgent one leaves before anybody else waits
    assert door.through.count("other") == 4
    await door.close(tasks)


async def test_an_urgent_one_now_and_then_never_waits_for_another() -> None:
    door = Door(Limits(rate=100.0, headroom=0.0))
    others = door.ask("other", Scopes(), count=100)
    for number in range(10):
        await door.clock.advance(0.05)
        urgent = door.ask("urgent", Scopes(), urgent=True)
        await door.clock.advance(0.0101)
        assert urgent[0].done(), number
    await door.close(others)


async def test_one_in_five_is_not_urgent_where_another_number_has_room() -> None:
    """Those of another number who go in between do not make up for those who are overtaken."""
    door = Door(Limits(rate=100.0, number=Rate(10), headroom=0.0))
    tasks = [*door.ask("A", A, count=5), *door.ask("B", B, count=100)]

    async def urgent() -> None:
        while True:
            await door.limiter.acquire(A, urgent=True)
            door.limiter.release(elapsed=0.0, outcome=None)
            await asyncio.sleep(0)

    tasks.append(asyncio.create_task(urgent()))
    await door.clock.advance(3.05)
    assert door.through.count("A") == 5
    assert door.through.count("B") >= 30
    await door.close(tasks)


async def test_one_in_five_is_not_urgent_where_the_window_is_full() -> None:
    door = Door(Limits(rate=1000.0, concurrency=2), answers=False)
    tasks = [*door.ask("urgent", A, urgent=True, count=60), *door.ask("other", A, count=10)]
    for _ in range(40):
        await door.clock.advance(0.05)
        door.limiter.release(elapsed=0.05, outcome=Outcome.ACCEPTED)
        assert door.limiter.in_flight <= 3
    await door.clock.advance(0.05)
    assert door.through[:30].count("other") >= 5
    await door.close(tasks)


async def test_a_grant_that_a_late_timer_brings_after_the_deadline_is_none() -> None:
    door = Door(Limits(rate=10.0))
    await door.limiter.acquire()
    task = asyncio.create_task(door.limiter.acquire(max_wait=0.15))
    await door.clock.advance(0.05)
    door.clock.now += 5.0
    door.limiter._pump()
    await door.clock.advance()
    with pytest.raises(NotSentError):
        await task
    assert door.limiter.in_flight == 1


async def test_a_parked_row_has_room_when_it_comes_again() -> None:
    door = Door(Limits(pair=Rate(1, per=6.0, burst=2)))
    for _ in range(2):
        await door.clock.advance(0.2)
        await door.limiter.acquire(PAIR)
    with pytest.raises(NotDueError) as caught:
        await door.limiter.acquire(PAIR, park=True)
    await door.clock.advance(caught.value.retry_in)
    assert await door.limiter.acquire(PAIR, park=True) == 0.0


async def test_of_very_many_numbers_the_idle_are_forgotten_and_the_paused_are_not() -> None:
    door = Door(Limits(rate=1e6, number=Rate(10)))
    door.limiter.pause(door.clock() + 60.0, Scope("number", "A"))
    for value in range(30_000):
        assert door.limiter.try_acquire(Scopes(Scope("number", str(value))))
        door.limiter.release(elapsed=0.0, outcome=Outcome.ACCEPTED)
        door.clock.now += 0.001
    assert len(list(door.limiter._scoped.buckets())) == 10_000
    assert [pause.scope.value for pause in door.limiter.pauses()] == ["A"]


async def test_what_left_before_a_client_bounds_the_limiter_is_in_flight_all_the_same() -> None:
    limiter = RateLimiter(1000.0, burst=20)
    for _ in range(3):
        await limiter.acquire()
    limiter.bound(Limits(concurrency=5))
    assert limiter.in_flight == 3
    for _ in range(3):
        limiter.release(elapsed=0.1, outcome=Outcome.ACCEPTED)
    assert limiter.in_flight == 0


async def test_a_grant_that_reaches_its_task_late_counts_from_then_on() -> None:
    """The loop stands still between grant and departure: the second after that has no more than any other."""
    clock, left = ManualClock(), list[float]()
    limiter = RateLimiter(limits=Limits(rate=100.0, headroom=0.0), clock=clock, call_later=clock.call_later)

    async def one() -> None:
        await limiter.acquire()
        left.append(clock.now)
        limiter.release(elapsed=0.0, outcome=None)

    waiting = [asyncio.create_task(one()) for _ in range(300)]
    await clock.advance(0.5)
    for _ in range(3):
        clock.now += 0.1
        limiter._pump()  # the timer is late and makes up for it, and then something else keeps the loop busy
    granted = clock.now
    clock.now += 0.6
    await clock.advance(10.0)
    assert granted not in left
    assert max(sum(began <= when < began + 1.0 - 1e-6 for when in left) for began in left) <= 101
    await asyncio.gather(*waiting)


async def test_who_takes_a_grant_at_once_needs_all_his_scopes_and_a_place() -> None:
    door = Door(Limits(rate=1000.0, headroom=0.0, number=Rate(1), template=Rate(1), pair=Rate(1), concurrency=2))
    number, template, recipient = Scope("number", "A"), Scope("template", "T"), Scope("recipient", "A:1")
    assert door.limiter.try_acquire(Scopes(number, template, recipient))
    door.clock.now += 0.5
    for scopes in (Scopes(number), Scopes(template=template), Scopes(recipient=recipient)):
        assert not door.limiter.try_acquire(scopes)
    assert door.limiter.try_acquire()
    door.clock.now += 0.5
    assert not door.limiter.try_acquire(Scopes(number))  # both places are taken
    door.limiter.release(elapsed=0.1, outcome=Outcome.ACCEPTED)
    assert door.limiter.try_acquire(Scopes(number, template, recipient))
