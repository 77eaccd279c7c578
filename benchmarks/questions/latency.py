"""Where an answer takes 200 ms: how much of one core do 1,000 messages a second need, with journal and limiter?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.apart import Loop, apart, loops, on_loop, say
from benchmarks.cases.base import Place
from benchmarks.cases.lanes import Lane, present, skips
from benchmarks.cases.ours import client, message
from benchmarks.machine import pin
from benchmarks.questions.base import Answer, Setting, answer
from benchmarks.servers.base import Server
from benchmarks.servers.own import own
from wabotick_async import BulkSender, Limits, SendTemplate

__all__ = ["Steady", "SteadyWork", "hold", "latency"]

_RATE: Final = 1_000
_DELAY: Final = 0.2
_IN_FLIGHT: Final = 320
"""The 200 that rate and latency ask for, and room for answers that come late."""


class SteadyWork(msgspec.Struct, frozen=True, kw_only=True):
    """What one process measures."""

    loop: Loop
    lane: Lane
    server: Server
    rate: int = _RATE
    in_flight: int = _IN_FLIGHT
    seconds: float
    core: int | None
    journal: Path


class Steady(msgspec.Struct, frozen=True, kw_only=True):
    """What a campaign at a steady rate needed while it was measured."""

    loop: str
    lane: str
    accepted_a_second: float
    core: float
    """CPU seconds of the client's process a second, all its threads."""
    cpu_microseconds: float
    """For a message."""
    server_busy: float


def hold(work: SteadyWork) -> Steady:
    """Run one campaign at the rate, and measure it once it has got going."""
    pin(work.core)
    return on_loop(work.loop, _hold(work))


async def _hold(work: SteadyWork) -> Steady:
    ended = False

    def source() -> Iterator[SendTemplate]:
        while not ended:
            yield message()

    place = Place(base_url=work.server.base_url, in_flight=work.in_flight, directory=work.journal.parent)
    # No headroom: it is the rate itself that has to be held.
    limits = Limits(rate=work.rate, burst=max(1, work.rate // 20), headroom=0.0, concurrency=work.in_flight)
    async with client(place, work.lane, limits) as sending, asyncio.TaskGroup() as group:
        sender = BulkSender(sending, journal=work.journal, concurrency=work.in_flight)
        running = group.create_task(sender.run(source()))
        await asyncio.sleep(work.seconds / 3)
        before, began, cpu = sender.snapshot().accepted, time.perf_counter(), time.process_time()
        served = work.server.status()
        await asyncio.sleep(work.seconds)
        busy = work.server.status().since(served).cpu
        took, used = time.perf_counter() - began, time.process_time() - cpu
        accepted, ended = sender.snapshot().accepted - before, True
        report = await running
    if report.unknown or report.refused:
        raise RuntimeError(f"not all was accepted: {report}")
    return Steady(
        loop=work.loop,
        lane=work.lane,
        accepted_a_second=accepted / took,
        core=used / took,
        cpu_microseconds=used / max(1, accepted) * 1e6,
        server_busy=busy / took,
    )


def latency(setting: Setting) -> Answer:
    """Hold 1,000 a second on both loops and both lanes."""
    found: list[Steady] = []
    with own(setting.server_core, delay=_DELAY) as server:
        for number, (loop, lane) in enumerate(product(loops(), present())):
            say(f"  E: {lane} on {loop}")
            journal = setting.directory / f"steady-{number}.journal"
            found.append(
                apart(
                    hold,
                    SteadyWork(
                        loop=loop,
                        lane=lane,
                        server=server,
                        seconds=setting.seconds,
                        core=setting.client_core,
                        journal=journal,
                    ),
                )
            )
    rows = [
        [
            f"BulkSender, journal in SQLite, {one.lane}",
            one.loop,
            f"{one.accepted_a_second:,.0f}",
            f"{one.core:.0%}",
            f"{one.cpu_microseconds:,.0f}",
        ]
        for one in found
    ]
    notes = [
        f"Server: {server.name}, {_DELAY * 1000:.0f} ms late,"
        f" busy for {max(one.server_busy for one in found):.0%} of its core at most.",
        *skips(),
    ]
    head = ["case", "loop", "accepted/s", "share of one core", "CPU us/message"]
    return answer("E", f"{_RATE:,} a second where an answer takes 200 ms", head, rows=rows, notes=notes, figures=found)
