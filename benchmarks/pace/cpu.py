"""What a grant costs in CPU time: where it is free, and where many tasks wait for it."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import Mapping

import msgspec

from benchmarks.pace.limiters import Limiter, Make

_UNREACHABLE = 10**9


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """Medians over the rounds."""

    limiter: str
    free: float
    """Microseconds a grant."""
    contended: float
    free_ratio: float
    """Times ours, each round by itself."""
    contended_ratio: float


async def costs(
    makers: Mapping[str, Make], *, rounds: int, seconds: float, rate: int, waiting: int, dice: random.Random
) -> list[Cost]:
    """Measure all limiters, taking turns; the first is the yardstick.

    Args:
        rounds: turns of each.
        seconds: length of a contended turn.
        rate: of a contended turn; the burst is a tenth.
        waiting: tasks that always want a grant in it.
        dice: draws the order.
    """
    free: dict[str, list[float]] = {name: [] for name in makers}
    contended: dict[str, list[float]] = {name: [] for name in makers}
    for _ in range(rounds):
        order = list(makers)
        dice.shuffle(order)
        for name in order:
            free[name].append(await _free(makers[name](_UNREACHABLE, _UNREACHABLE)))
            contended[name].append(await _contended(makers[name](rate, rate // 10), seconds, waiting))
    yardstick = next(iter(makers))
    return [
        Cost(
            limiter=name,
            free=statistics.median(free[name]),
            contended=statistics.median(contended[name]),
            free_ratio=_ratio(free[name], free[yardstick]),
            contended_ratio=_ratio(contended[name], contended[yardstick]),
        )
        for name in makers
    ]


async def _free(limiter: Limiter, count: int = 2_000) -> float:
    before = time.process_time()
    for _ in range(count):
        await limiter.acquire()
        limiter.release(0.0)
    used = time.process_time() - before
    limiter.close()
    return used / count * 1e6


async def _contended(limiter: Limiter, seconds: float, waiting: int) -> float:
    """Return microseconds a grant, once everybody waits; not a number where none was granted."""
    grants = 0

    async def want() -> None:
        nonlocal grants
        while True:
            await limiter.acquire()
            grants += 1
            limiter.release(0.0)

    wanting = [asyncio.create_task(want()) for _ in range(waiting)]
    await asyncio.sleep(seconds / 5)  # the burst goes, the rest queue up
    grants, before = 0, time.process_time()
    await asyncio.sleep(seconds)
    used, counted = time.process_time() - before, grants
    for task in wanting:
        task.cancel()
    await asyncio.gather(*wanting, return_exceptions=True)
    limiter.close()
    return used / counted * 1e6 if counted else float("nan")


def _ratio(own: list[float], yardstick: list[float]) -> float:
    return statistics.median(one / other for one, other in zip(own, yardstick, strict=True))
