"""One request over the session pool, for those who do not wait for it in a task of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

import aiohttp

from ..config import Timeout
from ..errors import OutcomeUnknownError
from ..wire.http import HTTPAnswer, HTTPRequest

__all__ = ["Ground", "SessionFlight"]


class Ground(Protocol):
    """What a flight needs of the pool that it belongs to."""

    async def carry(self, session: aiohttp.ClientSession, call: HTTPRequest, timeouts: Timeout) -> HTTPAnswer:
        """Send a request that has a place; raises as `Pool.post` does."""
        ...

    def give_place_back(self) -> None:
        """Let another request have the place."""
        ...

    def see_off(self, task: asyncio.Task[HTTPAnswer]) -> None:
        """Take over a task that is called off."""
        ...


class SessionFlight:
    """A request with a place among the connections; see `Flight`. When it leaves, a task of its own carries it.

    Args:
        ground: gave it its place.
        session: of the loop.
        call: the request; nothing happens to it before it leaves.
        timeouts: of the attempt.
    """

    __slots__ = ("_call", "_done", "_ground", "_over", "_session", "_task", "_timeouts")

    def __init__(self, ground: Ground, session: aiohttp.ClientSession, call: HTTPRequest, timeouts: Timeout) -> None:
        self._ground = ground
        self._session = session
        self._call = call
        self._timeouts = timeouts
        self._over = False
        """Whether nobody waits for it any more."""
        self._task: asyncio.Task[HTTPAnswer]
        self._done: Callable[[], object]

    def leave(self, done: Callable[[], object]) -> None:
        """Send it before the loop waits the next time; see `Flight`."""
        self._done = done
        carried = self._ground.carry(self._session, self._call, self._timeouts)
        self._task = asyncio.get_running_loop().create_task(carried)
        self._task.add_done_callback(self._ended)

    def call_off(self) -> None:
        """Leave the place to another; see `Flight`."""
        self._ground.give_place_back()

    def abandon(self) -> None:
        """Call off the task, which closes the connection under it; see `Flight`."""
        self._over = True
        self._ground.see_off(self._task)
        self._task.cancel()

    def answer(self) -> HTTPAnswer:
        """Return what was answered; see `Flight`."""
        self._ground.give_place_back()
        if self._task.cancelled():  # by whoever ends all tasks of the loop
            raise OutcomeUnknownError("the request was called off on its way")
        return self._task.result()

    def _ended(self, task: asyncio.Task[HTTPAnswer]) -> None:
        done = self._done
        del self._done  # it may lead back to this flight: the two would wait for the garbage collector
        if not self._over:
            done()
            return
        self._ground.give_place_back()  # only now is the connection closed
        if not task.cancelled():
            task.exception()  # nobody else asks for it
