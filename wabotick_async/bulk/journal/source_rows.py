"""Rows of the source on their way into a journal: new ones, those that are known, and repeats."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Sequence
from typing import Final

from ...errors import JournalError
from .blocks import claim, insert_claimed, insert_queued
from .keys import Keys
from .rows import KEY_LENGTH, Added, Counts, NewRow, State, Stored
from .schema import IN_FLIGHT, LOST_WAL, QUEUED, SKIPPED, STATES, UNKNOWN, count_rows

__all__ = ["SourceRows"]

_FEED: Final = """
UPDATE item SET fed_count = CASE WHEN fed_run = :run THEN fed_count + 1 ELSE 1 END, fed_run = :run WHERE seq = :seq
RETURNING state, fed_count, not_before
"""
_LAST_NUMBER: Final = (1 << 63) - 1


class SourceRows:
    """Adds rows inside the caller's transaction, each message once.

    Args:
        connection: of the journal.
        run: number of the run.
        clock: seconds since the epoch.
    """

    def __init__(self, connection: sqlite3.Connection, run: int, clock: Callable[[], float]) -> None:
        self.connection = connection
        self.run = run
        """Number of the run."""
        self.clock = clock
        """Seconds since the epoch."""
        self.tally = _tally(count_rows(connection))
        """Rows by state code, the open transaction included."""
        self.keys = Keys(connection)
        self._last: int
        """Number of the last row."""
        [(self._last,)] = connection.execute("SELECT coalesce(max(seq), 0) FROM item").fetchall()
        doubtful = connection.execute("SELECT 1 FROM meta WHERE k = ?", (LOST_WAL,)).fetchone() is not None
        self._fresh = UNKNOWN if doubtful else QUEUED
        self._likely_new = True
        self._fresh_note = "the -wal file was lost: this row may have been sent before" if doubtful else None

    def mark(self) -> tuple[list[int], int, int]:
        """Return what `restore` needs to take back what is done from here on."""
        return list(self.tally), self.keys.mark, self._last

    def restore(self, mark: tuple[list[int], int, int]) -> None:
        """Take back what was done since, as the database does with a transaction or a part of it."""
        tally, keys, self._last = mark
        self.tally = list(tally)
        self.keys.take_back(keys)

    def add(self, rows: Sequence[NewRow]) -> list[Stored]:
        """Store rows; see `Journal.add`."""
        found = [self._add(row) for row in rows]
        self._likely_new = all(row.added is Added.NEW for row in found)
        return found

    def add_all(self, rows: Sequence[NewRow]) -> list[Stored]:
        """Store rows, faster where none is known, as most sources bring them; after an error the caller rolls back.

        Raises:
            JournalError: one of them is known.
        """
        if not self._likely_new:  # a source that is fed again brings known rows for long
            return self.add(rows)
        state, note, run = self._fresh, self._fresh_note, self.run
        first = self._number_new(rows)
        insert_queued(
            self.connection,
            [
                (seq, row.key, row.receiver, row.endpoint, row.payload, state, None, note, run, run)
                for seq, row in enumerate(rows, first)
            ],
        )
        self.tally[state] += len(rows)
        return [Stored(seq, Added.NEW, STATES[state]) for seq in range(first, first + len(rows))]

    def bear(self, rows: Sequence[NewRow]) -> list[Stored]:
        """Store rows as claimed; see `BlockJournal.advance`."""
        found = self.add(rows)
        new = {one.seq for one in found if one.added is Added.NEW and one.state is State.QUEUED}
        claim(self.connection, list(new), self.run, self.clock())
        self.tally[QUEUED] -= len(new)
        self.tally[IN_FLIGHT] += len(new)
        return [Stored(one.seq, Added.NEW, State.IN_FLIGHT) if one.seq in new else one for one in found]

    def bear_all(self, rows: Sequence[NewRow]) -> list[Stored]:
        """Store rows as claimed, faster where none is known; after an error the caller rolls back.

        Raises:
            JournalError: one of them is known.
        """
        if not self._likely_new or self._fresh != QUEUED:
            return self.bear(rows)
        run, now = self.run, self.clock()
        first = self._number_new(rows)
        insert_claimed(
            self.connection,
            [
                (seq, row.key, row.receiver, row.endpoint, row.payload, run, now, run, run)
                for seq, row in enumerate(rows, first)
            ],
        )
        self.tally[IN_FLIGHT] += len(rows)
        return [Stored(seq, Added.NEW, State.IN_FLIGHT) for seq in range(first, first + len(rows))]

    def _number_new(self, rows: Sequence[NewRow]) -> int:
        """Return the number of the first of these rows, all of which are noted as new.

        Raises:
            JournalError: one of them is known.
        """
        keys = [_key_of(row) for row in rows]
        if len(set(keys)) != len(keys) or self.keys.find(keys):
            self._likely_new = False
            raise JournalError("a row is known")
        first = self._take_numbers(len(rows))
        for seq, key in enumerate(keys, first):
            self.keys.add(key, seq)
        return first

    def _take_numbers(self, count: int) -> int:
        """Return the first of the next numbers; no other process has the journal, so all are known here."""
        if self._last > _LAST_NUMBER - count:
            raise JournalError("the journal has no number left for another row")
        first = self._last + 1
        self._last += count
        return first

    def _add(self, row: NewRow) -> Stored:
        key = _key_of(row)
        known = self.keys.find([key])
        if not known:
            seq = self._insert(key, row, self._fresh, None, self._fresh_note)
            self.tally[self._fresh] += 1
            return Stored(seq, Added.NEW, STATES[self._fresh])
        seq = known[key]
        fed = {"run": self.run, "seq": seq}
        [(state, fed_count, not_before)] = self.connection.execute(_FEED, fed).fetchall()
        if fed_count > 1:
            # The repeat's key follows from its number: feeding the source again finds it instead of storing it twice.
            key = hashlib.blake2b(key + fed_count.to_bytes(8, "big"), digest_size=KEY_LENGTH).digest()
            repeat = self.keys.find([key]).get(key)
            if repeat is None:
                repeat = self._insert(key, row, SKIPPED, "duplicate", f"duplicate of row {seq}")
                self.tally[SKIPPED] += 1
            return Stored(repeat, Added.DUPLICATE, State.SKIPPED)
        return Stored(seq, Added.KNOWN, STATES[state], not_before)

    def _insert(self, key: bytes, row: NewRow, state: int, code: str | None, note: str | None) -> int:
        seq = self._take_numbers(1)
        values = (seq, key, row.receiver, row.endpoint, row.payload, state, code, note, self.run, self.run)
        insert_queued(self.connection, [values])
        self.keys.add(key, seq)
        return seq


def _tally(counts: Counts) -> list[int]:
    return [counts.queued, counts.in_flight, counts.accepted, counts.refused, counts.unknown, counts.skipped]


def _key_of(row: NewRow) -> bytes:
    if len(row.key) != KEY_LENGTH:
        raise JournalError(f"a row's key must have {KEY_LENGTH} bytes, not {len(row.key)}")
    return row.key
