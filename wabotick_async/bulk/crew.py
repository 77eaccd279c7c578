"""Who sees to it that messages fly: what `Flights` asks of a campaign, and of a message."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from ..endpoints import Request
from .delivery import Delivered, Job

__all__ = ["Crew", "Ready"]


class Ready(Protocol):
    """A message that may leave at once; see `transport.Prepared`."""

    def leave(self, done: Callable[[Any], object]) -> None:
        """Send it; `done` is called once, with this object, when `result` can be asked."""
        ...

    def call_off(self) -> None:
        """Send nothing."""
        ...

    def abandon(self) -> None:
        """Give up what has left."""
        ...

    def result(self) -> Any:
        """Return the receipt, or raise WabotickError."""
        ...


class Crew(Protocol):
    """What a campaign does for its flights. All of it happens at once; nothing waits."""

    @property
    def room(self) -> int:
        """How many messages of the source may be opened now; `Flights.go_on` is called when there are more."""
        ...

    @property
    def is_full(self) -> bool:
        """Whether nothing may leave before something that is in flight ends."""
        ...

    def board(self, requests: Sequence[Request[Any]], *, fresh: bool) -> Sequence[Ready]:
        """Return messages that may leave, up to the first that has to take the long way.

        Args:
            requests: what is to leave, in this order.
            fresh: whether the journal does not have them yet.
        """
        ...

    def take_the_long_way(self, job: Job) -> None:
        """Hand a message to a worker; its slot is given back by `Flights.give_back`."""
        ...

    def boarded(self, job: Job) -> None:
        """Note that a queued message is about to be claimed."""
        ...

    def opened(self, jobs: Sequence[Job]) -> None:
        """Note that messages of the source leave, of which nobody else knows."""
        ...

    def heed(self, job: Job, delivered: Delivered) -> None:
        """Draw the conclusions from what became of a message, before another one leaves."""
        ...

    def landed(self, landed: Sequence[tuple[Job, Delivered]]) -> None:
        """Note what became of messages; the journal has it, and those that were not sent are queued."""
        ...

    def failed(self, error: BaseException) -> None:
        """End the run."""
        ...
