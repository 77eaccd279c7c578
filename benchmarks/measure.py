"""Taking turns: every case gets a short slice in each round, in random order, and only ratios within a round count.

The speed of a shared machine swings by a factor of two within a second. Slices side by side swing together.
"""

from __future__ import annotations

import contextlib
import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import aiohttp
import msgspec

from benchmarks.cases import Case, Send

_RESAMPLES: Final = 2_000


class Slice(msgspec.Struct, frozen=True):
    """What one slice cost: seconds of the clock and of the processor, a request."""

    wall: float
    cpu: float


class Ratio(msgspec.Struct, frozen=True):
    """A median over the rounds, and the interval that holds it with 95 % confidence (bootstrap)."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.low:.2f} to {self.high:.2f})"


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What the slices of one case say. Only the ratios can be compared with another run's."""

    name: str
    requests_a_second: float
    cpu_microseconds: float
    """CPU time of the client's process for one request, all its threads."""
    speed: Ratio
    """Requests a second, as a multiple of the first case's."""
    cpu: Ratio
    """CPU time of the first case's request, as a multiple of this case's: more is better."""
    requests: int


class Clocks(msgspec.Struct, frozen=True):
    """Seconds that passed, and seconds that this process's threads used."""

    wall: Callable[[], float] = time.perf_counter
    cpu: Callable[[], float] = time.process_time


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A run of all cases."""

    figures: tuple[Figures, ...]
    server_busy: float
    """Share of the measured time in which the server used its core; near 1 it was the server that was measured."""


async def run(
    cases: Mapping[str, Case],
    base_url: str,
    *,
    rounds: int,
    seconds: float,
    in_flight: int,
    seed: int = 0,
    clocks: Clocks = Clocks(),  # noqa: B008 - frozen
) -> Run:
    """Measure the cases, taking turns.

    Args:
        cases: by name; the first is the yardstick.
        base_url: the server.
        rounds: slices of each case.
        seconds: length of a slice, about.
        in_flight: sends in flight.
        seed: of the order of turns.
        clocks: read before and after each slice.
    """
    dice = random.Random(seed)
    slices: dict[str, list[Slice]] = {name: [] for name in cases}
    async with contextlib.AsyncExitStack() as stack:
        sends = {name: await stack.enter_async_context(case(base_url, in_flight)) for name, case in cases.items()}
        counts = {name: await _warm_up(send, seconds, in_flight, clocks) for name, send in sends.items()}
        server_before, began = await server_cpu(base_url), clocks.wall()
        for _ in range(rounds):
            order = list(sends)
            dice.shuffle(order)
            for name in order:
                slices[name].append(await _slice(sends[name], counts[name], clocks))
        server_busy = (await server_cpu(base_url) - server_before) / (clocks.wall() - began)
    yardstick = next(iter(slices.values()))
    figures = tuple(_figures(name, own, yardstick, counts[name], dice) for name, own in slices.items())
    return Run(figures=figures, server_busy=server_busy)


async def server_cpu(base_url: str) -> float:
    """Ask the server for the CPU seconds that it has used."""
    async with aiohttp.ClientSession() as session, session.post(base_url + "/cpu") as response:
        return float(await response.text())


async def _warm_up(send: Send, seconds: float, in_flight: int, clocks: Clocks) -> int:
    """Open the connections, and find out how many requests fill a slice."""
    count = in_flight
    await send(count)
    while True:
        took = (await _slice(send, count, clocks)).wall * count
        if took >= seconds / 2:
            return max(in_flight, round(count * seconds / took))
        count *= 2


async def _slice(send: Send, count: int, clocks: Clocks) -> Slice:
    wall, cpu = clocks.wall(), clocks.cpu()
    await send(count)
    return Slice((clocks.wall() - wall) / count, (clocks.cpu() - cpu) / count)


def _figures(name: str, own: Sequence[Slice], yardstick: Sequence[Slice], count: int, dice: random.Random) -> Figures:
    return Figures(
        name=name,
        requests_a_second=1.0 / statistics.median(one.wall for one in own),
        cpu_microseconds=statistics.median(one.cpu for one in own) * 1e6,
        speed=_ratio([theirs.wall / ours.wall for theirs, ours in zip(yardstick, own, strict=True)], dice),
        cpu=_ratio([theirs.cpu / ours.cpu for theirs, ours in zip(yardstick, own, strict=True)], dice),
        requests=count * len(own),
    )


def _ratio(values: Sequence[float], dice: random.Random) -> Ratio:
    medians = sorted(statistics.median(dice.choices(values, k=len(values))) for _ in range(_RESAMPLES))
    return Ratio(statistics.median(values), medians[_RESAMPLES // 40], medians[-_RESAMPLES // 40 - 1])
