"""What is granted in a second under constant demand: never above the limit, and nearly all of it."""

from __future__ import annotations

import asyncio
from collections import deque
from random import Random

import pytest

from wabotick_async import Limits, RateLimiter
from wabotick_async.config import Rate
from wabotick_async.testing import ManualClock
from wabotick_async.transport.pace.bucket import Bucket
from wabotick_async.transport.pace.debts import Debts


def worst_second(grants: list[float]) -> int:
    """Return how many grants the fullest half-open second has."""
    recent, worst = deque[float](), 0
    for when in grants:
        while recent and when - recent[0] >= 1.0 - 1e-6:
            recent.popleft()
        recent.append(when)
        worst = max(worst, len(recent))
    return worst


def drain(bucket: Bucket, seconds: float, late: float, random: Random) -> list[float]:
    """Take whatever a bucket gives to a crowd, with timers that ring late."""
    now, grants = 0.0, list[float]()
    while now < seconds:
        while bucket.due <= now:
            bucket.take(now, 0.0)
            grants.append(now)
        now = max(now, bucket.due) + random.uniform(0.0, late)
    return grants


@pytest.mark.parametrize("rate", [20, 80, 1000])
def test_late_timers_cost_less_than_two_in_a_hundred(rate: int) -> None:
    grants = drain(Bucket(rate), 20.0, 0.002, Random(rate))
    assert len(grants) >= 0.98 * rate * 20
    assert worst_second(grants) <= rate + 1


@pytest.mark.parametrize("late", [0.02, 0.099, 0.3])
@pytest.mark.parametrize(("rate", "burst"), [(33.3, 1), (80.0, 5), (200.0, 1)])
def test_no_second_has_more_however_late_the_timers_are(rate: float, burst: int, late: float) -> None:
    random = Random(7)
    bucket, now, grants = Bucket(rate, burst), 0.0, list[float]()
    while now < 60.0:
        while bucket.due <= now:
            bucket.take(now, 0.0)
            grants.append(now)
        now = max(now, bucket.due) + (random.uniform(0.0, late) if random.random() < 0.1 else 0.0)
    assert worst_second(grants) <= int(rate) + burst


def test_a_rate_that_falls_and_rises_again_within_the_second_forgets_no_grant() -> None:
    bucket, grants = Bucket(40.0, 40), list[float]()
    for now, rate in ((0.0, 40.0), (0.5, 0.5), (0.51, 40.0), (0.9, 40.0)):
        bucket.set_rate(rate, now)
        while bucket.due <= now:
            bucket.take(now, 0.0)
            grants.append(now)
    for step in range(1, 100):
        now = 0.9 + step / 1000.0
        while bucket.due <= now:
            bucket.take(now, 0.0)
            grants.append(now)
    assert worst_second(grants) <= 80
    assert len(bucket._granted) == len(grants)


def test_a_million_pairs_leave_only_those_who_owe() -> None:
    debts = Debts(Rate(1, per=6.0, burst=45))
    most = 0
    for number in range(1_000_000):
        debts.take(str(number), number / 1000.0)
        most = max(most, len(debts))
    assert most <= 13_000


async def test_a_hundred_thousand_who_went_away_in_a_pause_are_forgotten() -> None:
    clock = ManualClock()
    limiter = RateLimiter(limits=Limits(), clock=clock, call_later=clock.call_later)
    limiter.pause(clock() + 60.0)
    for _ in range(100):
        tasks = [asyncio.create_task(limiter.acquire()) for _ in range(1_000)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert limiter.waiting == 0
    assert len(limiter._lanes.others._front) <= 64
