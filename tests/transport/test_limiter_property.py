"""Whatever happens in front of the rate limiter: limits, order and pauses hold, and nobody waits without need."""

from __future__ import annotations

import asyncio
import math
from bisect import bisect_right
from collections.abc import Awaitable, Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from wabotick_async import Limits, NotDueError, NotSentError, RateLimiter
from wabotick_async.config import Rate
from wabotick_async.outcomes import Outcome
from wabotick_async.testing import ManualClock
from wabotick_async.transport.pace import ACCOUNT, UNSCOPED, Scope, Scopes

SLACK = 1e-6
PAIR = Rate(1, per=2.0, burst=3)


class Ledger:
    """An independent account of one limit, that knows only who really got through."""

    def __init__(self, rate: float, burst: int) -> None:
        self.rates = [(0.0, rate)]
        self.burst = burst
        self.grants: list[float] = []
        self.paused = 0.0

    def grant(self, now: float) -> None:
        assert now >= self.paused - SLACK, "granted in a pause"
        self.grants.append(now)
        began = now - 1.0 + SLACK
        current = bisect_right([since for since, _ in self.rates], began) - 1
        most = max(rate for _, rate in self.rates[max(0, current) :])
        recent = sum(when > began for when in self.grants)
        assert recent <= math.floor(most) + self.burst, f"{recent} in a second"


class Debt:
    """An independent account of one pair: never more borrowed than its burst."""

    def __init__(self) -> None:
        self.owed, self.at, self.paused = 0.0, 0.0, 0.0

    def grant(self, now: float) -> None:
        assert now >= self.paused - SLACK, "granted in a pause"
        self.owed = max(0.0, self.owed - (now - self.at) / PAIR.interval) + 1
        self.at = now
        assert self.owed <= PAIR.burst + SLACK, "borrowed too much"


class Crowd:
    """Tasks that ask the limiter, and everything that may happen to them."""

    def __init__(self, rate: float, burst: int, concurrency: int) -> None:
        self.clock = ManualClock()
        number, template = Rate(6, burst=2), Rate(30, per=10.0, burst=1)
        self.limits = Limits(
            rate=rate,
            burst=burst,
            headroom=0.0,
            number=number,
            template=template,
            pair=PAIR,
            concurrency=concurrency,
        )
        self.limiter = RateLimiter(limits=self.limits, clock=self.clock, call_later=self.clock.call_later)
        self.ledgers = {ACCOUNT: Ledger(rate, burst)}
        for value in "AB":
            self.ledgers[Scope("number", value)] = Ledger(6, 2)
            self.ledgers[Scope("template", value)] = Ledger(3, 1)
        self.debts: dict[Scope, Debt] = {}
        self.tasks: list[asyncio.Task[None]] = []
        self.order: dict[tuple[Scopes, bool], list[int]] = {}
        self.parked: list[float] = []
        self.held: list[tuple[Scopes, float]] = []
        self.free: set[int] = set()
        self.urgent_in_a_row = 0

    async def _one(self, number: int, scopes: Scopes, urgent: bool, park: bool, max_wait: float | None) -> None:
        asked = self.clock.now
        if not urgent and scopes == UNSCOPED and max_wait is None:
            self.free.add(number)
        try:
            waited = await self.limiter.acquire(scopes, max_wait=max_wait, urgent=urgent, park=park)
        except NotDueError as error:
            assert park
            self.parked.append(error.retry_in)
            return
        except NotSentError:
            assert max_wait is not None
            return
        finally:
            self.free.discard(number)
            if not urgent:
                self.urgent_in_a_row = 0
        self._note_lane(urgent)
        now = self.clock.now
        assert abs(waited - (now - asked)) < SLACK
        self.order.setdefault((scopes, urgent), []).append(number)
        self.held.append((scopes, now))
        self.ledgers[ACCOUNT].grant(now)
        for scope in scopes:
            if scope is not None and scope.kind == "recipient":
                self.debts.setdefault(scope, Debt()).grant(now)
            elif scope is not None:
                self.ledgers[scope].grant(now)
        assert self.limiter.in_flight <= self.limits.connections

    def _note_lane(self, urgent: bool) -> None:
        """Four urgent grants in a row at most, while somebody waits all the time who needs nothing but his turn."""
        self.urgent_in_a_row = self.urgent_in_a_row + 1 if urgent and self.free else 0
        assert self.urgent_in_a_row <= 4, "the others starve"

    async def ask(self, count: int, scopes: Scopes, urgent: bool, park: bool, max_wait: float | None) -> None:
        for _ in range(count):
            self.tasks.append(asyncio.create_task(self._one(len(self.tasks), scopes, urgent, park, max_wait)))

    async def cancel(self, first: int, count: int) -> None:
        for number in range(first, first + count):
            if self.tasks:
                self.tasks[number % len(self.tasks)].cancel()

    async def pause(self, scope: Scope, seconds: float, refused: bool) -> None:
        await self.clock.advance()  # so that the ledgers have seen all grants so far
        until = self.clock.now + seconds
        ledger = self.debts.setdefault(scope, Debt()) if scope.kind == "recipient" else self.ledgers[scope]
        ledger.paused = max(ledger.paused, until)
        (self.limiter.throttled if refused else self.limiter.pause)(until, scope)

    async def rate(self, rate: float) -> None:
        await self.clock.advance()
        self.ledgers[ACCOUNT].rates.append((self.clock.now, rate))
        self.limiter.set_rate(rate)

    async def release(self, count: int, outcome: Outcome | None, elapsed: float) -> None:
        await self.clock.advance()
        for _ in range(min(count, len(self.held))):
            self.held.pop(0)
            self.limiter.release(elapsed=elapsed, outcome=outcome)
        await self.clock.advance()

    async def wait(self, seconds: float) -> None:
        await self.clock.advance(seconds)
        self.look()

    async def late(self, seconds: float) -> None:
        """Let the event loop stand still, so that timers ring late."""
        await self.clock.advance()
        self.clock.now += seconds
        await self.clock.advance()
        self.look()

    async def hurry(self, urgent: int, others: int, seconds: list[float]) -> None:
        """Let many urgent ones and some others come at once, while answers come quickly."""
        await self.ask(others, UNSCOPED, False, False, None)
        await self.ask(urgent, UNSCOPED, True, False, None)
        for each in seconds:
            await self.release(1_000, Outcome.ACCEPTED, 0.05)
            await self.clock.advance(each)
        self.look()

    async def steady(self, lates: list[float]) -> None:
        """Let a crowd be served whose timers ring late, now more and now less, as in a busy event loop."""
        await self.ask(len(lates), UNSCOPED, False, False, None)
        for seconds in lates:
            await self.release(1_000, Outcome.ACCEPTED, 0.05)
            due = self.limiter._account.due
            self.clock.now = max(self.clock.now, due) + seconds
            await self.clock.advance()
        self.look()

    async def race(self, seconds: float, before: int, after: int, count: int) -> None:
        """Let the timer and cancellations meet in one round of the event loop."""
        await self.clock.advance()
        self.clock.now += seconds
        await self.cancel(before, count)
        self.limiter._pump()
        await self.cancel(after, count)
        await self.clock.advance()
        self.look()

    def look(self) -> None:
        """Nobody waits although all his scopes have room; what is in flight is right."""
        assert self.limiter.in_flight == len(self.held)
        now, limiter = self.clock.now, self.limiter
        if limiter._account.due > now or limiter._window is None:
            return
        for waiter in limiter._lanes.waiters():
            if limiter._window.has_room():
                assert limiter._lanes.holds.blocked_by(waiter, now) is not None, "there was room"

    async def end(self) -> None:
        self.limiter.set_rate(40.0)
        self.ledgers[ACCOUNT].rates.append((self.clock.now, 40.0))
        for _ in range(500 + 10 * len(self.tasks)):
            if all(task.done() for task in self.tasks):
                break
            await self.release(1_000, Outcome.ACCEPTED, 0.1)
            await self.clock.advance(0.5)
        await self.clock.advance()
        assert all(task.done() for task in self.tasks), "somebody starved"
        for order in self.order.values():
            assert order == sorted(order), "not in the order of asking"
        for task in self.tasks:
            assert task.cancelled() or task.exception() is None, task.exception()
        assert all(retry_in > 0 for retry_in in self.parked)
        assert self.limiter.waiting == 0
        assert self.limiter.in_flight == len(self.held)


