"""Where a pool belongs: the process and the event loop of its first request."""

from __future__ import annotations

import asyncio
import os

from ..errors import ConfigurationError

__all__ = ["Home"]


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
        return self._loop is asyncio.get_running_loop() and self._process == os.getpid()

    def enter(self) -> asyncio.AbstractEventLoop:
        """Return the loop.

        Raises:
            ConfigurationError: this is another process or loop than the first time.
        """
        loop, process = asyncio.get_running_loop(), os.getpid()
        if self._loop is None:
            self._loop, self._process = loop, process
        if self._process != process:
            raise ConfigurationError("the client was opened before a fork; open one in each process")
        if self._loop is not loop:
            raise ConfigurationError("the client was opened in another event loop; open one in each loop")
        return loop
