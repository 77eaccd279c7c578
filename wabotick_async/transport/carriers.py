"""Tasks that carry one request after another: a task for each would cost about as much as making its message."""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

from ..wire.http import HTTPAnswer

__all__ = ["Carrier", "Carriers", "Load"]

_SWEEP: Final = 1.0
"""Seconds after which those end that had nothing to do in all this time."""


class Load(Protocol):
    """What is carried."""

    async def carry(self) -> HTTPAnswer:
        """Go all the way."""
        ...

    def ended(self, what: HTTPAnswer | Exception | None) -> None:
        """Be told once how it ended; None where the way was called off. Raises nothing."""
        ...


class Carrier:
    """One task, with what it carries.

    Args:
        carriers: where it rests.
        load: what it carries first.
    """

    __slots__ = ("_carriers", "_load", "_task", "_woken")

    def __init__(self, carriers: Carriers, load: Load) -> None:
        self._carriers = carriers
        self._load: Load | None = load
        self._woken: asyncio.Future[None]
        self._task = asyncio.get_running_loop().create_task(self._work())
        # Also where the task never begins, as it was cancelled at once.
        self._task.add_done_callback(self._gone)

    def wake(self, load: Load | None) -> bool:
        """Go on with another load, or without one end; False where somebody has cancelled the task meanwhile."""
        if self._woken.done():
            return False
        self._load = load
        self._woken.set_result(None)
        return True

    def call_off(self, load: Load) -> asyncio.Task[None] | None:
        """Break off the way of a load, and return the task that ends for it; None where it has ended already."""
        if self._load is not load:
            return None
        self._task.cancel()
        return self._task

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while (load := self._load) is not None:
            try:
                what: HTTPAnswer | Exception = await load.carry()
            except Exception as error:  # noqa: BLE001 - whoever waits for it gets it
                what = error
            self._load = None
            load.ended(what)
            del load, what  # nothing is to live on while this waits
            self._woken = loop.create_future()
            if self._carriers.rest(self):
                await self._woken

    def _gone(self, task: asyncio.Task[None]) -> None:
        self._carriers.forget(self)
        load, self._load = self._load, None
        if load is not None:
            load.ended(None)


class Carriers:
    """Carriers of one event loop. The last to rest is the first to go on, so those that are not needed end.

    Args:
        loop: of the carriers.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._resting: list[Carrier] = []
        self._least = 0
        """How many have rested all the time since the last sweep."""
        self._timer: asyncio.TimerHandle | None = None
        self._leaving: set[asyncio.Task[None]] = set()
        self._closed = False

    def __len__(self) -> int:
        return len(self._resting)

    def carry(self, load: Load) -> Carrier:
        """Begin to carry before the loop waits the next time."""
        resting = self._resting
        while resting:
            carrier = resting.pop()
            self._least = min(self._least, len(resting))
            if carrier.wake(load):
                return carrier
        return Carrier(self, load)

    def call_off(self, carrier: Carrier, load: Load) -> bool:
        """Break off the way of a load, which is told when that is done; False where it has ended already."""
        task = carrier.call_off(load)
        if task is None:
            return False
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)
        return True

    def rest(self, carrier: Carrier) -> bool:
        """Let one rest that has nothing to do; False where it is to end."""
        if self._closed:
            return False
        self._resting.append(carrier)
        if self._timer is None:
            self._least = 0
            self._timer = self._loop.call_later(_SWEEP, self._sweep)
        return True

    def forget(self, carrier: Carrier) -> None:
        """Count no more on one that has ended."""
        if carrier in self._resting:
            self._resting.remove(carrier)

    async def close(self) -> None:
        """End all that rest, and wait for those that were called off."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        self._dismiss(len(self._resting))
        if self._leaving:
            await asyncio.wait(self._leaving)

    def _dismiss(self, count: int) -> None:
        dismissed, self._resting = self._resting[:count], self._resting[count:]
        for carrier in dismissed:
            carrier.wake(None)

    def _sweep(self) -> None:
        self._dismiss(self._least)
        self._least = len(self._resting)
        self._timer = self._loop.call_later(_SWEEP, self._sweep) if self._resting else None
