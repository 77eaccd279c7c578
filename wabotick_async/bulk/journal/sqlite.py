"""The journal of one machine: SQLite in a file, or in memory for campaigns that need not survive."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from ...errors import JournalError
from ...outcomes import Outcome
from . import decisions
from .operations import Adding, Bearing, Claiming, Finishing, Requeuing
from .place import FilePlace, MemoryPlace, Place
from .reader import Inspection, inspect, read_page, read_rows, select_page
from .rows import Advanced, Counts, Finish, NewRow, Opened, Requeue, Row, RowDetail, State, Stored
from .store import Store
from .upkeep import backup, purge
from .writer import Writer

__all__ = ["MemoryJournal", "SQLiteJournal"]

T = TypeVar("T")


class _WrittenJournal:
    """The methods of a journal, each an operation of the writer's thread."""

    def __init__(self, place: Place, clock: Callable[[], float]) -> None:
        self._place = place
        self._clock = clock
        self._writer: Writer | None = None
        self._last_counts = Counts()

    async def open(self, fingerprint: Mapping[str, str]) -> Opened:
        """Become the owner and start a run; see `Journal.open`."""
        if self._writer is not None and self._writer.is_stopping:
            await self.close()  # its end was cancelled, and goes on all the same
        if self._writer is not None:
            raise JournalError("this journal is open already")
        self._writer = writer = Writer(self._place, self._clock)
        opening = writer.start(fingerprint)
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            # The thread may be about to own the file: whoever goes on after this finds it given back.
            self._writer = None
            stopped = writer.stop("cancelled while opening")
            await asyncio.wait({opening})
            if opening.exception() is None:
                await asyncio.shield(stopped)
            raise
        except BaseException:
            self._writer = None
            raise

    async def close(self, reason: str = "done") -> None:
        """End the run and give up ownership; see `Journal.close`."""
        if self._writer is None:
            return
        writer = self._writer
        await asyncio.shield(writer.stop(reason))
        self._last_counts = writer.counts
        self._writer = None

    async def add(self, rows: Sequence[NewRow]) -> list[Stored]:
        """Store rows as queued; see `Journal.add`."""
        return await self._open_writer().put(Adding(rows)).future

    async def queued(self, after: int, limit: int, now: float) -> list[Row]:
        """List queued rows that are due; see `Journal.queued`."""
        return await self._do(lambda store: store.queued(after, limit, now), vital=True)

    async def queued_row(self, seq: int) -> Row | None:
        """Return a row by its number; see `Journal.queued_row`."""
        return await self._do(lambda store: store.queued_row(seq), vital=True)

    async def claim(self, seq: int) -> bool:
        """Mark a queued row in flight; see `Journal.claim`."""
        writer = self._open_writer()
        claim = writer.put(Claiming(seq))
        try:
            return await claim.future
        except asyncio.CancelledError:
            # Nobody learned of the claim, so nobody will send the row.
            with contextlib.suppress(JournalError):
                writer.submit(partial(_undo, claim), vital=True).future.add_done_callback(_look)
            raise

    async def finish(self, finish: Finish) -> None:
        """Store what became of a claimed row; see `Journal.finish`."""
        await self._open_writer().put(Finishing(finish)).future

    def advance(
        self,
        results: Sequence[Finish | Requeue],
        claims: Sequence[int],
        done: Callable[[Advanced], object],
        *,
        fresh: Sequence[NewRow] = (),
    ) -> None:
        """Finish, requeue, claim and add rows in one step; see `BlockJournal.advance`."""
        ended = [Finishing(one) if isinstance(one, Finish) else Requeuing(one) for one in results]
        claiming = [Claiming(seq) for seq in claims]
        bearing = [Bearing(fresh)] if fresh else []

        def tell(future: asyncio.Future[object]) -> None:
            future.exception()  # the operations say it, each for itself
            errors = (one.error for one in (*ended, *claiming, *bearing) if one.error is not None)
            # What was done in a transaction that could not be committed has its result, and was not done.
            done(
                Advanced(
                    stored=[one.error is None for one in ended],
                    claimed=[one.error is None and one.result is True for one in claiming],
                    added=[stored for one in bearing if one.error is None for stored in one.result or ()],
                    error=next(errors, None),
                )
            )

        self._open_writer().put_all([*ended, *claiming, *bearing]).add_done_callback(tell)

    async def requeue(self, seq: int, not_before: float = 0.0) -> None:
        """Put a claimed row back; see `Journal.requeue`."""
        await self._do(lambda store: store.requeue(seq, not_before), vital=True)

    async def counts(self) -> Counts:
        """Count the rows by state, as last committed; see `Journal.counts`."""
        return self._last_counts if self._writer is None else self._writer.counts

    async def causes(self) -> dict[str, int]:
        """Count the codes of rows that were not accepted; see `Journal.causes`."""
        return await self._do(lambda store: store.causes(), vital=True)

    async def next_due(self, after: float | None = None) -> float | None:
        """Tell when the next queued row is due; see `Journal.next_due`."""
        return await self._do(lambda store: store.next_due(after), vital=True)

    async def rows(self, state: State) -> AsyncIterator[RowDetail]:
        """Go through the rows in one state; see `Journal.rows`."""
        after = 0
        while page := await self._page(state, after):
            for row in page:
                yield row
            after = page[-1].seq

    async def settle(
        self, seq: int, outcome: Outcome, *, message_id: str | None = None, note: str | None = None
    ) -> bool:
        """Settle a row of unknown outcome; see `Journal.settle`."""
        return await self._do(lambda store: decisions.settle(store, seq, outcome, message_id, note))

    async def requeue_refused(self, code: str, limit: int | None, reason: str) -> int:
        """Queue refused rows of one cause again, and log it; see `Journal.requeue_refused`."""
        return await self._do(lambda store: decisions.requeue_refused(store, code, limit, reason))

    async def resend_unknown(
        self, limit: int, reason: str, *, seqs: Sequence[int] | None = None, min_age: float = 0.0
    ) -> int:
        """Queue unknown rows of earlier runs again, and log it; see `Journal.resend_unknown`."""
        chosen = None if seqs is None else tuple(seqs)
        return await self._do(lambda store: decisions.resend_unknown(store, limit, reason, chosen, min_age))

    async def receivers_with(self, code: str) -> list[str]:
        """List the receivers of one cause; see `Journal.receivers_with`."""
        return await self._do(lambda store: decisions.receivers_with(store, code), vital=True)

    async def recent_receivers(self, since: float, limit: int) -> list[tuple[str, float]]:
        """List who got a message or may have got one; see `Journal.recent_receivers`."""
        return await self._do(lambda store: store.recent_receivers(since, limit), vital=True)

    async def set_meta(self, name: str, value: str) -> None:
        """Keep a fact about the campaign; see `Journal.set_meta`."""
        await self._do(lambda store: store.set_meta(name, value))

    async def get_meta(self, name: str) -> str | None:
        """Read a fact about the campaign; see `Journal.get_meta`."""
        return await self._do(lambda store: store.get_meta(name), vital=True)

    async def _page(self, state: State, after: int) -> list[RowDetail]:
        return await self._do(lambda store: select_page(store.connection, state, after), vital=True)

    async def _do(self, work: Callable[[Store], T], *, vital: bool = False) -> T:
        return await self._open_writer().submit(work, vital=vital).future

    def _open_writer(self) -> Writer:
        if self._writer is None:
            raise JournalError("the journal is not open")
        return self._writer


