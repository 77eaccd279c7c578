"""The rate limiter in virtual time: rate, order, pauses, deadlines, and waiters who go away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from wabotick_async import ConfigurationError, NotSentError, RateLimiter
from wabotick_async.testing import ManualClock


class Line:
    """Tasks in front of a limiter, and who was granted when."""

    def __init__(self, clock: ManualClock, rate: float, burst: int) -> None:
        self.clock = clock
        self.limiter = RateLimiter(rate, burst, clock=clock, call_later=clock.call_later)
        self.grants: list[tuple[float, int]] = []
        self.late: list[int] = []
        self.waited: dict[int, float] = {}
        self.tasks: list[asyncio.Task[None]] = []

    def ask(self, count: int = 1, *, max_wait: float | None = None) -> list[asyncio.Task[None]]:
        first = len(self.tasks)
        new = [asyncio.create_task(self._one(first + index, max_wait)) for index in range(count)]
        self.tasks += new
        return new

    async def _one(self, number: int, max_wait: float | None) -> None:
        try:
            self.waited[number] = await self.limiter.acquire(max_wait=max_wait)
        except NotSentError:
            self.late.append(number)
        else:
            self.grants.append((self.clock.now, number))

    @property
    def times(self) -> list[float]:
        return [round(when - 1000.0, 6) for when, _ in self.grants]

    @property
    def order(self) -> list[int]:
        return [number for _, number in self.grants]

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


Lined = Callable[[float, int], Line]


@pytest.fixture
async def lined() -> AsyncIterator[Lined]:
    lines: list[Line] = []

    def line(rate: float, burst: int) -> Line:
        lines.append(Line(ManualClock(), rate, burst))
        return lines[-1]

    yield line
    for one in lines:
        await one.close()


async def test_grants_come_one_interval_apart_in_the_order_of_asking(lined: Lined) -> None:
    line = lined(10, 1)
    line.ask(5)
    await line.clock.advance(1)
    assert line.times == [0.0, 0.1, 0.2, 0.3, 0.4]
    assert line.order == [0, 1, 2, 3, 4]
    assert [round(line.waited[number], 6) for number in range(5)] == line.times


async def test_a_burst_leaves_at_once_and_is_saved_up_again(lined: Lined) -> None:
    line = lined(10, 3)
    line.ask(5)
    await line.clock.advance(10)
    line.ask(9)
    await line.clock.advance(0.25)
    assert line.times == [0, 0, 0, 0.1, 0.2, 10, 10, 10, 10.1, 10.2]


async def test_a_quiet_time_saves_no_more_than_the_burst(lined: Lined) -> None:
    line = lined(10, 1)
    await line.clock.advance(3600)
    line.ask(3)
    await line.clock.advance(0.05)
    assert len(line.grants) == 1


async def test_a_pause_holds_everybody_and_keeps_the_order(lined: Lined) -> None:
    line = lined(10, 1)
    line.ask(3)
    await line.clock.advance(0.05)
    line.limiter.pause(line.clock.now + 5)
    line.ask(2)
    await line.clock.advance(4.9)
    assert line.order == [0]
    assert line.limiter.paused_for == pytest.approx(0.1)
    await line.clock.advance(1)
    assert line.order == [0, 1, 2, 3, 4]
    assert line.times[1] == 5.05


async def test_a_pause_is_only_ever_extended(lined: Lined) -> None:
    line = lined(10, 1)
    line.limiter.pause(1010)
    line.limiter.pause(1005)
    line.ask()
    await line.clock.advance(9.9)
    assert line.times == []
    line.limiter.pause(1012)
    await line.clock.advance(5)
    assert line.times == [12.0]


async def test_a_pause_that_is_over_changes_nothing(lined: Lined) -> None:
    line = lined(10, 1)
    line.limiter.pause(999)
    line.ask()
    await line.clock.advance()
    assert line.times == [0.0]
    assert line.limiter.paused_for == 0


async def test_a_pause_does_not_let_a_burst_out_at_its_end(lined: Lined) -> None:
    line = lined(10, 1)
    line.limiter.pause(1005)
    line.ask(20)
    await line.clock.advance(5.95)
    assert len(line.grants) == 10


async def test_a_new_rate_counts_at_once_for_those_who_wait(lined: Lined) -> None:
    line = lined(1, 1)
    line.ask(4)
    await line.clock.advance(0.5)
    line.limiter.set_rate(10)
    await line.clock.advance(0.3)
    assert line.times == [0, 0.55, 0.65, 0.75]
    line.ask(2)
    line.limiter.set_rate(0.5)
    await line.clock.advance(5)
    assert line.times[4:] == [1.8, 3.8]  # half an interval was owed


@pytest.mark.parametrize("rate", [0, -1, float("nan")])
def test_a_rate_is_above_zero(rate: float) -> None:
    with pytest.raises(ConfigurationError, match="above 0"):
        RateLimiter(rate)


async def test_without_end_a_rate_grants_at_once(lined: Lined) -> None:
    line = lined(float("inf"), 1)
    line.ask(100)
    await line.clock.advance()
    assert len(line.grants) == 100
    assert repr(line.limiter) == "RateLimiter(rate=inf, burst=1, waiting=0)"
    line.limiter.set_rate(10)
    line.ask(3)
    await line.clock.advance(0.15)
    assert line.times[100:] == [0, 0.1]


async def test_a_grant_beyond_the_deadline_is_refused_at_once(lined: Lined) -> None:
    line = lined(10, 1)
    line.ask(5)
    line.ask(max_wait=0.45)
    line.ask(max_wait=0.55)
    await line.clock.advance()
    assert line.late == [5]
    await line.clock.advance(1)
    assert line.order == [0, 1, 2, 3, 4, 6]


async def test_a_pause_beyond_the_deadline_is_told_at_once(lined: Lined) -> None:
    line = lined(10, 1)
    line.ask(2)
    line.ask(2, max_wait=3)
    await line.clock.advance(0.01)
    line.limiter.pause(line.clock.now + 60)
    await line.clock.advance()
    assert line.late == [2, 3]
    assert line.limiter.waiting == 1


async def test_a_slower_rate_beyond_the_deadline_is_told_at_once(lined: Lined) -> None:
    line = lined(10, 1)
    line.ask(4, max_wait=1)
    await line.clock.advance(0.01)
    line.limiter.set_rate(0.1)
    await line.clock.advance()
    assert line.late == [1, 2, 3]


async def test_a_deadline_counts_the_burst(lined: Lined) -> None:
    line = lined(10, 5)
    line.limiter.pause(1001)
    line.ask(5, max_wait=1)  # after the pause all five leave at once
    line.ask(1, max_wait=1)
    await line.clock.advance()
    assert line.late == [5]
    await line.clock.advance(1)
    assert line.times == [1.0] * 5


async def test_a_waiter_that_went_away_costs_no_grant(lined: Lined) -> None:
    line = lined(10, 1)
    tasks = line.ask(6)
    await line.clock.advance(0.05)
    for task in tasks[1:4]:
        task.cancel()
    await line.clock.advance(0.2)
    assert line.order == [0, 4, 5]
    assert line.times == [0, 0.1, 0.2]


async def test_the_last_waiter_goes_away_and_the_clock_is_left_alone(lined: Lined) -> None:
    line = lined(10, 1)
    tasks = line.ask(2)
    await line.clock.advance(0.05)
    tasks[1].cancel()
    await line.clock.advance()
    assert repr(line.clock) == "ManualClock(now=1000.05, 0 calls due)"
    line.ask()
    await line.clock.advance(0.05)
    assert line.times == [0, 0.1]


async def test_waiters_cancelled_just_before_the_timer_are_passed_over(lined: Lined) -> None:
    line = lined(10, 1)
    tasks = line.ask(4)
    await line.clock.advance(0.05)

    line.clock.now += 0.05
    tasks[1].cancel()
    tasks[2].cancel()
    line.limiter._pump()  # the timer, before the tasks have run
    await line.clock.advance()
    assert line.order == [0, 3]


@pytest.mark.parametrize("deed", ["pause", "rate"])
async def test_waiters_cancelled_in_the_moment_of_a_refusal_are_passed_over(lined: Lined, deed: str) -> None:
    line = lined(10, 1)
    tasks = line.ask(4, max_wait=1)
    await line.clock.advance(0.05)
    tasks[1].cancel()
    if deed == "pause":
        line.limiter.pause(line.clock.now + 60)
    else:
        line.limiter.set_rate(0.01)
    await line.clock.advance()
    assert line.late == [2, 3]
    assert tasks[1].cancelled()
    assert line.limiter.waiting == 0


async def test_a_refusal_and_a_cancellation_at_once_grant_nothing_to_others(lined: Lined) -> None:
    line = lined(10, 1)
    line.ask(1)
    (late,) = line.ask(1, max_wait=1)
    line.ask(2)
    await line.clock.advance(0.01)
    line.limiter.pause(line.clock.now + 60)
    late.cancel()  # its answer lies there already
    await line.clock.advance(59)
    assert late.cancelled()
    assert line.order == [0]


async def test_a_grant_to_one_who_went_away_in_that_moment_goes_to_the_next(lined: Lined) -> None:
    line = lined(10, 1)
    tasks = line.ask(4)
    await line.clock.advance(0.05)
    line.clock.now += 0.05
    line.limiter._pump()
    tasks[1].cancel()
    await line.clock.advance()
    assert line.order == [0, 2]
    assert line.times == [0, 0.1]


async def test_of_a_granted_burst_one_goes_away_and_the_next_takes_its_place(lined: Lined) -> None:
    line = lined(10, 3)
    line.limiter.pause(1001)
    tasks = line.ask(5)
    await line.clock.advance(0.5)
    line.clock.now = 1001.0
    line.limiter._pump()
    tasks[0].cancel()
    await line.clock.advance()
    assert line.order == [1, 2, 3]


async def test_a_grant_is_not_handed_on_into_a_pause(lined: Lined) -> None:
    line = lined(10, 2)
    line.limiter.pause(1001)
    tasks = line.ask(3)
    await line.clock.advance(0.5)
    line.clock.now = 1001.0
    line.limiter._pump()
    line.limiter.pause(1010)
    tasks[0].cancel()
    tasks[1].cancel()
    await line.clock.advance(8.9)
    assert line.order == []
    await line.clock.advance(0.2)
    assert line.order == [2]


async def test_a_lone_grant_to_one_who_went_away_is_given_back(lined: Lined) -> None:
    line = lined(10, 1)
    tasks = line.ask(2)
    await line.clock.advance(0.05)
    line.clock.now += 0.05
    line.limiter._pump()
    tasks[1].cancel()
    await line.clock.advance()
    line.ask()
    await line.clock.advance()
    assert line.times == [0, 0.1]


async def test_a_grant_given_back_late_is_worth_less(lined: Lined) -> None:
    line = lined(10, 2)
    line.limiter.pause(1001)
    tasks = line.ask(2)
    await line.clock.advance(0.5)
    line.clock.now = 1001.0
    line.limiter._pump()
    line.clock.now += 10  # the loop stood still between the grant and the cancellation
    for _ in range(2):
        with pytest.raises(StopIteration):  # granted without waiting, before the cancelled task runs
            line.limiter.acquire().send(None)
    tasks[0].cancel()
    line.ask()
    await line.clock.advance(0.09)
    assert line.order == [1]


async def test_everybody_goes_away_at_once(lined: Lined) -> None:
    line = lined(10, 3)
    line.limiter.pause(1001)
    tasks = line.ask(50)
    await line.clock.advance(0.5)
    line.clock.now = 1001.0
    line.limiter._pump()
    for task in tasks:
        task.cancel()
    await line.clock.advance()
    assert all(task.cancelled() for task in tasks)
    assert line.limiter.waiting == 0
    line.ask(3)
    await line.clock.advance(0.1)
    assert len(line.grants) >= 2


async def test_300_of_400_waiters_go_away(lined: Lined) -> None:
    line = lined(100, 10)
    tasks = line.ask(400)
    await line.clock.advance(0.005)
    for number, task in enumerate(tasks[10:], 10):
        if number % 4:
            task.cancel()
    await line.clock.advance(1.0)
    assert line.order == [*range(10), *(number for number in range(10, 400) if number % 4 == 0)]
    assert line.times[-1] == pytest.approx((len(line.order) - 10) / 100, abs=0.011)


def test_its_state_is_readable() -> None:
    clock = ManualClock()
    limiter = RateLimiter(2.5, 4, clock=clock)
    assert repr(limiter) == "RateLimiter(rate=2.5, burst=4, waiting=0)"
    assert limiter.rate == 2.5
    limiter.pause(1030)
    assert repr(limiter) == "RateLimiter(rate=2.5, burst=4, waiting=0, paused for 30.0 s)"


async def test_the_event_loops_own_timer_serves() -> None:
    limiter = RateLimiter(500, 1)
    assert await limiter.acquire() == 0
    waited = [await limiter.acquire() for _ in range(3)]
    assert waited[0] > 0
    assert all(0 <= one < 1 for one in waited), "a late timer is made up for"


async def test_a_blocked_loop_lets_no_burst_out(lined: Lined) -> None:
    line = lined(10, 1)
    line.ask(30)
    await line.clock.advance(0.05)
    line.clock.now += 10  # nobody ran meanwhile
    await line.clock.advance(0.95)
    assert len(line.grants) <= 1 + 11


async def test_who_comes_when_the_timer_is_late_does_not_jump_the_queue(lined: Lined) -> None:
    line = lined(10, 1)
    line.ask(2)
    await line.clock.advance(0.05)
    line.clock.now += 0.05
    line.ask()  # a grant is due, and the timer has not rung
    for _ in range(5):
        await asyncio.sleep(0)
    assert line.order == [0]
    await line.clock.advance(0.1)
    assert line.order == [0, 1, 2]


async def test_a_grant_is_taken_at_once_or_not_at_all(lined: Lined) -> None:
    limiter = lined(10, 2).limiter
    assert [limiter.try_acquire() for _ in range(3)] == [True, True, False]


async def test_nobody_takes_a_grant_past_those_who_wait(lined: Lined) -> None:
    line = lined(10, 1)
    line.ask(2)
    await line.clock.advance(0.05)
    line.clock.now += 0.05  # a grant is due, and the timer has not rung
    assert not line.limiter.try_acquire()
    assert not line.limiter.try_acquire(urgent=True)
    await line.clock.advance(0.2)
    assert line.order == [0, 1]
    assert line.limiter.try_acquire()


async def test_nobody_takes_a_grant_in_a_pause(lined: Lined) -> None:
    line = lined(10, 1)
    line.limiter.pause(line.clock.now + 5)
    assert not line.limiter.try_acquire()
    await line.clock.advance(4.99)
    assert not line.limiter.try_acquire(urgent=True)
    await line.clock.advance(0.01)
    assert line.limiter.try_acquire()
