"""The cases: the same message, sent in four ways. Each does a given number of sends and waits for their ends."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import aiohttp

from wabotick_async import BulkSender, Journal, Limits, MemoryJournal, SendTemplate, SQLiteJournal, WabotickClient
from wabotick_async.endpoints import registry

TOKEN, NUMBER, TEMPLATE = "1|" + "a" * 40, "100000000000001", "101"
# Never reached, so the limiter works, and never makes anybody wait.
UNREACHABLE = 1e6

Send = Callable[[int], Awaitable[None]]
Case = Callable[[str, int], AbstractAsyncContextManager[Send]]
"""From the server's address and the number of sends in flight to what does a number of sends."""

_phone_numbers = itertools.count(919_000_000_000)


@contextlib.asynccontextmanager
async def naive(base_url: str, in_flight: int) -> AsyncIterator[Send]:
    """Send with a plain aiohttp loop: gather, a semaphore, `data=dict` and `json()`. It checks nothing."""
    url, semaphore = base_url + registry["send_template"].path, asyncio.Semaphore(in_flight)

    async with aiohttp.ClientSession() as session:

        async def one() -> None:
            form = {
                "apiToken": TOKEN,
                "phone_number_id": NUMBER,
                "phone_number": str(next(_phone_numbers)),
                "template_id": TEMPLATE,
                "templateVariable-name-1": "Ada Lovelace",
                "templateVariable-order-code-2": "A-17/2031",
            }
            async with semaphore, session.post(url, data=form) as response:
                await response.json()

        async def send(count: int) -> None:
            await asyncio.gather(*(one() for _ in range(count)))

        yield send


def message() -> SendTemplate:
    """Make the next message."""
    return SendTemplate(
        phone_number=str(next(_phone_numbers)),
        template_id=TEMPLATE,
        variables={"name": "Ada Lovelace", "order-code": "A-17/2031"},
    )


def _client(base_url: str, in_flight: int) -> WabotickClient:
    limits = Limits(rate=UNREACHABLE, concurrency=in_flight)
    return WabotickClient(TOKEN, phone_number_id=NUMBER, base_url=base_url, limits=limits)


@contextlib.asynccontextmanager
async def client_send(base_url: str, in_flight: int) -> AsyncIterator[Send]:
    """Send with `client.send` under the same gather and semaphore."""
    semaphore = asyncio.Semaphore(in_flight)
    async with _client(base_url, in_flight) as client:

        async def one() -> None:
            async with semaphore:
                await client.send(message())

        async def send(count: int) -> None:
            await asyncio.gather(*(one() for _ in range(count)))

        yield send


def bulk(journal: Callable[[], Journal]) -> Case:
    """Return the case of a `BulkSender`: one campaign that runs all the time and gets its messages in portions.

    So opening and closing the journal is not measured, as in a long campaign.
    """

    @contextlib.asynccontextmanager
    async def case(base_url: str, in_flight: int) -> AsyncIterator[Send]:
        portions: asyncio.Queue[int] = asyncio.Queue()

        async def messages() -> AsyncIterator[SendTemplate]:
            while count := await portions.get():
                for _ in range(count):
                    yield message()

        async with _client(base_url, in_flight) as client, asyncio.TaskGroup() as group:
            sender = BulkSender(client, journal=journal())
            running = group.create_task(sender.run(messages()))
            ordered = 0

            async def send(count: int) -> None:
                nonlocal ordered
                ordered += count
                portions.put_nowait(count)
                while sender.snapshot().accepted < ordered:
                    if running.done():
                        raise RuntimeError(f"the campaign ended early: {sender.report}")
                    await asyncio.sleep(0.002)

            yield send
            portions.put_nowait(0)
            report = await running
            if report.accepted != ordered:
                raise RuntimeError(f"not all was accepted: {report}")

    return case


def cases(directory: Path) -> dict[str, Case]:
    """Return the cases by name, the yardstick first."""
    number = itertools.count()
    return {
        "naive aiohttp loop": naive,
        "client.send": client_send,
        "BulkSender, journal in memory": bulk(MemoryJournal),
        "BulkSender, journal in SQLite": bulk(lambda: SQLiteJournal(directory / f"{next(number)}.journal")),
    }
