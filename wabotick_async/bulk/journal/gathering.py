"""When a commit begins: at once for those whom nobody can join, a little later where many are in flight.

A commit costs about as much processor time as ten rows, however many rows it has. So a batch waits for company: as long
as each turn of the event loop brings more, until half of what is in flight takes part; when the loop has nothing else
to do, until an eighth does, or for a moment at the longest. What is waited for is a part of the time that a message is
under way, so the waiting is a small part of it, too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, Protocol, TypeVar

__all__ = ["Gathering", "Timer"]

T = TypeVar("T")

_LONGEST: Final = 0.005
"""Seconds that a batch waits for company at most."""
_BUSY_SHARE: Final = 2
"""Of what is in flight, one in so many makes a batch while the loop is busy."""
_IDLE_SHARE: Final = 8
"""The same for a loop that has nothing else to do."""


class Timer(Protocol):
    """What `later` returns."""

    def cancel(self) -> None:
        """Let the time pass unnoticed."""
        ...


class Gathering(Generic[T]):
    """Gather what is to be committed together, and say when.

    Args:
        leave: takes a batch that is complete; `back` is called when it is done.
        in_flight: how many messages are on their way, whose results may join.
        soon: calls a function when everybody who is ready in this turn of the loop had his turn.
        later: calls a function after some seconds.
    """

    def __init__(
        self,
        leave: Callable[[list[T]], None],
        *,
        in_flight: Callable[[], int],
        soon: Callable[[Callable[[], None]], object],
        later: Callable[[float, Callable[[], None]], Timer],
    ) -> None:
        self._leave = leave
        self._in_flight = in_flight
        self._soon = soon
        self._later = later
        self._gathered: list[T] = []
        self._seen = 0
        """How many were gathered a turn ago."""
        self._few = 0
        """How many end the wait for the timer."""
        self._timer: Timer | None = None
        self._idle = True
        """Whether nothing is gathered and no batch is away."""

    def add(self, *more: T) -> None:
        """Have these take part in the next batch."""
        gathered = self._gathered
        gathered += more
        if self._idle:
            self._idle = False
            self._soon(self._look)
        elif self._timer is not None and len(gathered) >= self._few:
            self._timer.cancel()
            self._timer = None
            self._soon(self._go)

    def back(self) -> None:
        """Go on after a batch."""
        self._seen = 0
        self._idle = not self._gathered
        if not self._idle:
            self._soon(self._look)

    def take(self) -> list[T]:
        """Return what is gathered so far, for a batch at once."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        batch, self._gathered = self._gathered, []
        return batch

    def _look(self) -> None:
        gathered, in_flight = len(self._gathered), self._in_flight()
        if not gathered or gathered >= in_flight // _BUSY_SHARE:
            self._go()
        elif gathered > self._seen:
            self._seen = gathered
            self._soon(self._look)
        elif gathered >= in_flight // _IDLE_SHARE:
            self._go()
        else:
            self._few = in_flight // _IDLE_SHARE
            self._timer = self._later(_LONGEST, self._go)

    def _go(self) -> None:
        batch = self.take()
        if batch:
            self._leave(batch)
        else:
            self.back()
