"""What does a campaign of many recipients need in memory, and how late does the event loop run meanwhile?"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.apart import Loop, apart, on_loop, say
from benchmarks.cases.base import Place
from benchmarks.cases.lanes import Lane, present, skips
from benchmarks.cases.ours import client, message
from benchmarks.lag import Lag, Lateness
from benchmarks.machine import pin
from benchmarks.questions.base import Answer, Setting, answer
from benchmarks.servers.base import Server
from benchmarks.servers.choice import serving
from benchmarks.soak_slow_child import memory
from wabotick_async import BulkSender, SendTemplate

__all__ = ["Large", "LargeWork", "large_campaign", "many_recipients"]

_IN_FLIGHT: Final = 64


class LargeWork(msgspec.Struct, frozen=True, kw_only=True):
    """What one process measures."""

    recipients: int
    lane: Lane
    loop: Loop = "default loop"
    in_flight: int = _IN_FLIGHT
    server: Server
    core: int | None
    journal: Path


class Large(msgspec.Struct, frozen=True, kw_only=True):
    """What a campaign needed. Memory in KiB."""

    recipients: int
    lane: str
    at_start: int
    """With everything imported, before the client is made."""
    peak: int
    at_the_end: int
    after_first_tenth: int
    """The peak when a tenth of the recipients had been read."""
    lag: Lateness
    seconds: float


def large_campaign(work: LargeWork) -> Large:
    """Run one campaign to its end."""
    pin(work.core)
    return on_loop(work.loop, _campaign(work))


async def _campaign(work: LargeWork) -> Large:
    tenth, early, every = max(1, work.recipients // 10), 0, max(1, work.recipients // 10)

    def source() -> Iterator[SendTemplate]:
        nonlocal early
        for number in range(work.recipients):
            if number == tenth:
                early = memory()[1]
            if number and number % every == 0:
                say(f"  G: {number:,} of {work.recipients:,}, {work.lane}")
            yield message()

    lag = Lag()
    gc.collect()
    at_start, began = memory()[0], time.perf_counter()
    watching = asyncio.create_task(lag.watch())
    place = Place(base_url=work.server.base_url, in_flight=work.in_flight, directory=work.journal.parent)
    async with client(place, work.lane) as sending:
        report = await BulkSender(sending, journal=work.journal, concurrency=work.in_flight).run(source())
    took = time.perf_counter() - began
    watching.cancel()
    if report.accepted != work.recipients:
        raise RuntimeError(f"not all was accepted: {report}")
    at_the_end, peak = memory()
    return Large(
        recipients=work.recipients,
        lane=work.lane,
        at_start=at_start,
        peak=peak,
        at_the_end=at_the_end,
        after_first_tenth=early or peak,
        lag=lag.lateness(),
        seconds=took,
    )


def many_recipients(setting: Setting) -> Answer:
    """Run a campaign of each size, each in a process of its own; Linux only."""
    title = "Many recipients: BulkSender, journal in SQLite, 64 in flight, default loop"
    head = ["recipients", "lane", "peak", "above start", "after its first tenth", "loop lag p50", "p99", "most", "time"]
    if not Path("/proc/self/status").exists():
        return answer("G", title, head, rows=[], notes=["Skipped: memory is read from /proc."])
    found: list[Large] = []
    with serving(setting.server_core) as server:
        for recipients in setting.recipients:
            for lane in present():
                journal = setting.directory / f"large-{recipients}-{lane}.journal"
                work = LargeWork(
                    recipients=recipients, lane=lane, server=server, core=setting.client_core, journal=journal
                )
                found.append(apart(large_campaign, work))
    notes = [
        "MiB: the peak of the process (VmHWM); how much more that is than it had with everything imported, before the"
        " client was made; how far the peak moved after the first tenth of the recipients.",
        "Lag: how late a task ran that wanted to run every millisecond.",
        f"Server: {server.name}.",
        *skips(),
    ]
    return answer("G", title, head, rows=[_row(one) for one in found], notes=notes, figures=found)


def _row(one: Large) -> list[str]:
    return [
        f"{one.recipients:,}",
        one.lane,
        *(f"{kibibytes / 1024:.1f}" for kibibytes in (one.peak, one.peak - one.at_start)),
        f"{(one.peak - one.after_first_tenth) / 1024:+.1f}",
        *(f"{seconds * 1000:.1f} ms" for seconds in (one.lag.p50, one.lag.p99, one.lag.most)),
        f"{one.seconds:,.0f} s",
    ]
