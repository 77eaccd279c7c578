"""How long an event loop stood still: on a shared machine that, not the limiter, is what makes seconds uneven."""

from __future__ import annotations

import asyncio
import time
from typing import Final

_LOOK: Final = 0.005


class Stall:
    """The longest time by which the running loop was late."""

    def __init__(self) -> None:
        self._longest = 0.0
        self._before = time.monotonic()
        self._look()

    def take(self) -> float:
        """Return the seconds, and begin anew."""
        longest, self._longest = self._longest, 0.0
        return longest

    def stop(self) -> None:
        """Look no more."""
        self._timer.cancel()

    def _look(self) -> None:
        now = time.monotonic()
        self._longest = max(self._longest, now - self._before - _LOOK)
        self._before = now
        self._timer = asyncio.get_running_loop().call_later(_LOOK, self._look)
