"""Places for requests: as many as connections are allowed, first come, first served."""

from __future__ import annotations

import asyncio
from collections import deque

from ...errors import NotSentError

__all__ = ["Places"]


class Places:
    """So many places, which those who found none wait for in a line."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._line: deque[asyncio.Future[None]] = deque()
        self._closed = False

    def take(self) -> bool:
        """Take a place if one is free."""
        if self._free <= 0:
            return False
        self._free -= 1
        return True

    async def wait(self) -> None:
        """Take the next place that becomes free.

        Raises:
            NotSentError: the pool was closed meanwhile.
        """
        mine = asyncio.get_running_loop().create_future()
        self._line.append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():  # it was given away in the same moment
                self.give_back()
            elif mine in self._line:
                self._line.remove(mine)
            raise
        if self._closed:
            raise NotSentError("the client was closed before the request could leave", fatal=True)

    def give_back(self) -> None:
        """Give a place to the first who waits."""
        while self._line:
            first = self._line.popleft()
            if not first.done():
                first.set_result(None)
                return
        self._free += 1

    def close(self) -> None:
        """Send those who wait away."""
        self._closed = True
        while self._line:
            first = self._line.popleft()
            if not first.done():
                first.set_result(None)
