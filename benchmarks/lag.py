"""How late an event loop is: a task wants to run every millisecond, and notes by how much it was missed."""

from __future__ import annotations

import asyncio
import time
from array import array
from collections.abc import Callable
from typing import Final

import msgspec

__all__ = ["Lag", "Lateness"]

_TICK: Final = 0.001
_STEP: Final = 0.0001
_STEPS: Final = 50_000


class Lateness(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds."""

    p50: float
    p99: float
    most: float


class Lag:
    """Counts lateness in steps of 0.1 ms: its memory is the same however long it runs.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._counts = array("L", bytes(array("L").itemsize * _STEPS))
        self._most = 0.0

    async def watch(self) -> None:
        """Tick until cancelled."""
        while True:
            due = self._clock() + _TICK
            await asyncio.sleep(_TICK)
            self.note(self._clock() - due)

    def note(self, seconds: float) -> None:
        """Note one tick that came so late."""
        late = max(0.0, seconds)
        self._counts[min(_STEPS - 1, int(late / _STEP))] += 1
        self._most = max(self._most, late)

    def lateness(self) -> Lateness:
        """Return what was noted; a share of ticks is rounded up to the next step, but never above the most."""
        return Lateness(p50=self._share(0.5), p99=self._share(0.99), most=self._most)

    def _share(self, share: float) -> float:
        wanted, seen = share * sum(self._counts), 0
        for step, count in enumerate(self._counts):
            seen += count
            if count and seen >= wanted:
                return min(self._most, (step + 1) * _STEP)
        return 0.0
