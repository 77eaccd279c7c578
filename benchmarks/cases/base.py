"""What a case is, and what all of them send."""

from __future__ import annotations

import asyncio
import itertools
import ssl
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from importlib import util
from pathlib import Path
from typing import Final

import msgspec

__all__ = [
    "NAME",
    "NUMBER",
    "ORDER",
    "TEMPLATE",
    "TEXT",
    "TOKEN",
    "Case",
    "Open",
    "Place",
    "Send",
    "gathered",
    "next_phone_number",
    "shared_by_workers",
]

TOKEN: Final = "1|" + "a" * 40
NUMBER: Final = "100000000000001"
TEMPLATE: Final = "101"
NAME: Final = "Ada Lovelace"
ORDER: Final = "A-17/2031"
TEXT: Final = f"Hello {NAME}, your order {ORDER} is on its way."
"""What those send who know no template."""

Send = Callable[[int], Awaitable[None]]
"""Does so many sends, and comes back when the last one has its answer."""
_phone_numbers = itertools.count(919_000_000_000)


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a case runs."""

    base_url: str
    in_flight: int
    """Sends in flight at most."""
    directory: Path
    """For files."""
    authority: str = ""
    """File of the authority that a server with TLS is trusted for; empty without TLS."""

    @property
    def connections(self) -> int:
        """Return the size of a pool: the usual 100, or else that would be what is measured at 256 in flight."""
        return max(100, self.in_flight)

    def trust(self) -> ssl.SSLContext | None:
        """Return the trust settings of a client; None without TLS."""
        return ssl.create_default_context(cafile=self.authority) if self.authority else None


Open = Callable[[Place], AbstractAsyncContextManager[Send]]


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A way to send."""

    name: str
    open: Open
    needs: str = ""
    """What has to be importable, besides this client."""
    lacking: Callable[[], str] = lambda: ""
    """Says why the installed client cannot do it; empty where it can."""

    def skipped(self) -> str:
        """Return why this case cannot run here; empty where it can."""
        if self.needs and util.find_spec(self.needs) is None:
            return f"{self.needs} is not installed"
        return self.lacking()


def next_phone_number() -> str:
    """Return a recipient who has got nothing before."""
    return str(next(_phone_numbers))


def gathered(one: Callable[[], Awaitable[object]], in_flight: int) -> Send:
    """Return what sends with `gather` under a semaphore, as a first draft does it."""
    semaphore = asyncio.Semaphore(in_flight)

    async def bounded() -> None:
        async with semaphore:
            await one()

    async def send(count: int) -> None:
        await asyncio.gather(*(bounded() for _ in range(count)))

    return send


def shared_by_workers(one: Callable[[], Awaitable[object]], in_flight: int) -> Send:
    """Return what sends with a fixed number of workers that take from one source."""

    async def send(count: int) -> None:
        left = iter(range(count))

        async def work() -> None:
            for _ in left:
                await one()

        async with asyncio.TaskGroup() as group:
            for _ in range(min(in_flight, count)):
                group.create_task(work())

    return send
