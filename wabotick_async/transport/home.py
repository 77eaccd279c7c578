"""Where a pool belongs: the process and the event loop of its first request."""

from __future__ import annotations

import asyncio
import os
from typing import Final

from ..errors import ConfigurationError

__all__ = ["PROCESS", "Home"]


class _Process:
    """Tells a process from those that were forked from it, without asking the system each time."""

    def __init__(self) -> None:
        self.id = os.getpid()
        if hasattr(os, "register_at_fork"):  # where there is no fork, the number never changes
            os.register_at_fork(after_in_child=self.look)

    def look(self) -> None:
        """Ask the system."""
        self.id = os.getpid()


PROCESS: Final = _Process()


class Home:
    """Remembers the process and the event loop of the first request, which connections cannot leave."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process = 0

    def __bool__(self) -> bool:
        return self._loop is not None

    @property
    def is_here(self) -> bool:
        """Tell whether there was a first request, in this process and in the loop that runs now."""
        return self._loop is asyncio.get_running_loop() and self._process == PROCESS.id

    def enter(self) -> asyncio.AbstractEventLoop:
        """Return the loop.

        Raises:
            ConfigurationError: this is another process or loop than the first time.
        """
        loop, process = asyncio.get_running_loop(), PROCESS.id
        if self._loop is None:
            self._loop, self._process = loop, process
        if self._process != process:
            raise ConfigurationError("the client was opened before a fork; open one in each process")
        if self._loop is not loop:
            raise ConfigurationError("the client was opened in another event loop; open one in each loop")
        return loop
