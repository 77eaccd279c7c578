"""So many places; those who find none wait in a line."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

__all__ = ["Places"]


class Places:
    """Places for requests or rows, first come, first served.

    Args:
        free: how many there are.
        freed: called when one is free that nobody waits for.
    """

    def __init__(self, free: int, freed: Callable[[], object] | None = None) -> None:
        self._free = free
        self._freed = freed
        self._line: deque[asyncio.Future[None]] = deque()

    @property
    def free(self) -> int:
        """Return how many are free; below 0 where more were taken than there are."""
        return self._free

    def take(self) -> bool:
        """Take a place if one is free."""
        if self._free <= 0:
            return False
        self._free -= 1
        return True

    def take_anyway(self, count: int) -> None:
        """Take places, even where there are none: then more have to be given back before the next is free."""
        self._free -= count

    async def wait(self) -> None:
        """Take the next place that becomes free; raises what `close` was given."""
        mine = asyncio.get_running_loop().create_future()
        self._line.append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled() and mine.exception() is None:  # given away in the same moment
                self.give_back()
            elif mine in self._line:
                self._line.remove(mine)
            raise

    def give_back(self, count: int = 1) -> None:
        """Give places to the first who wait."""
        self._free += count
        while self._line and self._free > 0:
            first = self._line.popleft()
            if not first.done():
                self._free -= 1
                first.set_result(None)
        if self._freed is not None and self._free > 0:
            self._freed()

    def close(self, error: Callable[[], Exception]) -> None:
        """Send those who wait away, each with an error of its own."""
        while self._line:
            first = self._line.popleft()
            if not first.done():
                first.set_exception(error())
