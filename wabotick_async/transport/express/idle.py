"""Connections that wait for their next request."""

from __future__ import annotations

import asyncio
import re
from typing import Final

from .connection import ExpressConnection

__all__ = ["KEEP", "IdleConnections"]

# Below the usual server's 15 s and more, so that we are the ones who close an idle connection.
KEEP: Final = 10.0
_SERVER_KEEPS: Final = re.compile(r"timeout\s*=\s*(\d{1,6})", re.ASCII | re.IGNORECASE)


class IdleConnections:
    """Idle connections to one server. The last to come is the first to go: it is the least likely to be stale."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._kept: list[tuple[ExpressConnection, float]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def __len__(self) -> int:
        return len(self._kept)

    def now(self) -> float:
        """Return the loop's clock."""
        return self._loop.time()

    def put(self, connection: ExpressConnection, keep_alive: str | None) -> None:
        """Keep a connection for some seconds, and for fewer where the server says so ("Keep-Alive: timeout=5")."""
        keep = KEEP
        if keep_alive is not None and (said := _SERVER_KEEPS.search(keep_alive)):
            keep = min(keep, int(said[1]) - 1.0)
            if keep <= 0:
                return connection.abort()
        connection.kept_until = self._loop.time() + keep
        return self.put_back(connection)

    def put_back(self, connection: ExpressConnection) -> None:
        """Keep a connection that was taken and not used, for no longer than before."""
        if self._closed:
            return connection.abort()
        self._kept.append((connection, connection.kept_until))
        if self._timer is None:
            self._timer = self._loop.call_later(KEEP, self._sweep)
        return None

    def take(self, now: float) -> ExpressConnection | None:
        """Return the freshest connection that is still to be kept, by the loop's clock; close those found otherwise.

        Whether it is silent is asked when it writes.
        """
        kept = self._kept
        while kept:
            connection, until = kept.pop()
            if until > now and not (connection.spoke or connection.ended):
                return connection
            connection.abort()
        return None

    def drop_oldest(self) -> bool:
        """Close the open connection that has waited longest; tell whether there was one."""
        while self._kept:
            oldest = self._kept.pop(0)[0]
            if not oldest.is_closing:
                oldest.abort()
                return True
        return False

    def close(self) -> None:
        """Close all, and what is put here from now on."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        while self._kept:
            self._kept.pop()[0].abort()

    def _sweep(self) -> None:
        now = self._loop.time()
        for connection, until in self._kept:
            if until <= now or connection.is_closing:
                connection.abort()
        self._kept = [one for one in self._kept if one[1] > now and not one[0].is_closing]
        self._timer = self._loop.call_later(KEEP / 4, self._sweep) if self._kept else None
