"""What observers are told: frozen events, never control."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

import msgspec

from ..outcomes import Outcome

__all__ = ["AttemptFinished", "Event", "Observer", "Observers", "PauseBegan", "RetryPlanned"]

_log = logging.getLogger("wabotick_async.transport")


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Base of the events."""

    endpoint: str
    """Name of the endpoint that was called."""


class AttemptFinished(Event, frozen=True, kw_only=True):
    """One try of a call ended."""

    attempt: int
    """Number of the try, from 1."""
    outcome: Outcome
    status: int | None
    """HTTP status, or None where no answer came."""
    waited: float
    """Seconds spent waiting for the rate limiter."""
    elapsed: float
    """Seconds from the grant to the end of the try."""


class RetryPlanned(Event, frozen=True, kw_only=True):
    """Another try will follow."""

    attempt: int
    """Number of the failed try, from 1."""
    delay: float
    """Seconds until the next one."""
    cause: str
    """Class name of the error."""


class PauseBegan(Event, frozen=True, kw_only=True):
    """Nothing of a scope leaves for a while.

    Told once, however many answers ask for the same pause, and again where it became more than twice as long.
    """

    scope: str
    """`account`, `number ...`, `template ...` or `recipient ...`, masked to the last four."""
    seconds: float
    why: str
    """In words: what the platform said, or which limit was met."""


Observer = Callable[[Event], None]
"""Told of each event; what it raises is logged and has no effect."""


class Observers:
    """Tell each observer; one that raises is logged and has no further effect."""

    def __init__(self, observers: Iterable[Observer] = ()) -> None:
        self._observers = tuple(observers)

    def __bool__(self) -> bool:
        return bool(self._observers)

    def __call__(self, event: Event) -> None:
        """Tell all of an event."""
        for observer in self._observers:
            try:
                observer(event)
            except Exception:  # noqa: BLE001 - an observer is not ours, and must not break a send
                _log.exception("observer failed event=%s", type(event).__name__)
