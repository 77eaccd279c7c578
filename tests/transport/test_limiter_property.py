"""Whatever happens in front of the rate limiter: limit, order and pauses hold, and nobody waits without need."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from wabotick_async import NotSentError, RateLimiter
from wabotick_async.testing import ManualClock

SLACK = 1e-6


class Bucket:
    """An independent account of the limit: a leaky bucket that knows only who really got through."""

    def __init__(self, rate: float, burst: int, now: float) -> None:
        self.rate, self.burst, self.now, self.level, self.paused = rate, burst, now, 0.0, 0.0

    def drain(self, now: float) -> None:
        self.level = max(0.0, self.level - (now - self.now) * self.rate)
        self.now = now

    def grant(self, now: float) -> None:
        self.drain(now)
        assert now >= self.paused - SLACK, "granted in a pause"
        self.level += 1
        assert self.level <= self.burst + SLACK, "granted above the limit"


class Crowd:
    """Tasks that ask the limiter, and everything that may happen to them."""

    def __init__(self, rate: float, burst: int) -> None:
        self.clock = ManualClock()
        self.limiter = RateLimiter(rate, burst, clock=self.clock, call_later=self.clock.call_later)
        self.bucket = Bucket(rate, burst, self.clock.now)
        self.tasks: list[asyncio.Task[None]] = []
        self.order: list[int] = []
        self.grants: list[float] = []
        self.rates = [rate]

    async def _one(self, number: int, max_wait: float | None) -> None:
        asked = self.clock.now
        try:
            waited = await self.limiter.acquire(max_wait=max_wait)
        except NotSentError:
            assert max_wait is not None
            return
        assert max_wait is None or self.clock.now - asked <= max_wait + SLACK
        assert abs(waited - (self.clock.now - asked)) < SLACK
        self.order.append(number)
        self.grants.append(self.clock.now)
        self.bucket.grant(self.clock.now)

    async def ask(self, count: int, max_wait: float | None) -> None:
        for _ in range(count):
            self.tasks.append(asyncio.create_task(self._one(len(self.tasks), max_wait)))

    async def cancel(self, number: int) -> None:
        if self.tasks:
            self.tasks[number % len(self.tasks)].cancel()

    async def pause(self, seconds: float) -> None:
        self.bucket.paused = max(self.bucket.paused, self.clock.now + seconds)
        self.limiter.pause(self.clock.now + seconds)

    async def rate(self, rate: float) -> None:
        await self.clock.advance()  # so that the bucket has seen all grants of the old rate
        self.bucket.drain(self.clock.now)
        self.bucket.rate = rate
        self.rates.append(rate)
        self.limiter.set_rate(rate)

    async def wait(self, seconds: float) -> None:
        await self.clock.advance(seconds)
        self.look()

    async def race(self, seconds: float, before: int, after: int) -> None:
        """Let the timer and two cancellations meet in one round of the event loop."""
        await self.clock.advance()
        self.clock.now += seconds
        await self.cancel(before)
        self.limiter._pump()
        await self.cancel(after)
        await self.clock.advance()
        self.look()

    def look(self) -> None:
        """Nobody waits although there is room."""
        self.bucket.drain(self.clock.now)
        if self.limiter.waiting and self.clock.now > self.bucket.paused + SLACK:
            assert self.bucket.level > self.bucket.burst - 1 - SLACK, "there was room"

    async def end(self) -> None:
        await self.clock.advance(self.limiter.paused_for + 3 + len(self.tasks) / self.bucket.rate)
        assert all(task.done() for task in self.tasks), "somebody starved"
        assert self.order == sorted(self.order), "not in the order of asking"
        for task in self.tasks:
            assert task.cancelled() or task.exception() is None, task.exception()
        most = max(self.rates) + self.bucket.burst
        for index, first in enumerate(self.grants):
            assert sum(when < first + 1 - SLACK for when in self.grants[index:]) <= most + SLACK


seconds = st.sampled_from([0.0, 0.001, 0.01, 0.05, 0.1, 0.25, 1.0, 3.7])
deeds = st.one_of(
    st.tuples(st.just("ask"), st.integers(1, 8), st.none() | seconds),
    st.tuples(st.just("cancel"), st.integers(0, 60)),
    st.tuples(st.just("pause"), seconds),
    st.tuples(st.just("rate"), st.sampled_from([0.5, 3.0, 10.0, 40.0])),
    st.tuples(st.just("wait"), seconds),
    st.tuples(st.just("race"), seconds, st.integers(0, 60), st.integers(0, 60)),
)


@settings(max_examples=300)
@given(st.sampled_from([0.7, 5.0, 10.0, 33.0]), st.integers(1, 6), st.lists(deeds, max_size=30))
def test_limit_order_and_pauses_hold_whatever_happens(rate: float, burst: int, story: list[tuple[Any, ...]]) -> None:
    async def run() -> None:
        crowd = Crowd(rate, burst)
        for name, *arguments in story:
            deed: Callable[..., Awaitable[None]] = getattr(crowd, name)
            await deed(*arguments)
        await crowd.end()

    asyncio.run(run())
