"""Bounds on many requests under way with one timer, where a timer a request would cost a tenth of it."""

from __future__ import annotations

import asyncio

from .guard import SentMark

__all__ = ["Watchdog"]


class Watchdog:
    """Cuts the connections of requests that take too long. It bounds what comes after the connection was found."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._watched: dict[SentMark, float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0

    def watch(self, mark: SentMark, seconds: float) -> None:
        """Cut the connection of an attempt after some seconds, unless it is let go before."""
        end = self._watched[mark] = self._loop.time() + seconds
        if self._timer is None or end < self._timer_at:
            self._arm(end)

    def let_go(self, mark: SentMark) -> None:
        """Forget an attempt that ended."""
        del self._watched[mark]

    def close(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, end: float) -> None:
        self.close()
        self._timer, self._timer_at = self._loop.call_at(end, self._look), end

    def _look(self) -> None:
        self._timer = None
        now = self._loop.time()
        for mark, end in self._watched.items():
            if end <= now and not mark.overdue:
                mark.overdue = True
                if mark.transport is not None:
                    mark.transport.abort()
        later = [end for mark, end in self._watched.items() if not mark.overdue]
        if later:
            self._arm(min(later))