seconds = st.sampled_from([0.0, 0.001, 0.01, 0.05, 0.1, 0.25, 1.0, 3.7])
scopes = st.builds(
    lambda number, template, recipient: Scopes(
        Scope("number", number) if number else None,
        Scope("template", template) if template else None,
        Scope("recipient", f"{number}:{recipient}") if recipient else None,
    ),
    st.sampled_from(["", "A", "B"]),
    st.sampled_from(["", "A", "B"]),
    st.sampled_from(["", "1", "2"]),
)
paused = st.sampled_from(
    [ACCOUNT, Scope("number", "A"), Scope("template", "B"), Scope("recipient", "A:1"), Scope("number", "B")]
)
outcomes = st.sampled_from([None, Outcome.ACCEPTED, Outcome.REFUSED, Outcome.UNKNOWN, Outcome.NOT_SENT])
waits = st.sampled_from([None, None, None, 0.1, 1.0, 3.7])
few = st.integers(1, 5)
deeds = st.one_of(
    st.tuples(st.just("ask"), st.integers(1, 12), scopes, st.booleans(), st.booleans(), waits),
    st.tuples(st.just("cancel"), st.integers(0, 60), few),
    st.tuples(st.just("pause"), paused, seconds, st.booleans()),
    st.tuples(st.just("rate"), st.sampled_from([0.5, 3.0, 10.0, 40.0])),
    st.tuples(st.just("wait"), seconds),
    st.tuples(st.just("late"), st.sampled_from([0.002, 0.03, 0.09, 0.3, 1.5])),
    st.tuples(
        st.just("steady"), st.lists(st.sampled_from([0.0, 0.0, 0.02, 0.05, 0.09, 0.1]), min_size=40, max_size=45)
    ),
    st.tuples(st.just("hurry"), st.integers(6, 12), few, st.lists(seconds, min_size=5, max_size=10)),
    st.tuples(st.just("release"), st.integers(1, 8), outcomes, st.sampled_from([0.05, 0.3, 2.0])),
    st.tuples(st.just("race"), seconds, st.integers(0, 60), st.integers(0, 60), few),
)


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from([0.7, 5.0, 10.0, 33.0]),
    st.integers(1, 6),
    st.sampled_from([2, 5, 30]),
    st.lists(deeds, min_size=15, max_size=50),
)
def test_limits_order_and_pauses_hold_whatever_happens(
    rate: float, burst: int, concurrency: int, story: list[tuple[Any, ...]]
) -> None:
    async def run() -> None:
        crowd = Crowd(rate, burst, concurrency)
        for name, *arguments in story:
            deed: Callable[..., Awaitable[None]] = getattr(crowd, name)
            await deed(*arguments)
        await crowd.end()

    asyncio.run(run())
