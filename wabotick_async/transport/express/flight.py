"""One request on one connection of the express lane, for those who do not wait for it in a task."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from ...config import Timeout
from ...errors import NotSentError
from ...wire.http import HTTPAnswer, HTTPRequest
from ..guard import StaleConnectionError
from ..places import Places
from .connection import STALE, ExpressConnection
from .deadlines import Deadlines
from .idle import IdleConnections
from .route import Route

__all__ = ["ExpressFlight", "Ground"]


class Ground(Protocol):
    """What a flight needs of the pool that it belongs to."""

    deadlines: Deadlines
    places: Places

    async def connect(self, route: Route, began: float, timeouts: Timeout) -> ExpressConnection:
        """Open a connection.

        Raises:
            NotSentError: there is none.
        """
        ...

    def settle(self, call: HTTPRequest, idle: IdleConnections, on: ExpressConnection, answer: HTTPAnswer) -> HTTPAnswer:
        """Return an answer, or say why it is none; keep or close its connection."""
        ...


class ExpressFlight:
    """A request with a place, and a kept connection or the right to open one; see `Flight`.

    Args:
        ground: gave it its place.
        connection: its own, or None to open one as it leaves.
        call: the request.
        route: of the request.
        idle: gave it its connection, and gets it back.
        timeouts: of the attempt.
    """

    __slots__ = (
        "_call",
        "_connection",
        "_done",
        "_ground",
        "_idle",
        "_opening",
        "_route",
        "_timeouts",
        "_until",
        "_what",
    )

    def __init__(
        self,
        ground: Ground,
        connection: ExpressConnection | None,
        call: HTTPRequest,
        *,
        route: Route,
        idle: IdleConnections,
        timeouts: Timeout,
    ) -> None:
        self._ground = ground
        self._connection = connection
        self._call = call
        self._route = route
        self._idle = idle
        self._timeouts = timeouts
        self._opening: asyncio.Task[None] | None = None
        self._until: float
        self._what: HTTPAnswer | Exception
        """What became of it."""
        self._done: Callable[[], object]

    def leave(self, done: Callable[[], object]) -> None:
        """Write the request before the loop waits the next time, or as soon as it is connected; see `Flight`."""
        self._done = done
        now = self._idle.now()
        self._until = now + self._timeouts.total
        if self._connection is not None:
            self._ask(self._connection)
            return
        self._opening = asyncio.get_running_loop().create_task(self._open(now))
        self._opening.add_done_callback(self._opened)

    def call_off(self) -> None:
        """Keep the connection for another; see `Flight`."""
        if self._connection is not None:
            self._idle.put_back(self._connection)
        self._ground.places.give_back()

    def abandon(self) -> None:
        """Close the connection; see `Flight`."""
        self._done = _nothing
        if self._connection is not None:
            self._ground.deadlines.remove(self._connection)
            self._connection.abandon()
        elif self._opening is not None:
            self._opening.cancel()
        self._ground.places.give_back()

    def answer(self) -> HTTPAnswer:
        """Return what was answered; see `Flight`."""
        what, connection = self._what, self._connection
        try:
            if isinstance(what, HTTPAnswer) and connection is not None:
                return self._ground.settle(self._call, self._idle, connection, what)
            if connection is not None:
                connection.abort()
            if isinstance(what, StaleConnectionError) or not isinstance(what, Exception):  # and no other was left
                raise NotSentError(f"nothing was sent: {STALE}")
            raise what
        finally:
            self._ground.places.give_back()

    def _ask(self, connection: ExpressConnection) -> None:
        self._connection = connection
        self._ground.deadlines.add(connection, self._until)
        connection.ask(self._route.head, self._call, self._told)

    async def _open(self, began: float) -> None:
        self._ask(await self._ground.connect(self._route, began, self._timeouts))

    def _opened(self, opening: asyncio.Task[None]) -> None:
        self._opening = None
        if opening.cancelled():  # by `abandon`, or by whoever ends all tasks of the loop
            self._tell(NotSentError("nothing was sent: it was called off before there was a connection"))
        elif isinstance(error := opening.exception(), Exception):
            self._tell(error)

    def _told(self, what: HTTPAnswer | Exception) -> None:
        if self._connection is not None:
            self._ground.deadlines.remove(self._connection)
        if isinstance(what, StaleConnectionError):
            other = self._idle.take(self._idle.now())
            if other is not None:
                self._ask(other)
                return
        self._tell(what)

    def _tell(self, what: HTTPAnswer | Exception) -> None:
        self._what = what
        done = self._done
        del self._done  # it may lead back to this flight: the two would wait for the garbage collector
        done()


def _nothing() -> None:
    """Be told in vain."""
