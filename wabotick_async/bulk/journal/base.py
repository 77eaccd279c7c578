"""What a campaign asks of its journal, in words that fit any database.

::

    queued ──claim──> in_flight ──finish──> accepted | refused | unknown | skipped
      ^                  │
      └─────requeue──────┘                  only where the send was proved not to have been accepted

    unknown ──finish──> accepted | refused  a late answer in the same run
    unknown ──settle──> accepted | refused  the conversation on the platform shows what became of it

    unknown ──resend_unknown──> queued      only when a person says so
    refused ──requeue_refused─> queued      only when a person says so; a refused row was not accepted

`settle`, `resend_unknown` and `requeue_refused` are explicit: each leaves an entry among the journal's facts, with the
run, the time, the number of rows and the reason.

A claim is durable before the request leaves. So a process may die at any moment, and the next one knows which rows it
can no longer vouch for: every row that a dead run left in flight becomes unknown, and no unknown row is sent again by
itself.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Protocol, runtime_checkable

from ...outcomes import Outcome
from .rows import Advanced, Counts, Finish, NewRow, Opened, Requeue, Row, RowDetail, State, Stored

__all__ = ["BlockJournal", "Journal"]


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

    async def queued_row(self, seq: int) -> Row | None:
        """Return a row by its number, or None where it is not queued."""
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

    async def next_due(self, after: float | None = None) -> float | None:
        """Tell when the next queued row is due (seconds since the epoch, 0 for at once), or None without one.

        Args:
            after: leave out rows that are due at this time or before.
        """
        ...

    def rows(self, state: State) -> AsyncIterator[RowDetail]:
        """Go through the rows in one state, in the order of the source, holding one page in memory."""
        ...

    async def settle(
        self, seq: int, outcome: Outcome, *, message_id: str | None = None, note: str | None = None
    ) -> bool:
        """Settle a row of unknown outcome, of any run, by what the platform shows of it; False where it is not unknown.

        A row settled as refused gets the code `reconciled`.

        Args:
            seq: the row's number.
            outcome: accepted or refused.
            message_id: the message that was found.
            note: a short reason for people, without secrets.

        Raises:
            JournalError: there is no such row, or it cannot be settled so; nothing was changed.
        """
        ...

    async def requeue_refused(self, code: str, limit: int | None, reason: str) -> int:
        """Queue refused rows of one cause again, and log it.

        Args:
            code: the rows' code, or its part before the colon: `fix_request` stands for `fix_request:131008`, too.
            limit: how many rows at most, oldest first; None for all.
            reason: who decided this and why; kept in the journal.

        Returns:
            How many rows were queued. Rows whose content was purged are left out.

        Raises:
            JournalError: no code, or a limit below 0.
        """
        ...

    async def resend_unknown(
        self, limit: int, reason: str, *, seqs: Sequence[int] | None = None, min_age: float = 0.0
    ) -> int:
        """Queue unknown rows of earlier runs again, and log it. Recipients may get the message twice.

        Args:
            limit: how many rows at most, oldest first.
            reason: who decided this and why; kept in the journal.
            seqs: the numbers of the rows; all of them where left out.
            min_age: seconds since the rows were claimed.

        Returns:
            How many rows were queued. Numbers of rows that are not unknown are passed over.

        Raises:
            JournalError: a limit below 0.
        """
        ...

    async def receivers_with(self, code: str) -> list[str]:
        """List the receivers of refused and skipped rows of one cause, each once; `code` as in `requeue_refused`."""
        ...

    async def recent_receivers(self, since: float, limit: int) -> list[tuple[str, float]]:
        """List who got a message or may have got one, each once with the time of the last, the oldest first.

        Args:
            since: seconds since the epoch; what was over before is left out.
            limit: how many at most; the newest count.
        """
        ...

    async def set_meta(self, name: str, value: str) -> None:
        """Keep a fact about the campaign. Names that begin with `journal.` are the journal's own."""
        ...

    async def get_meta(self, name: str) -> str | None:
        """Read a fact about the campaign, or None."""
        ...


@runtime_checkable
class BlockJournal(Protocol):
    """A journal that can do many things at once, for those who send so many that waiting for each is too dear."""

    def advance(
        self,
        results: Sequence[Finish | Requeue],
        claims: Sequence[int],
        done: Callable[[Advanced], object],
        *,
        fresh: Sequence[NewRow] = (),
    ) -> None:
        """Finish, requeue, claim and add rows in one step, each as the method of that name does.

        Args:
            results: what became of claimed rows.
            claims: numbers of queued rows.
            done: called once in the event loop, when the step is durable.
            fresh: rows of the source; those that are new are stored as claimed.

        Raises:
            JournalError: the journal is not open; nothing was done, and `done` is not called.
        """
        ...
