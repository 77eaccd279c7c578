"""This client: one send at a time, and a campaign with each kind of journal."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

from benchmarks.cases.base import (
    NAME,
    NUMBER,
    ORDER,
    TEMPLATE,
    TOKEN,
    Case,
    Open,
    Place,
    Send,
    gathered,
    next_phone_number,
)
from benchmarks.cases.lanes import Lane, lacking, settings
from wabotick_async import (
    BulkSender,
    Journal,
    Limits,
    MemoryJournal,
    Rate,
    RateLimiter,
    SendTemplate,
    SQLiteJournal,
    WabotickClient,
)

__all__ = ["bulk_in_memory", "bulk_in_sqlite", "bulk_with_everything", "client", "client_send", "message"]

_UNREACHABLE: Final = 1e6
"""Requests a second: the limiter works, and never makes anybody wait."""
_LOOK: Final = 0.1


def message() -> SendTemplate:
    """Return the next message."""
    return SendTemplate(
        phone_number=next_phone_number(), template_id=TEMPLATE, variables={"name": NAME, "order-code": ORDER}
    )


def client(place: Place, lane: Lane, limits: Limits | None = None) -> WabotickClient:
    """Return a client on a lane, by default with a limiter that never makes anybody wait."""
    return WabotickClient(
        TOKEN,
        phone_number_id=NUMBER,
        base_url=place.base_url,
        limits=limits or Limits(rate=_UNREACHABLE, concurrency=place.in_flight),
        ssl_context=place.trust(),
        **(settings(lane) or {}),
    )


def client_send(lane: Lane) -> Case:
    """Return the case of `client.send` under gather and semaphore."""

    @contextlib.asynccontextmanager
    async def case(place: Place) -> AsyncIterator[Send]:
        async with client(place, lane) as sending:
            yield gathered(lambda: sending.send(message()), place.in_flight)

    return Case(name=f"client.send, {lane}", open=case, lacking=lambda: lacking(lane))


def bulk_in_memory(lane: Lane) -> Case:
    """Return the case of a campaign whose journal dies with the process."""
    return _bulk(f"BulkSender, journal in memory, {lane}", lane, lambda _directory: MemoryJournal())


def bulk_in_sqlite(lane: Lane) -> Case:
    """Return the case of a campaign with a durable journal."""
    return _bulk(f"BulkSender, journal in SQLite, {lane}", lane, _in_sqlite)


def bulk_with_everything(lane: Lane) -> Case:
    """Return the case of a campaign with a durable journal, all limits, and progress that somebody reads."""
    return _bulk(f"BulkSender, SQLite + progress + all limits, {lane}", lane, _in_sqlite, everything=True)


def _in_sqlite(directory: Path) -> Journal:
    return SQLiteJournal(Path(tempfile.mkdtemp(dir=directory), "campaign.journal"))


def _bulk(name: str, lane: Lane, journal: Callable[[Path], Journal], *, everything: bool = False) -> Case:
    return Case(name=name, open=_campaign(lane, journal, everything), lacking=lambda: lacking(lane))


def _campaign(lane: Lane, journal: Callable[[Path], Journal], everything: bool) -> Open:
    """Return what runs one campaign all the time, and hands it its messages in portions.

    So opening and closing the journal is not measured, as in a long campaign.
    """

    @contextlib.asynccontextmanager
    async def case(place: Place) -> AsyncIterator[Send]:
        portions: asyncio.Queue[int] = asyncio.Queue()
        taken = asyncio.Event()

        async def messages() -> AsyncIterator[SendTemplate]:
            while count := await portions.get():
                for _ in range(count):
                    yield message()
                taken.set()

        limits = _all_limits(place.in_flight) if everything else None
        async with client(place, lane, limits) as sending, asyncio.TaskGroup() as group:
            sender = BulkSender(sending, journal=journal(place.directory), concurrency=place.in_flight)
            running = group.create_task(sender.run(messages()))
            running.add_done_callback(lambda _ended: taken.set())
            showing = group.create_task(_show(sender, sending)) if everything else None
            ordered = 0

            async def send(count: int) -> None:
                nonlocal ordered
                ordered += count
                taken.clear()
                portions.put_nowait(count)
                # Looking costs more, the more are in flight: nobody looks before the last messages are on their way.
                await taken.wait()
                while sender.snapshot().accepted < ordered:
                    if running.done():
                        raise RuntimeError(f"the campaign ended early: {sender.report}")
                    await asyncio.sleep(0.002)

            yield send
            portions.put_nowait(0)
            report = await running
            if showing is not None:
                showing.cancel()
            if report.accepted != ordered:
                raise RuntimeError(f"not all was accepted: {report}")

    return case


def _all_limits(in_flight: int) -> Limits:
    rate = Rate(_UNREACHABLE)
    return Limits(rate=_UNREACHABLE, number=rate, template=rate, concurrency=in_flight)


async def _show(sender: BulkSender, sending: WabotickClient) -> None:
    """Make the line of a progress display again and again, as a terminal gets it."""
    while True:
        state, limiter = sender.snapshot(), sending.limiter
        awaited = limiter.waiting_for() if isinstance(limiter, RateLimiter) else ""
        f"{state.done:,} accepted {state.accepted:,} refused {state.refused:,} waiting {state.waiting:,} ({awaited})"
        await asyncio.sleep(_LOOK)
