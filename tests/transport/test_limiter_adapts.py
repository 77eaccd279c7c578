"""What refusals for pace do to the rate: one cut for many at once, then a slow way back, never above the ceiling."""

from __future__ import annotations

import asyncio

import pytest

from wabotick_async import RateLimiter
from wabotick_async.testing import ManualClock


def make(clock: ManualClock, rate: float = 100.0) -> RateLimiter:
    return RateLimiter(rate, clock=clock, call_later=clock.call_later)


async def test_fifty_refusals_of_one_moment_cut_once() -> None:
    clock = ManualClock()
    limiter = make(clock)
    for _ in range(50):
        limiter.throttled(clock() + 2.0)
    assert (limiter.rate, limiter.ceiling, limiter.paused_for) == (70.0, 100.0, 2.0)


async def test_refusals_that_ask_no_wait_cut_once_a_second() -> None:
    clock = ManualClock()
    limiter = make(clock)
    for _ in range(50):
        limiter.throttled(clock())
    assert limiter.rate == 70.0
    await clock.advance(1.0)
    limiter.throttled(clock())
    assert limiter.rate == pytest.approx(49.0)


async def test_the_rate_has_a_floor() -> None:
    clock = ManualClock()
    limiter = make(clock)
    for _ in range(100):
        limiter.throttled(clock())
        await clock.advance(1.0)
    assert limiter.rate == 1.0


async def test_the_rate_grows_back_to_the_ceiling_and_no_further() -> None:
    clock = ManualClock()
    limiter = make(clock)
    limiter.throttled(clock() + 10.0)
    await clock.advance(10.0)
    rates = []
    for _ in range(125):
        await limiter.acquire()
        rates.append(round(limiter.rate))
        await clock.advance(1.0)
    # Up to just below what was refused in five seconds, and only much later to see whether that is still the limit.
    assert rates[:7] == [70, 75, 81, 86, 92, 97, 97]
    assert rates[-1] == max(rates) == 100


async def test_a_new_rate_ends_the_slow_time() -> None:
    clock = ManualClock()
    limiter = make(clock)
    limiter.throttled(clock())
    limiter.set_rate(50.0)
    assert (limiter.rate, limiter.ceiling) == (50.0, 50.0)


async def test_grants_keep_to_the_lowered_rate() -> None:
    clock = ManualClock()
    limiter, granted = make(clock, 10.0), list[float]()

    async def ask() -> None:
        await limiter.acquire()
        granted.append(clock())

    limiter.throttled(clock())
    tasks = [asyncio.create_task(ask()) for _ in range(20)]
    await clock.advance(0.95)
    assert len(granted) <= 7
    await clock.advance(10.0)
    assert all(task.done() for task in tasks)


def test_the_repr_tells_both_rates() -> None:
    limiter = make(ManualClock())
    limiter.throttled(limiter.clock())
    assert repr(limiter) == "RateLimiter(rate=70 of 100, burst=1, waiting=0)"
