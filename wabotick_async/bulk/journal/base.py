"""What a campaign asks of its journal, in words that fit any database.

::

    queued ──claim──> in_flight ──finish──> accepted | refused | unknown | skipped
      ^                  │
      └─────requeue──────┘                  only where the send was proved not to have been accepted

    unknown ──finish──> accepted | refused  a late answer in the same run
    unknown ──resend_unknown──> queued      only when a person says so

A claim is durable before the request leaves. So a process may die at any moment, and the next one knows which rows it
can no longer vouch for: every row that a dead run left in flight becomes unknown, and no unknown row is sent again by
itself.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from enum import Enum, StrEnum
from typing import Final, Protocol

import msgspec

from ...outcomes import Outcome

__all__ = [
    "KEY_LENGTH",
    "LONGEST_WAIT",
    "Added",
    "Counts",
    "Finish",
    "Journal",
    "NewRow",
    "Opened",
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


class NewRow(msgspec.Struct, frozen=True):
    """A row of the source, to be stored."""

    key: bytes
    """Identity of the message, 16 bytes; two rows with one key are one message."""
    receiver: str
    endpoint: str
    payload: bytes
    """The request as JSON, without any credential."""


class Stored(msgspec.Struct, frozen=True):
    """Where a row of the source is kept."""

    seq: int
    added: Added
    state: State
    not_before: float = 0.0
    """Seconds since the epoch when a queued row is due."""


class Row(msgspec.Struct, frozen=True):
    """A queued row: whoever claims it sends it, then says what became of it."""

    seq: int
    endpoint: str
    payload: bytes
    receiver: str
    attempts: int
    """How often the row was claimed so far."""


class Finish(msgspec.Struct, frozen=True):
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


class Journal(Protocol):
    """The memory of a campaign, one owner at a time.

    Each method returns when its change is durable. Cancelling the caller does not take the change back: it may still be
    stored. Only a cancelled `claim` undoes itself, because nobody learned of it. A failed call changed nothing,
    except where the error says that the database could not tell.
    """

    async def open(self, fingerprint: Mapping[str, str]) -> Opened:
        """Become the owner and start a run; what an earlier run left in flight becomes unknown.

        Args:
            fingerprint: what makes the campaign this campaign (template, account, base URL); the first run stores it.

        Raises:
            CampaignConflictError: the journal was begun with another fingerprint.
            JournalError: it is in use, damaged, unsafe to use, or not a journal.
        """
        ...

    async def close(self, reason: str = "done") -> None:
        """End the run and give up ownership. Does nothing when called again."""
        ...

    async def add(self, rows: Sequence[NewRow]) -> list[Stored]:
        """Store rows as queued, and answer for each where it is and whether it was new.

        A source may be fed again from its start in a later run: each row is stored once, each repeat in the source
        exactly once as skipped. Feed it at most once a run; after an error in `add`, start a new run first.
        """
        ...

    async def queued(self, after: int, limit: int, now: float) -> list[Row]:
        """List up to `limit` queued rows behind the row number `after` that are due, in the order of the source.

        Args:
            now: seconds since the epoch; rows requeued for a later time are left out.
        """
        ...

    async def claim(self, seq: int) -> bool:
        """Mark a queued row in flight; False where it is not queued any more.

        The mark is durable when this returns, so the row may be sent.
        """
        ...

    async def finish(self, finish: Finish) -> None:
        """Store what became of a claimed row; also a late answer to a row that this run called unknown.

        Safe to await inside a shielded scope.

        Raises:
            JournalError: the row is not this run's to finish, and nothing was changed.
        """
        ...

    async def requeue(self, seq: int, not_before: float = 0.0) -> None:
        """Put a claimed row back. Only for a row that was not sent, or was refused before acceptance.

        Args:
            not_before: seconds since the epoch; cut to seven days from now.

        Raises:
            JournalError: the row is not in flight in this run, and nothing was changed.
        """
        ...

    async def counts(self) -> Counts:
        """Count the rows by state, as last committed. Cheap; also after `close`."""
        ...

    async def causes(self) -> dict[str, int]:
        """Count the codes of the rows that were refused or skipped, or are unknown; the most frequent first."""
        ...

    async def next_due(self) -> float | None:
        """Tell when the next queued row is due (seconds since the epoch, 0 for at once), or None without one."""
        ...

    def rows(self, state: State) -> AsyncIterator[RowDetail]:
        """Go through the rows in one state, in the order of the source, holding one page in memory."""
        ...

    async def resend_unknown(self, limit: int, reason: str, *, min_age: float = 0.0) -> int:
        """Queue unknown rows of earlier runs again, and log it. Recipients may get the message twice.

        Args:
            limit: how many rows at most, oldest first.
            reason: who decided this and why; kept in the journal.
            min_age: seconds since the rows were claimed.

        Returns:
            How many rows were queued.
        """
        ...

    async def set_meta(self, name: str, value: str) -> None:
        """Keep a fact about the campaign. Names that begin with `journal.` are the journal's own."""
        ...

    async def get_meta(self, name: str) -> str | None:
        """Read a fact about the campaign, or None."""
        ...
