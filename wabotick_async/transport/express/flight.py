"""One request on one connection of the express lane, for those who do not wait for it in a task."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from ...errors import NotSentError
from ...wire.http import HTTPAnswer, HTTPRequest
from ..guard import StaleConnectionError
from .connection import STALE, ExpressConnection
from .deadlines import Deadlines
from .idle import IdleConnections

__all__ = ["ExpressFlight", "Ground"]


class Ground(Protocol):
    """What a flight needs of the pool that it belongs to."""

    deadlines: Deadlines

    def settle(self, call: HTTPRequest, idle: IdleConnections, on: ExpressConnection, answer: HTTPAnswer) -> HTTPAnswer:
        """Return an answer, or say why it is none; keep or close its connection."""
        ...

    def give_place_back(self) -> None:
        """Let another request have the place."""
        ...


class ExpressFlight:
    """A request with a place and a kept connection; see `Flight`.

    Args:
        ground: gave it its place.
        connection: its own.
        call: the request.
        head: of the request.
        idle: gave it its connection.
        total: seconds for the attempt.
    """

    __slots__ = ("_call", "_connection", "_done", "_ground", "_head", "_idle", "_over", "_total", "_until", "_waiter")

    def __init__(
        self,
        ground: Ground,
        connection: ExpressConnection,
        call: HTTPRequest,
        *,
        head: bytes,
        idle: IdleConnections,
        total: float,
    ) -> None:
        self._ground = ground
        self._head = head
        self._idle = idle
        self._connection = connection
        self._call = call
        self._total = total
        self._over = False
        """Whether nobody waits for it any more."""
        self._until: float
        self._waiter: asyncio.Future[HTTPAnswer]
        self._done: Callable[[], object]

    def leave(self, done: Callable[[], object]) -> None:
        """Write the request before the loop waits the next time; see `Flight`."""
        self._done = done
        self._until = self._idle.now() + self._total
        self._ask()

    def call_off(self) -> None:
        """Keep the connection for another; see `Flight`."""
        self._idle.put_back(self._connection)
        self._ground.give_place_back()

    def abandon(self) -> None:
        """Close the connection; see `Flight`."""
        self._over = True
        self._ground.deadlines.remove(self._connection)
        self._waiter.cancel()
        self._connection.abort()
        self._ground.give_place_back()

    def answer(self) -> HTTPAnswer:
        """Return what was answered; see `Flight`."""
        try:
            answer = self._waiter.result()
        except StaleConnectionError:  # and no other was left
            raise NotSentError(f"nothing was sent: {STALE}") from None
        except BaseException:
            self._connection.abort()
            raise
        else:
            return self._ground.settle(self._call, self._idle, self._connection, answer)
        finally:
            self._ground.give_place_back()

    def _ask(self) -> None:
        self._waiter = self._connection.ask(self._head, self._call)
        self._ground.deadlines.add(self._connection, self._until)
        self._waiter.add_done_callback(self._answered)

    def _answered(self, waiter: asyncio.Future[HTTPAnswer]) -> None:
        stale = not waiter.cancelled() and isinstance(waiter.exception(), StaleConnectionError)
        if self._over:
            return
        self._ground.deadlines.remove(self._connection)
        if stale:
            other = self._idle.take(self._idle.now())
            if other is not None:
                self._connection = other
                self._ask()
                return
        self._done()
