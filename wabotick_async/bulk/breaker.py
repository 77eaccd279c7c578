"""A breaker: while nothing gets through, one probe at a time goes, and everything else waits."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final

import anyio

from ..errors import NotDueError
from ..outcomes import Outcome
from .delivery import Delivered

__all__ = ["Breaker"]

_SHARE: Final = 0.05
_SHORTEST: Final = 2.0
"""Free probes come after that share of the outage so far, and no sooner than so many seconds: its end is seen within
that share of it. An outage of two minutes costs about 85 of them, one of ten minutes 140."""


class Breaker:
    """Hold back sends after failures in a row, so that an outage costs a few probes and not a campaign.

    A probe of which nothing left costs nothing, so these follow the outage closely. One that ended unknown costs a
    person's time: these are rare, each twice as long after the last.

    Whoever asked for a permit tells how it went in the same task.

    Args:
        threshold: failures in a row that open it.
        base: seconds before the first probe after one that ended unknown; doubled for each further one.
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
        self._unknown = 0
        self._changed = anyio.Event()

    @property
    def open_for(self) -> float:
        """Return the seconds since it opened, 0 while it is closed."""
        return 0.0 if self._opened_at is None else self._clock() - self._opened_at

    @property
    def is_closed(self) -> bool:
        """Tell whether everybody may try."""
        return self._opened_at is None

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

    def heed(self, delivered: Delivered) -> None:
        """Note what became of a message: whether the platform answered."""
        error = delivered.error
        fate = delivered.outcome if error is None else error.outcome
        if fate is Outcome.ACCEPTED or fate is Outcome.REFUSED:
            self.succeeded()
        elif error is None or isinstance(error, NotDueError):
            self.spared()
        else:
            self.failed(unknown=fate is Outcome.UNKNOWN)

    def succeeded(self) -> None:
        """Note that the platform answered."""
        self._failures = 0
        if self._opened_at is not None:
            self._opened_at = None
            self._release()

    def failed(self, *, unknown: bool) -> None:
        """Note that nothing came through.

        Args:
            unknown: whether the message may have arrived all the same.
        """
        self._failures += 1
        if self._failures < self._threshold:
            return
        if self._opened_at is None:
            self._opened_at = self._clock()
            self._unknown = 0
            self._schedule(unknown=unknown)
        elif self._is_probe():  # others that fail were permitted before it opened
            self._unknown += unknown
            self._schedule(unknown=unknown)
            self._release()

    def spared(self) -> None:
        """Note that a permitted message did not try after all."""
        if self._is_probe():
            self._release()

    def _is_probe(self) -> bool:
        """Tell whether the task that runs now is the probe. A message that flies has no task, and is none."""
        return self._prober is not None and self._prober is asyncio.current_task()

    def _schedule(self, *, unknown: bool) -> None:
        costly = self._base * 2.0 ** min(self._unknown, 20)
        wait = costly if unknown else max(_SHORTEST, self.open_for * _SHARE)
        self._probe_at = self._clock() + min(self._cap, wait) * (0.5 + self._jitter() / 2)

    def _release(self) -> None:
        self._prober = None
        self._changed.set()
        self._changed = anyio.Event()
