"""The values of a journal: rows, states, results and counts."""

from __future__ import annotations

from enum import Enum, StrEnum
from typing import Final

import msgspec

from ...outcomes import Outcome

__all__ = [
    "KEY_LENGTH",
    "LONGEST_WAIT",
    "Added",
    "Advanced",
    "Counts",
    "Finish",
    "NewRow",
    "Opened",
    "Requeue",
    "Row",
    "RowDetail",
    "State",
    "Stored",
]

KEY_LENGTH: Final = 16
"""Bytes of a row's key."""
LONGEST_WAIT: Final = 7 * 86_400.0
"""Seconds that a row may wait at most, so that a wall clock set wrong cannot bury it."""


class State(StrEnum):
    """Where a row of a campaign stands."""

    QUEUED = "queued"
    IN_FLIGHT = "in_flight"
    """Claimed: the request may have left."""
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    """The request may or may not have been acted on; never sent again by itself."""
    SKIPPED = "skipped"
    """Not sent on purpose, for instance a duplicate."""


class Added(Enum):
    """What `Journal.add` found out about a row."""

    NEW = "new"
    """Stored now."""
    KNOWN = "known"
    """An earlier run stored it already; not counted again."""
    DUPLICATE = "duplicate"
    """The source repeats a row; the repeat is stored as a skipped row of its own."""


class NewRow(msgspec.Struct, frozen=True, gc=False):
    """A row of the source, to be stored."""

    key: bytes
    """Identity of the message, 16 bytes; two rows with one key are one message."""
    receiver: str
    endpoint: str
    payload: bytes
    """The request as JSON, without any credential."""


class Stored(msgspec.Struct, frozen=True, gc=False):
    """Where a row of the source is kept."""

    seq: int
    added: Added
    state: State
    not_before: float = 0.0
    """Seconds since the epoch when a queued row is due."""


class Row(msgspec.Struct, frozen=True, gc=False):
    """A queued row: whoever claims it sends it, then says what became of it."""

    seq: int
    endpoint: str
    payload: bytes
    receiver: str
    attempts: int
    """How often the row was claimed so far."""


class Finish(msgspec.Struct, frozen=True, gc=False):
    """What became of a claimed row."""

    seq: int
    outcome: Outcome
    """Any but `not_sent`, for which there is `Journal.requeue`."""
    http: int | None = None
    """HTTP status code."""
    code: str | None = None
    """Error code or advice, for the report."""
    message_id: str | None = None
    note: str | None = None
    """A short reason for people, without secrets."""


class Requeue(msgspec.Struct, frozen=True, gc=False):
    """Puts a claimed row back that was not sent, or was refused before acceptance."""

    seq: int
    not_before: float = 0.0
    """Seconds since the epoch; cut to seven days from now."""


class Advanced(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a step of `Journal` in a block; all of it is durable."""

    stored: list[bool]
    """Of each result, whether the journal has it."""
    claimed: list[bool]
    """Of each row, whether it is in flight now."""
    added: list[Stored] = []
    """Of each row of the source, where it is; in flight where it was new. Empty where they could not be added."""
    error: BaseException | None = None
    """What could not be done, where anything could not; the journal holds no more than was done."""


class Counts(msgspec.Struct, frozen=True):
    """How many rows stand where. Together they are the rows of the source that were read so far."""

    queued: int = 0
    in_flight: int = 0
    accepted: int = 0
    refused: int = 0
    unknown: int = 0
    skipped: int = 0

    @property
    def rows(self) -> int:
        """All rows, duplicates included."""
        return self.queued + self.in_flight + self.accepted + self.refused + self.unknown + self.skipped


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """What `Journal.open` found."""

    run: int
    """Number of this run, from 1."""
    resumed: bool
    """An earlier run used this journal."""
    counts: Counts
    unknown_from_crash: int = 0
    """Rows that an earlier run left in flight; they are unknown now."""
    unknown_from_lost_wal: int = 0
    """Queued rows that became unknown because the -wal file was lost and the caller accepted that."""

    @property
    def queued(self) -> int:
        """Rows that wait to be sent."""
        return self.counts.queued


class RowDetail(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the journal knows about one row. Times are seconds since the epoch."""

    seq: int
    state: State
    receiver: str
    endpoint: str
    payload: bytes
    attempts: int
    not_before: float
    run: int | None
    """The run that claimed the row last."""
    claimed_at: float | None
    done_at: float | None
    http: int | None
    code: str | None
    message_id: str | None
    note: str | None
