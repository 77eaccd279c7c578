"""A campaign against the model of the platform, with everything else as it is in life."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, cast

from tests.simulation.server import Server
from tests.simulation.virtual_loop import VirtualLoop
from wabotick_async import Limits, SendTemplate, SendText, WabotickClient
from wabotick_async.bulk import BulkSender, Journal, MemoryJournal
from wabotick_async.outcomes import BulkReport
from wabotick_async.transport import RateLimiter
from wabotick_async.transport.events import Event, PauseBegan

__all__ = ["NUMBER", "Scene", "message", "messages"]

NUMBER = "100000000000001"
TOKEN = "1|SimuSimuSimuSimuSimuSimuSimuSimuSimuSimu"


class _StandingClock:
    """A journal during whose work the clock stands, for it has a thread of its own."""

    def __init__(self, journal: MemoryJournal, loop: VirtualLoop) -> None:
        self._journal = journal
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._journal, name)
        if not asyncio.iscoroutinefunction(method):
            return method

        async def work(*values: Any, **named: Any) -> Any:
            with self._loop.real_work():
                return await method(*values, **named)

        return work


class Scene:
    """One client, its rate limiter, and a sender."""

    def __init__(self, server: Server, **limits: Any) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        self.server = server
        self.pauses: list[PauseBegan] = []
        bounds = Limits(**{"headroom": 0.0, **limits})  # the ideal is then the rate as it is written
        self.limiter = RateLimiter(limits=bounds, clock=loop.time, wall_clock=loop.time)
        self.client = WabotickClient(
            TOKEN,
            phone_number_id=NUMBER,
            limits=bounds,
            limiter=self.limiter,
            pool=server,
            observers=[self._note],
            clock=loop.time,
            sleep=asyncio.sleep,
        )
        self.sender = BulkSender(
            self.client,
            journal=cast("Journal", _StandingClock(MemoryJournal(clock=loop.time), loop)),
            clock=loop.time,
            monotonic=loop.time,
            sleep=asyncio.sleep,
        )

    async def campaign(self, source: Iterable[SendText | SendTemplate]) -> BulkReport:
        """Send all, and return the report."""
        async with self.client:
            return await self.sender.run(source)

    def _note(self, event: Event) -> None:
        if isinstance(event, PauseBegan):
            self.pauses.append(event)


def message(recipient: int, number: str = NUMBER, text: str = "hello") -> SendText:
    """Return a message to the n-th recipient."""
    return SendText(phone_number=f"9190{recipient:08}", message=text, phone_number_id=number)


def messages(count: int) -> Iterable[SendText]:
    """Return messages to so many recipients."""
    return map(message, range(count))
