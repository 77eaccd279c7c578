"""Answers that have come together."""

from __future__ import annotations

import asyncio
from typing import Protocol

__all__ = ["Inbox", "Reading"]


class Reading(Protocol):
    """What has something to read."""

    def read(self) -> None:
        """Read what has come; raises nothing."""
        ...


class Inbox:
    """Has everything read that came in one turn of the loop, when all of it is there.

    Between two system calls the processor forgets how the interpreter's code runs, so it is faster to ask the system
    for all of it first, and to read it afterwards.
    """

    __slots__ = ("_loop", "_waiting")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: list[Reading] = []

    def put(self, one: Reading) -> None:
        """Let somebody read in the next turn of the loop, before anything else that comes then."""
        if not self._waiting:
            self._loop.call_soon(self._read)
        self._waiting.append(one)

    def _read(self) -> None:
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.read()
