"""One request over the session pool, for those who do not wait for it in a task of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import aiohttp

from ..config import Timeout
from ..errors import OutcomeUnknownError
from ..wire.http import HTTPAnswer, HTTPRequest
from .carriers import Carrier, Carriers

__all__ = ["Ground", "SessionFlight"]


class Ground(Protocol):
    """What a flight needs of the pool that it belongs to."""

    carriers: Carriers

    async def carry(self, session: aiohttp.ClientSession, call: HTTPRequest, timeouts: Timeout) -> HTTPAnswer:
        """Send a request that has a place; raises as `Pool.post` does."""
        ...

    def give_place_back(self) -> None:
        """Let another request have the place."""
        ...


class SessionFlight:
    """A request with a place among the connections; see `Flight`. When it leaves, a task carries it.

    Args:
        ground: gave it its place.
        session: of the loop.
        call: the request; nothing happens to it before it leaves.
        timeouts: of the attempt.
    """

    __slots__ = ("_call", "_carrier", "_done", "_ground", "_over", "_session", "_timeouts", "_what")

    def __init__(self, ground: Ground, session: aiohttp.ClientSession, call: HTTPRequest, timeouts: Timeout) -> None:
        self._ground = ground
        self._session = session
        self._call = call
        self._timeouts = timeouts
        self._over = False
        """Whether nobody waits for it any more."""
        self._carrier: Carrier | None = None
        self._done: Callable[[], object]
        self._what: HTTPAnswer | Exception | None
        """What became of it; None where it was called off."""

    def leave(self, done: Callable[[], object]) -> None:
        """Send it before the loop waits the next time; see `Flight`."""
        self._done = done
        self._carrier = self._ground.carriers.carry(self)

    def call_off(self) -> None:
        """Leave the place to another; see `Flight`."""
        self._ground.give_place_back()

    def abandon(self) -> None:
        """Break off its way, which closes the connection under it; see `Flight`."""
        self._over = True
        if self._carrier is None or not self._ground.carriers.call_off(self._carrier, self):
            self._ground.give_place_back()

    def answer(self) -> HTTPAnswer:
        """Return what was answered; see `Flight`."""
        self._ground.give_place_back()
        if isinstance(self._what, HTTPAnswer):
            return self._what
        # None: by whoever ends all tasks of the loop.
        raise self._what or OutcomeUnknownError("the request was called off on its way")

    async def carry(self) -> HTTPAnswer:
        """Send it; see `Load`."""
        return await self._ground.carry(self._session, self._call, self._timeouts)

    def ended(self, what: HTTPAnswer | Exception | None) -> None:
        """Be told how it ended; see `Load`."""
        self._what = what
        done, self._carrier = self._done, None
        del self._done  # it may lead back to this flight: the two would wait for the garbage collector
        if self._over:
            self._ground.give_place_back()  # only now is the connection closed
        else:
            done()
