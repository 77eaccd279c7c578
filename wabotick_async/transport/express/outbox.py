"""Requests that leave together."""

from __future__ import annotations

import asyncio
from typing import Protocol

__all__ = ["Leaving", "Outbox"]


class Leaving(Protocol):
    """What has something to write."""

    def write(self) -> None:
        """Write it; raises nothing."""
        ...


class Outbox:
    """Writes what one turn of the loop has brought together, at its end.

    Writing is the dearest step of a request, most of all where it wakes a server that sleeps. Of requests that leave
    one after the other without anything between, only the first pays for that.
    """

    __slots__ = ("_loop", "_waiting")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: list[Leaving] = []

    def put(self, one: Leaving) -> None:
        """Let somebody write before the loop waits the next time."""
        if not self._waiting:
            self._loop.call_soon(self._send)
        self._waiting.append(one)

    def _send(self) -> None:
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.write()
