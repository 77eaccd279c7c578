"""What a rate limiter tells of itself: what is waited for, and what it has learnt."""

from __future__ import annotations

import asyncio

import pytest

from wabotick_async import Limits, RateLimiter
from wabotick_async.config import Rate
from wabotick_async.outcomes import Outcome
from wabotick_async.testing import ManualClock
from wabotick_async.transport.pace import ACCOUNT, Scope, Scopes

NUMBER = Scope("number", "A")


def limiter_of(clock: ManualClock, **limits: object) -> RateLimiter:
    settings = Limits(**{"headroom": 0.0, **limits})  # type: ignore[arg-type]  # each as its test says
    return RateLimiter(limits=settings, clock=clock, call_later=clock.call_later)


async def test_it_tells_what_is_waited_for() -> None:
    clock = ManualClock()
    limiter = limiter_of(clock, rate=2.0, concurrency=2, number=Rate(1))
    assert limiter.waiting_for() == ""
    limiter.pause(clock.now + 1.0, why="asked to")
    assert limiter.waiting_for() == "account pauses for 1.0 s: asked to"  # though nobody waits so far
    await clock.advance(1.0)
    assert limiter.waiting_for() == ""
    tasks = [asyncio.create_task(limiter.acquire()) for _ in range(2)]
    await clock.advance()
    assert limiter.waiting_for() == "the limit of 2 requests a second"
    await clock.advance(0.5)
    tasks.append(asyncio.create_task(limiter.acquire()))
    await clock.advance(0.5)
    assert limiter.waiting_for() == "answers to the 2 in flight"
    for _ in range(3):
        limiter.release(elapsed=0.1, outcome=Outcome.ACCEPTED)
        await clock.advance(0.5)
    assert limiter.in_flight == 0
    tasks += [asyncio.create_task(limiter.acquire(Scopes(NUMBER))) for _ in range(2)]
    await clock.advance(0.5)
    assert limiter.waiting_for() == "the limits of their numbers, templates or recipients"
    limiter.pause(clock.now + 7.0, NUMBER, "maintenance")
    limiter.pause(clock.now + 3.0, why="asked to")
    assert limiter.waiting_for() == "account pauses for 3.0 s: asked to; number A pauses for 7.0 s: maintenance"
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_it_tells_that_the_server_has_nothing_left() -> None:
    clock = ManualClock()
    limiter = limiter_of(clock, rate=100.0)
    for _ in range(3):
        await limiter.acquire()
        await clock.advance(0.01)
    limiter.observe({"x-ratelimit-limit": "60", "x-ratelimit-remaining": "2", "x-ratelimit-reset": "30"})
    waiting = asyncio.create_task(limiter.acquire())
    await clock.advance(0.1)
    assert limiter.waiting_for() == "what the platform has left in its window"
    limiter.release(elapsed=0.1, outcome=None)
    await clock.advance()
    assert waiting.done()


async def test_what_one_run_learnt_is_where_the_next_begins() -> None:
    clock = ManualClock()
    limiter = limiter_of(clock, rate=100.0)
    for _ in range(40):
        assert limiter.try_acquire()
        limiter.release(elapsed=0.0, outcome=Outcome.ACCEPTED)
        clock.now += 1 / 40
    limiter.throttled(clock.now + 1.0)
    learnt = limiter.rate
    assert 38 <= learnt <= 41

    following = limiter_of(clock, rate=100.0, start_rate=learnt)
    assert (following.rate, following.ceiling) == (learnt, 100.0)
    grants: list[float] = []

    async def one() -> None:
        await following.acquire()
        grants.append(clock.now)
        following.release(elapsed=0.0, outcome=None)

    began = clock.now
    tasks = [asyncio.create_task(one()) for _ in range(60)]
    await clock.advance(1.0)
    assert learnt - 1 <= sum(when < began + 1.0 for when in grants) <= learnt + 1
    await clock.advance(10.0)
    await asyncio.gather(*tasks)


def test_a_start_above_the_rate_is_the_rate() -> None:
    limiter = limiter_of(ManualClock(), rate=10.0, start_rate=50.0)
    assert limiter.rate == pytest.approx(10.0)


async def test_it_tells_what_it_has_learnt_of_each_scope() -> None:
    clock = ManualClock()
    limiter = limiter_of(clock, rate=100.0, number=Rate(80), headroom=0.5)
    assert limiter.learnt() == []
    for _ in range(20):
        assert limiter.try_acquire(Scopes(NUMBER))
        limiter.release(elapsed=0.0, outcome=Outcome.ACCEPTED)
        clock.now += 1 / 20
    limiter.throttled(clock.now + 1.0, NUMBER)
    [learnt] = limiter.learnt()
    assert (learnt.scope, learnt.configured) == (NUMBER, 80.0)
    assert 38.0 <= learnt.rate <= 41.0, "as it would be configured, the share that is left unused included"


async def test_a_rate_that_was_learnt_elsewhere_is_told_until_it_has_grown() -> None:
    limiter = limiter_of(ManualClock(), rate=100.0, start_rate=40.0)
    assert [(one.scope, one.rate, one.configured) for one in limiter.learnt()] == [(ACCOUNT, limiter.rate, 100.0)]
