"""A campaign with its whole surroundings: sandbox, proxy, journal in a file, and seconds that cost nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from tests.faults.proxy import ChaosProxy
from tests.faults.truth import assert_truthful
from wabotick_async import Limits, SendText, Timeout, WabotickClient
from wabotick_async.bulk import BulkSender, SQLiteJournal
from wabotick_async.bulk.journal import Counts
from wabotick_async.errors import CampaignAbortedError
from wabotick_async.outcomes import BulkReport
from wabotick_async.sandbox import Sandbox
from wabotick_async.transport import RateLimiter
from wabotick_async.transport.pace.window import Window

__all__ = ["Clock", "Stage", "messages", "phone", "phones", "until"]

SOON: Final = Timeout(connect=2.0, total=2.0)


class Clock:
    """The time on stage: the event loop's, and seconds since the epoch for those who ask for these."""

    def __init__(self) -> None:
        self.ahead = 0.0
        """Seconds to add; set it to move the clock."""
        self._time = asyncio.get_running_loop().time
        self._began = 1_800_000_000.0 - self._time()

    def __call__(self) -> float:
        return self._began + self._time() + self.ahead


class WideOpen(Window):
    """All places in flight are open from the start, so that a fault meets as many requests as its test says."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self._size = float(most)

    def release(self, now: float, elapsed: float, *, answered: bool, refused: bool = False) -> None:
        self.give_back()


class Stage:
    """Runs campaigns through the proxy, and judges them."""

    def __init__(self, sandbox: Sandbox, proxy: ChaosProxy, path: Path, clock: Clock) -> None:
        self.sandbox = sandbox
        self.proxy = proxy
        self.path = path
        self.clock = clock
        self.failure: CampaignAbortedError | None = None
        """Why the last run stopped itself, where it did."""
        self.sender: BulkSender

    @asynccontextmanager
    async def client(
        self,
        *,
        url: str | None = None,
        rate: float = 1e6,
        burst: int = 1000,
        concurrency: int = 8,
        keep_alive: bool = True,
        timeout: Timeout = SOON,  # noqa: ASYNC109 - the client's setting, not a timeout of this function
        **settings: Any,
    ) -> AsyncIterator[WabotickClient]:
        """Open a client that goes through the proxy, or to another address."""
        limits = Limits(rate=rate, burst=burst, concurrency=concurrency, keep_alive=keep_alive)
        limiter = RateLimiter(rate, burst, clock=self.clock, wall_clock=self.clock)
        limiter._window = WideOpen(concurrency)
        client = WabotickClient(
            self.sandbox.token,
            base_url=url or self.proxy.url,
            phone_number_id=self.sandbox.phone_number_id,
            limits=limits,
            limiter=limiter,
            timeout=timeout,
            clock=self.clock,
            **settings,
        )
        async with client:
            yield client

    def open_sender(self, client: WabotickClient, **settings: Any) -> BulkSender:
        """Make a sender that stops for no reason but those that a test sets."""
        defaults: dict[str, Any] = {"max_unknown": 1_000_000, "patience": 1e9, "clock": self.clock}
        self.sender = BulkSender(
            client,
            journal=SQLiteJournal(self.path, clock=self.clock),
            monotonic=self.clock,
            **{**defaults, **settings},
        )
        return self.sender

    async def run(self, source: Any, *, client: dict[str, Any] | None = None, **settings: Any) -> BulkReport:
        """Run a campaign and return its report, also where it stopped itself."""
        self.failure = None
        async with self.client(**(client or {})) as opened:
            try:
                return await self.open_sender(opened, **settings).run(source)
            except CampaignAbortedError as error:
                self.failure = error
                return error.report or BulkReport()

    async def judge(self, rows: Iterable[str]) -> Counts:
        """Wait for the server to come to rest, then hold the journal against its ledger."""
        await until(lambda: self.sandbox.requests.open == 0)
        return assert_truthful(self.sandbox.ledger, self.path, rows)

    @property
    def delivered(self) -> int:
        """Return how many messages the server accepted."""
        return len(self.sandbox.ledger)


def phone(number: int) -> str:
    return f"9190000{number:05}"


def phones(count: int) -> list[str]:
    return [phone(number) for number in range(1, count + 1)]


def messages(count: int, start: int = 1) -> Iterator[SendText]:
    for number in range(start, start + count):
        yield SendText(phone_number=phone(number), message="hello")


async def until(condition: Callable[[], object]) -> None:
    """Let everybody work until something is true."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - any condition, so nobody can set an event
            await asyncio.sleep(0.001)
