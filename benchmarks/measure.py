"""Taking turns: every case gets a short slice in each round, in random order, and only ratios within a round count.

The speed of a shared machine swings by a factor of two within a second. Slices side by side swing together.
"""

from __future__ import annotations

import contextlib
import gc
import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence

import msgspec

from benchmarks.cases.base import Open, Place, Send
from benchmarks.ratio import Ratio, ratio
from benchmarks.servers.base import Status

__all__ = ["Clocks", "Figures", "Run", "Slice", "Turns", "run"]


class Slice(msgspec.Struct, frozen=True):
    """What one slice cost: seconds of the clock and of the processor, a request."""

    wall: float
    cpu: float


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


class Turns(msgspec.Struct, frozen=True, kw_only=True):
    """How turns are taken."""

    rounds: int
    """Slices of each case."""
    seconds: float
    """Length of a slice, about: it has as many requests as are in flight at least."""
    seed: int = 0
    """Of the order."""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A run of all cases."""

    figures: tuple[Figures, ...]
    server_busy: float
    """Share of the measured time in which the server used its core; near 1 it was the server that was measured."""


async def run(
    cases: Mapping[str, Open],
    place: Place,
    turns: Turns,
    status: Callable[[], Status],
    *,
    clocks: Clocks = Clocks(),  # noqa: B008 - frozen
    say: Callable[[int], object] = lambda _round: None,
) -> Run:
    """Measure the cases, taking turns.

    Args:
        cases: by name; the first is the yardstick.
        status: asks the server what it has done so far.
        clocks: read before and after each slice.
        say: is told how many rounds are done.

    Raises:
        RuntimeError: the server has counted other requests than were sent.
    """
    dice = random.Random(turns.seed)
    slices: dict[str, list[Slice]] = {name: [] for name in cases}
    async with contextlib.AsyncExitStack() as stack:
        sends = {name: await stack.enter_async_context(open_case(place)) for name, open_case in cases.items()}
        counts = {name: await _warm_up(send, turns.seconds, place.in_flight, clocks) for name, send in sends.items()}
        # What the imports of all cases left behind is no case's burden.
        gc.collect()
        gc.freeze()
        before, began = status(), clocks.wall()
        for done in range(turns.rounds):
            order = list(sends)
            dice.shuffle(order)
            for name in order:
                slices[name].append(await _slice(sends[name], counts[name], clocks))
            say(done + 1)
        took, served = clocks.wall() - began, status().since(before)
        gc.unfreeze()
    ordered = sum(counts.values()) * turns.rounds
    if served.requests != ordered:
        raise RuntimeError(f"{ordered} requests were sent, and the server counted {served.requests}")
    yardstick = next(iter(slices.values()))
    return Run(
        figures=tuple(_figures(name, own, yardstick, counts[name], dice) for name, own in slices.items()),
        server_busy=served.cpu / took,
    )


async def _warm_up(send: Send, seconds: float, in_flight: int, clocks: Clocks) -> int:
    """Open the connections, and find out how many requests fill a slice."""
    count = in_flight
    await send(count)
    while True:
        # The first open connections and files, and any may meet a neighbour; too short a slice measures beginnings.
        took = min([(await _slice(send, count, clocks)).wall * count for _ in range(3)])
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
        speed=ratio([one.wall for one in yardstick], [one.wall for one in own], dice),
        cpu=ratio([one.cpu for one in yardstick], [one.cpu for one in own], dice),
        requests=count * len(own),
    )
