"""Stories in which the limiter once stood still, ran in a circle, or forgot somebody."""

from __future__ import annotations

import asyncio

import pytest

from wabotick_async import Limits, NotDueError, NotSentError, RateLimiter
from wabotick_async.config import Rate
from wabotick_async.outcomes import Outcome
from wabotick_async.testing import ManualClock
from wabotick_async.transport.pace import UNSCOPED, Scope, Scopes
from wabotick_async.transport.pace.finder import Finder

NUMBER, TEMPLATE, RECIPIENT = Scope("number", "A"), Scope("template", "T"), Scope("recipient", "A:1")
BOTH = Scopes(NUMBER, TEMPLATE)


class CountingClock(ManualClock):
    """Counts the timers that are set."""

    timers = 0

    def call_later(self, delay: float, wake: object) -> object:  # type: ignore[override]  # the handle is passed on
        self.timers += 1
        return super().call_later(delay, wake)  # type: ignore[arg-type]


class Door:
    """A limiter, and who got through it, when."""

    def __init__(self, **limits: object) -> None:
        self.clock = CountingClock()
        settings = Limits(**{"rate": 1_000.0, "headroom": 0.0, **limits})  # type: ignore[arg-type]
        self.limiter = RateLimiter(limits=settings, clock=self.clock, call_later=self.clock.call_later)  # type: ignore[arg-type]
        self.through: dict[str, float] = {}
        self.tasks: list[asyncio.Task[None]] = []

    def ask(self, name: str, scopes: Scopes = UNSCOPED, *, answered: bool = True, **how: object) -> asyncio.Task[None]:
        async def one() -> None:
            await self.limiter.acquire(scopes, **how)  # type: ignore[arg-type]
            self.through[name] = self.clock.now
            if answered:
                self.limiter.release(elapsed=0.0, outcome=None)

        self.tasks.append(asyncio.create_task(one()))
        return self.tasks[-1]

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


@pytest.mark.parametrize("change", ["refused", "set_rate"])
async def test_a_scope_that_becomes_the_slower_one_makes_no_circle(change: str) -> None:
    """The number is the quicker scope when the first keeps the template, and the slower one when the second comes."""
    limits = {"number": None if change == "set_rate" else Rate(0.5), "template": Rate(0.4)}
    door = Door(rate=0.5 if change == "set_rate" else 1_000.0, **limits)
    if change == "set_rate":
        door.limiter.pause(door.clock.now, NUMBER)
    _ = door.ask("before", Scopes(NUMBER))
    await door.clock.advance(1.0)
    _ = door.ask("first", BOTH)
    await door.clock.advance(0.1)
    if change == "refused":
        door.limiter.throttled(door.clock.now + 1.0, NUMBER)
    else:
        door.limiter.set_rate(0.3)
    _ = door.ask("urgent", BOTH, urgent=True)
    await door.clock.advance(60.0)
    assert sorted(door.through) == ["before", "first", "urgent"]
    assert door.clock.timers < 200
    await door.close()


async def test_a_scope_is_not_kept_for_one_who_waits_for_a_pause_of_another() -> None:
    door = Door(number=Rate(2), template=Rate(1), pair=Rate(1, per=6.0, burst=45))
    await door.limiter.acquire(Scopes(NUMBER))
    _ = door.ask("all three", Scopes(NUMBER, TEMPLATE, RECIPIENT))
    await door.clock.advance(0.1)
    _ = door.ask("template", Scopes(template=TEMPLATE))
    await door.clock.advance(0.1)
    door.limiter.pause(door.clock.now + 60.0, RECIPIENT)
    began = door.clock.now
    await door.clock.advance(5.0)
    assert door.through["template"] <= began + 0.6
    await door.clock.advance(60.0)
    assert "all three" in door.through
    assert door.clock.timers < 200
    await door.close()


