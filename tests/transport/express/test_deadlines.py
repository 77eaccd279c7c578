"""One timer, and everybody's time is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from wabotick_async.transport.express.deadlines import Deadlines


class Handle:
    def __init__(self, at: float, call: Callable[[], None]) -> None:
        self.at, self.call, self.off = at, call, False

    def cancel(self) -> None:
        self.off = True


class Clock:
    """A loop that has a time and timers, and nothing else."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[Handle] = []

    def time(self) -> float:
        return self.now

    def call_at(self, at: float, call: Callable[[], None]) -> Handle:
        self.timers.append(Handle(at, call))
        return self.timers[-1]

    def advance(self, to: float) -> None:
        while due := [one for one in self.timers if one.at <= to and not one.off]:
            first = min(due, key=lambda one: one.at)
            first.off, self.now = True, max(self.now, first.at)
            first.call()
        self.now = to


class One:
    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.expired: list[float] = []

    def expire(self) -> None:
        self.expired.append(self.clock.now)


def opened() -> tuple[Clock, Deadlines]:
    clock = Clock()
    return clock, Deadlines(cast("asyncio.AbstractEventLoop", cast("Any", clock)))


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 50), st.one_of(st.none(), st.integers(0, 60)))))
def test_each_is_told_at_its_own_time_unless_removed(plan: list[tuple[int, int, int | None]]) -> None:
    clock, deadlines = opened()
    ones = [One(clock) for _ in plan]
    for now in range(101):
        for one, (begin, patience, done) in zip(ones, plan, strict=True):
            if done is not None and begin + done == now:
                deadlines.remove(one)
            if begin == now:
                deadlines.add(one, now + patience)
        clock.advance(now)
    for one, (begin, patience, done) in zip(ones, plan, strict=True):
        ended = done is not None and 0 < done <= patience
        assert one.expired == ([] if ended else [begin + patience])


def test_a_thousand_requests_that_end_in_time_set_few_timers() -> None:
    clock, deadlines = opened()
    for number in range(1000):
        one = One(clock)
        deadlines.add(one, clock.now + 30.0)
        deadlines.remove(one)
        clock.advance(number * 0.1)
    assert len(clock.timers) < 6


def test_nobody_is_told_after_the_end() -> None:
    clock, deadlines = opened()
    one = One(clock)
    deadlines.add(one, 1.0)
    deadlines.close()
    clock.advance(2.0)
    assert one.expired == []
