"""Urgent requests beside a campaign that is at its limit."""

from __future__ import annotations

import asyncio
import random

import pytest

from tests.simulation.scene import Scene, message, messages
from tests.simulation.server import Server
from tests.simulation.virtual_loop import run
from wabotick_async import Limits, Rate
from wabotick_async.outcomes import Outcome
from wabotick_async.transport import RateLimiter
from wabotick_async.transport.pace import Scope, Scopes


def p99(waits: list[float]) -> float:
    assert len(waits) >= 50, "too few to speak of a 99th percentile"
    return sorted(waits)[int(0.99 * len(waits))]


def test_urgent_requests_beside_100_000_others() -> None:
    rate, count, latency = 100.0, 100_000, 0.1

    async def simulate() -> None:
        clock = asyncio.get_running_loop().time
        limiter = RateLimiter(limits=Limits(rate=rate, headroom=0.0, pair=None), clock=clock, wall_clock=clock)
        moments, left = random.Random(1), iter(range(count))
        waits: list[float] = []

        async def answer() -> None:
            await asyncio.sleep(latency)
            limiter.release(elapsed=latency, outcome=Outcome.ACCEPTED)

        async def work() -> None:
            for _ in left:
                await limiter.acquire()
                await answer()

        async def hurry() -> None:
            while True:
                await asyncio.sleep(moments.uniform(0.0, 10.0))
                waits.append(await limiter.acquire(urgent=True))
                await answer()

        began = clock()
        hurrying = asyncio.create_task(hurry())
        await asyncio.gather(*(work() for _ in range(32)))
        hurrying.cancel()
        assert max(waits) <= 1 / rate + 1e-6
        # The ideal is the account's rate for all of them.
        assert clock() - began <= (count + len(waits)) / rate * 1.01

    run(simulate())


@pytest.mark.parametrize(("same", "rate"), [(True, 50.0), (True, 10.0), (False, 50.0)])
def test_urgent_requests_beside_a_campaign_that_its_number_holds_back(same: bool, rate: float) -> None:
    """The account has room, the campaign's number has not: codes go by the same number, or by another."""
    account, count, latency = 100.0, 400 * int(rate), 0.1
    campaign = Scopes(Scope("number", "A"))
    code = campaign if same else Scopes(Scope("number", "B"))

    async def simulate() -> None:
        clock = asyncio.get_running_loop().time
        limits = Limits(rate=account, headroom=0.0, number=Rate(rate), pair=None)
        limiter = RateLimiter(limits=limits, clock=clock, wall_clock=clock)
        moments, left = random.Random(1), iter(range(count))
        waits: list[float] = []

        async def answer() -> None:
            await asyncio.sleep(latency)
            limiter.release(elapsed=latency, outcome=Outcome.ACCEPTED)

        async def work() -> None:
            for _ in left:
                await limiter.acquire(campaign)
                await answer()

        async def hurry() -> None:
            while True:
                await asyncio.sleep(moments.uniform(0.0, 10.0))
                waits.append(await limiter.acquire(code, urgent=True))
                await answer()

        began = clock()
        hurrying = asyncio.create_task(hurry())
        await asyncio.gather(*(work() for _ in range(32)))
        hurrying.cancel()
        assert p99(waits) <= 1 / (rate if same else account) + 1e-6
        assert clock() - began <= (count + (len(waits) if same else 0)) / rate * 1.01

    run(simulate())


def test_urgent_sends_beside_a_campaign() -> None:
    async def simulate() -> None:
        scene = Scene(Server(), rate=50)
        urgent, clock = scene.client.with_options(urgent=True), asyncio.get_running_loop().time
        moments = random.Random(1)
        waits: list[float] = []

        async def hurry() -> None:
            while True:
                await asyncio.sleep(moments.uniform(0.0, 0.5))
                asked = clock()
                await urgent.send(message(90_000 + len(waits)))
                waits.append(clock() - asked - 0.1)

        hurrying = asyncio.create_task(hurry())
        report = await scene.campaign(messages(1_500))
        hurrying.cancel()
        assert (report.accepted, report.unknown) == (1_500, 0)
        assert p99(waits) <= 1 / 50 + 1e-6
        assert report.elapsed <= (1_500 + len(waits)) / 50 * 1.02

    run(simulate())
