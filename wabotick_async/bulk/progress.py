"""How a running campaign stands."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

__all__ = ["BulkProgress"]


class BulkProgress(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of one run so far, for a progress display."""

    read: int = 0
    """Messages read from the source."""
    accepted: int = 0
    refused: int = 0
    unknown: int = 0
    skipped: int = 0
    known: int = 0
    """Messages that earlier runs finished; they are not sent again."""
    waiting: int = 0
    """Messages that wait for their turn at the rate limiter, or to be tried again."""
    parked_for: Mapping[str, int] = msgspec.field(default_factory=dict)
    """Messages that wait for a turn and keep nobody waiting, by whose: `recipient`, `number`, `template`, or `day` for
    the next place among the recipients of a day."""
    parked_due: float | None = None
    """Seconds until the first of them is due; None where none is parked, or no time is known."""
    in_flight: int = 0
    """Messages that left and have no answer yet."""
    elapsed: float = 0.0
    """Seconds since the run began."""
    stopping: str | None = None
    """Why the run is ending before its last message, or None."""

    @property
    def parked(self) -> int:
        """Return how many messages wait for a turn and keep nobody waiting."""
        return sum(self.parked_for.values())

    @property
    def done(self) -> int:
        """Return how many messages of this run have an outcome."""
        return self.accepted + self.refused + self.unknown + self.skipped