async def test_a_kept_scope_whose_keeper_waits_for_a_place_is_not_asked_for_without_end() -> None:
    door = Door(concurrency=2, number=Rate(2), template=Rate(1))
    await door.limiter.acquire()
    await door.clock.advance(0.1)
    _ = door.ask("before", Scopes(NUMBER))
    await door.clock.advance()
    _ = door.ask("keeper", BOTH)
    await door.clock.advance(0.1)
    _ = door.ask("last place", answered=False)
    await door.clock.advance()
    _ = door.ask("urgent", Scopes(template=TEMPLATE), urgent=True)
    timers = door.clock.timers
    await door.clock.advance(1.0)
    assert door.clock.timers - timers <= 101  # one in ten milliseconds at most
    for _ in range(2):
        door.limiter.release(elapsed=0.1, outcome=Outcome.ACCEPTED)
    await door.clock.advance(3.0)
    assert sorted(door.through) == ["before", "keeper", "last place", "urgent"]
    await door.close()


async def test_the_urgent_behind_one_whose_time_is_over_go_on() -> None:
    door = Door(concurrency=2)
    for _ in range(2):
        await door.limiter.acquire()
        await door.clock.advance(0.1)
    late = door.ask("ordinary", max_wait=2.0)
    for number in range(7):
        _ = door.ask(f"urgent {number}", urgent=True)
        await door.clock.advance(0.1)
    await door.clock.advance(3.0)
    with pytest.raises(NotSentError):
        await late
    assert len(door.through) == 7
    await door.close()


async def test_of_many_who_ask_at_once_those_far_behind_are_turned_away() -> None:
    door = Door(rate=100.0, number=Rate(5))
    tasks = [door.ask(str(number), Scopes(NUMBER), park=True) for number in range(100)]
    await door.clock.advance(2.0)
    turned_away = [task.exception() for task in tasks if task.done() and task.exception() is not None]
    assert len(turned_away) >= 95
    assert all(isinstance(error, NotDueError) for error in turned_away)
    await door.close()


@pytest.mark.parametrize("ceiling", [0.4, 0.8, 10.0, 200.0])
def test_a_server_that_refuses_everything_for_hours_is_borne(ceiling: float) -> None:
    finder, now, rate = Finder(ceiling), 0.0, ceiling
    for number in range(3_000):
        rate = finder.refused(rate, round(ceiling / 2) if not number else 0, now, now + 0.1, now + 1.1)
        assert rate >= finder.floor
        now += 2.0
        rate = finder.rate_at(now)
        assert finder.floor <= rate <= ceiling


async def test_what_headers_said_long_ago_holds_no_more() -> None:
    clock = ManualClock()
    limiter = RateLimiter(limits=Limits(rate=100.0, headroom=0.0), clock=clock, call_later=clock.call_later)
    limiter.observe({"x-ratelimit-limit": "100", "x-ratelimit-remaining": "5"})
    await clock.advance(1.0)
    assert limiter.try_acquire()
    limiter.release(elapsed=0.1, outcome=Outcome.REFUSED)
    limiter.throttled(clock.now + 1.0)
    for _ in range(1_000):
        await clock.advance(1.0)
        if limiter.try_acquire():
            limiter.release(elapsed=0.1, outcome=Outcome.ACCEPTED)
        limiter.observe({})
    assert limiter.rate == limiter.ceiling


async def test_an_urgent_one_behind_a_kept_scope_does_not_spin_while_all_places_are_taken() -> None:
    """Each look gave up the kept template and kept it again, and forgot that it was not to be looked at so soon."""
    door = Door(rate=100.0, burst=10, concurrency=1, number=Rate(1, per=0.3), template=Rate(1, per=0.7))
    _ = door.ask("before", Scopes(NUMBER))
    await door.clock.advance(0.01)
    _ = door.ask("keeps the template", BOTH)
    await door.clock.advance(0.02)
    _ = door.ask("slow", answered=False)
    await door.clock.advance(0.01)
    _ = door.ask("urgent", Scopes(NUMBER, TEMPLATE, RECIPIENT), urgent=True)
    await door.clock.advance(0.4)
    before = door.clock.timers
    await door.clock.advance(1.0)
    assert door.clock.timers - before < 150
    await door.close()