class SQLiteJournal(_WrittenJournal):
    """A journal in one SQLite file, for one process at a time.

    Beside the file live `.lock` and, while it is open, `-wal`, `-shm` and `.reserve`. Copy the file, `-wal` and `-shm`
    together, or use `backup`. Nothing is touched before `open`.

    Args:
        path: the file; its directory must exist.
        accept_lost_wal: go on although the -wal file of a dead run is gone. Every row that is queued or comes anew then
            counts as unknown, because it may have been sent.
        clock: seconds since the epoch.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, accept_lost_wal: bool = False, clock: Callable[[], float] = time.time
    ) -> None:
        self.path = Path(path)
        super().__init__(FilePlace(self.path, accept_lost_wal=accept_lost_wal), clock)

    def __repr__(self) -> str:
        return f"SQLiteJournal({str(self.path)!r})"

    @staticmethod
    def inspect(path: str | os.PathLike[str]) -> Inspection:
        """Read counts and facts of a journal, also while it is in use. Blocks; for command lines.

        Raises:
            JournalError: there is no journal, or it is not safe to read.
        """
        return inspect(Path(path))

    @staticmethod
    def read_rows(path: str | os.PathLike[str], state: State) -> Iterator[RowDetail]:
        """Go through the rows in one state, also while the journal is in use. Blocks; for command lines."""
        return read_rows(Path(path), state)

    @staticmethod
    def backup(path: str | os.PathLike[str], target: str | os.PathLike[str]) -> None:
        """Write a whole copy into a new file (mode 0600), also while the journal is in use. Blocks.

        A copy made during a run is a record of that moment: rows that are queued in it may have been sent since. So it
        opens only with `accept_lost_wal`, which calls those rows unknown. Go on with the journal or with a copy of it,
        never with both.

        Raises:
            JournalError: there is no journal, the target exists, or it cannot be written.
        """
        backup(Path(path), Path(target))

    @staticmethod
    def purge(path: str | os.PathLike[str], older_than: float, *, clock: Callable[[], float] = time.time) -> int:
        """Forget the personal data of rows that are finished for long, and return how many rows that were. Blocks.

        Receiver, request, message id and note of accepted, refused and skipped rows are overwritten. State, code, times
        and key stay, so the counts add up and a message that is fed again is still known. Such a refused row cannot be
        tried again. Queued and unknown rows keep everything. The key is a hash of the message: whoever can guess the
        whole message can find out that it was in the campaign.

        Args:
            path: a journal that nobody uses.
            older_than: seconds since a row was finished.
            clock: seconds since the epoch.

        Raises:
            JournalError: there is no journal, it is in use, or it cannot be trusted.
        """
        return purge(Path(path), older_than, clock)

    async def _page(self, state: State, after: int) -> list[RowDetail]:
        # A thread and a connection of its own: a long report must not hold up the sends.
        return await asyncio.to_thread(read_page, self.path, state, after)


class MemoryJournal(_WrittenJournal):
    """A journal without a file: the same rules, but a crash takes it along.

    Args:
        clock: seconds since the epoch.
    """

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        super().__init__(MemoryPlace(), clock)

    def __repr__(self) -> str:
        return "MemoryJournal()"


def _undo(claim: Claiming, store: Store) -> None:
    # The queue is in order, so the claim is done by now; a failed one left its row for others to claim.
    if claim.error is None and claim.result:
        store.unclaim(claim.seq)


def _look(future: asyncio.Future[None]) -> None:
    # Rows that could not be put back stay in flight and become unknown; the next call reports what is wrong.
    future.exception()
