"""The words for what became of a send, and the count of them."""

from __future__ import annotations

from enum import StrEnum

import msgspec

__all__ = ["BulkReport", "Outcome"]


class Outcome(StrEnum):
    """What became of one request, as far as it can be known."""

    ACCEPTED = "accepted"
    """The platform answered success. Accepted is not delivered."""
    REFUSED = "refused"
    """The platform said no."""
    UNKNOWN = "unknown"
    """Bytes left and no valid answer came: the platform may or may not have acted."""
    NOT_SENT = "not_sent"
    """No byte left this machine, so sending again is safe."""
    SKIPPED = "skipped"
    """The campaign decided not to send it, for instance a duplicate."""


class BulkReport(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the rows of a campaign. The five counts add up to `rows`."""

    accepted: int = 0
    refused: int = 0
    unknown: int = 0
    """Sends that may or may not have reached the recipient. They are never repeated without your word."""
    not_sent: int = 0
    """Rows still queued in the journal; `resume` sends them."""
    skipped: int = 0
    """Duplicates and rows that could not be sent as they were."""
    causes: dict[str, int] = msgspec.field(default_factory=dict)
    """How often each cause of a refusal, an unknown or a skipped row occurred."""
    source_read: bool = True
    """Whether the source was read to its end. What was not read is in no count; feed the source again to go on."""
    elapsed: float = 0.0
    """Seconds that this run took."""
    stopped: str | None = None
    """Why the run ended before the last row, or None."""

    @property
    def rows(self) -> int:
        """Return how many rows the campaign read."""
        return self.accepted + self.refused + self.unknown + self.not_sent + self.skipped

    @property
    def complete(self) -> bool:
        """Tell whether no message is left to send, neither in the journal nor in the source."""
        return self.not_sent == 0 and self.source_read
