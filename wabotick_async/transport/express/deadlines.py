"""One timer for all requests in flight. A timer for each would be the dearest part of many a request."""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

__all__ = ["Deadlines", "Expiring"]

_NEVER: Final = float("inf")


class Expiring(Protocol):
    """What can be told that its time is over."""

    def expire(self) -> None:
        """End now."""
        ...


class Deadlines:
    """Tell everybody whose time has come, each at its own time.

    The timer is set for the earliest deadline known. As most requests have the same patience and end long before, it
    rings once in that time, and finds the next one to wait for.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: dict[Expiring, float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._due = _NEVER

    def add(self, one: Expiring, at: float) -> None:
        """Tell it when the loop's clock shows `at`, unless removed before."""
        self._waiting[one] = at
        if at < self._due:
            self._set(at)

    def remove(self, one: Expiring) -> None:
        """Tell it nothing any more."""
        self._waiting.pop(one, None)

    def close(self) -> None:
        """Tell nobody any more."""
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _set(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._due, self._timer = at, self._loop.call_at(at, self._ring)

    def _ring(self) -> None:
        self._due, self._timer = _NEVER, None
        now = self._loop.time()
        for one in [one for one, at in self._waiting.items() if at <= now]:
            del self._waiting[one]
            one.expire()
        if self._waiting:
            self._set(min(self._waiting.values()))
