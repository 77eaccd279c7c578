"""A breaker: while nothing gets through, one probe at a time goes, and everything else waits."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

import anyio

__all__ = ["Breaker"]


class Breaker:
    """Hold back sends after failures in a row, so that an outage costs a few probes and not a campaign.

    Whoever asked for a permit tells how it went in the same task.

    Args:
        threshold: failures in a row that open it.
        base: seconds before the first probe; doubled for each further one.
        cap: seconds between probes at most.
        clock: monotonic seconds.
        sleep: waits some seconds.
        jitter: a random number from 0 to 1.
    """

    def __init__(
        self,
        threshold: int = 10,
        *,
        base: float = 0.5,
        cap: float = 30.0,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._threshold = threshold
        self._base = base
        self._cap = cap
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter
        self._failures = 0
        self._opened_at: float | None = None
        self._probe_at = 0.0
        self._prober: asyncio.Task[object] | None = None
        self._probes = 0
        self._changed = anyio.Event()

    @property
    def open_for(self) -> float:
        """Return the seconds since it opened, 0 while it is closed."""
        return 0.0 if self._opened_at is None else self._clock() - self._opened_at

    async def permit(self) -> None:
        """Wait until a message may try: at once while closed, one probe at a time while open."""
        while self._opened_at is not None:
            if self._prober is not None:
                await self._changed.wait()
                continue
            self._prober = asyncio.current_task()
            try:
                while (wait := self._probe_at - self._clock()) > 0:
                    await self._sleep(wait)
            except BaseException:
                self._release()
                raise
            return

    def succeeded(self) -> None:
        """Note that the platform answered."""
        self._failures = 0
        if self._opened_at is not None:
            self._opened_at = None
            self._release()

    def failed(self) -> None:
        """Note that nothing came through."""
        self._failures += 1
        if self._failures < self._threshold:
            return
        if self._opened_at is None:
            self._opened_at = self._clock()
            self._probes = 0
            self._schedule()
        elif self._prober is asyncio.current_task():  # others that fail were permitted before it opened
            self._probes += 1
            self._schedule()
            self._release()

    def spared(self) -> None:
        """Note that a permitted message did not try after all."""
        if self._prober is not None and self._prober is asyncio.current_task():
            self._release()

    def _schedule(self) -> None:
        backoff = min(self._cap, self._base * 2.0 ** min(self._probes, 20))
        self._probe_at = self._clock() + backoff * (0.5 + self._jitter() / 2)

    def _release(self) -> None:
        self._prober = None
        self._changed.set()
        self._changed = anyio.Event()
