"""The statements of a journal: every change of a row, on one SQLite connection, inside the caller's transaction."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from ...errors import JournalError
from ...outcomes import Outcome
from .blocks import claim, finish
from .rows import LONGEST_WAIT, Counts, Finish, Row
from .schema import (
    ACCEPTED,
    IN_FLIGHT,
    OWN_PREFIX,
    QUEUED,
    REFUSED,
    SKIPPED,
    STATES,
    UNKNOWN,
    count_causes,
)
from .source_rows import SourceRows

__all__ = ["Store"]

# The unary plus keeps the planner from walking all rows in one state instead of looking the row up.
_CLAIM: Final = """
UPDATE item SET state = 1, run = ?, t_intent = ?, attempts = attempts + 1 WHERE seq = ? AND +state = 0
"""
# Two walks through the index of open rows, each stopped by its limit: the rows that never waited, in their order, and
# the few that did. So neither finished rows nor a long queue cost anything.
_QUEUED: Final = """
SELECT seq, endpoint, payload, receiver, attempts FROM item WHERE seq IN (
  SELECT * FROM (SELECT seq FROM item WHERE state = 0 AND not_before = 0 AND seq > :after ORDER BY seq LIMIT :limit)
  UNION ALL
  SELECT * FROM (SELECT seq FROM item WHERE state = 0 AND not_before > 0 AND not_before <= :now AND seq > :after
    ORDER BY seq LIMIT :limit))
ORDER BY seq LIMIT :limit
"""
_QUEUED_ROW: Final = "SELECT seq, endpoint, payload, receiver, attempts FROM item WHERE seq = ? AND +state = 0"
# A walk through the table, once at the start of a run: an index by time would cost every send.
_RECENT: Final = """
SELECT receiver, max(coalesce(t_done, t_intent)) AS last FROM item
WHERE state IN (1, 2, 4) AND coalesce(t_done, t_intent) > ? AND receiver <> ''
GROUP BY receiver ORDER BY last DESC LIMIT ?
"""
_NEXT_DUE: Final = "SELECT min(not_before) FROM item WHERE state = 0 AND not_before > ?"
_FINISH: Final = """
UPDATE item SET state = ?, t_done = ?, http = ?, code = ?, wa_id = ?, note = ? WHERE seq = ? AND state = ? AND run = ?
"""
_REQUEUE: Final = "UPDATE item SET state = 0, not_before = ? WHERE seq = ? AND +state = 1 AND run = ?"
_ACCEPTED: Final = Outcome.ACCEPTED

# Which states a result may end: a late answer may still settle what the same run called unknown.
_FINISHES: Final = {
    Outcome.ACCEPTED: (ACCEPTED, (IN_FLIGHT, UNKNOWN)),
    Outcome.REFUSED: (REFUSED, (IN_FLIGHT, UNKNOWN)),
    Outcome.UNKNOWN: (UNKNOWN, (IN_FLIGHT,)),
    Outcome.SKIPPED: (SKIPPED, (IN_FLIGHT,)),
}


class Store(SourceRows):
    """The rows of one run. Not for use by two threads at once."""

    def counts(self) -> Counts:
        """Count the rows by state, the open transaction included."""
        return Counts(*self.tally)

    def causes(self) -> dict[str, int]:
        """Count the codes of rows that were not accepted; see `Journal.causes`."""
        return count_causes(self.connection)

    def queued(self, after: int, limit: int, now: float) -> list[Row]:
        """List queued rows that are due; see `Journal.queued`."""
        wanted = {"after": after, "limit": limit, "now": now}
        return [Row(*columns) for columns in self.connection.execute(_QUEUED, wanted)]

    def queued_row(self, seq: int) -> Row | None:
        """Return a queued row; see `Journal.queued_row`."""
        row = self.connection.execute(_QUEUED_ROW, (seq,)).fetchone()
        return None if row is None else Row(*row)

    def recent_receivers(self, since: float, limit: int) -> list[tuple[str, float]]:
        """List who may have got a message; see `Journal.recent_receivers`."""
        return self.connection.execute(_RECENT, (since, limit)).fetchall()[::-1]

    def claim(self, seq: int) -> bool:
        """Mark a queued row in flight; see `Journal.claim`."""
        claimed = self.connection.execute(_CLAIM, (self.run, self.clock(), seq)).rowcount
        self.count_move(QUEUED, IN_FLIGHT, claimed)
        return claimed == 1

    def claim_all(self, seqs: Sequence[int]) -> None:
        """Mark queued rows in flight; after an error the caller rolls back.

        Raises:
            JournalError: one of them is not queued.
        """
        if claim(self.connection, seqs, self.run, self.clock()) != len(seqs):
            raise _moved()
        self.count_move(QUEUED, IN_FLIGHT, len(seqs))

    def unclaim(self, seq: int) -> None:
        """Undo a claim of which nobody learned."""
        self._require(seq, (IN_FLIGHT,), "queued")
        self.connection.execute("UPDATE item SET state = 0, attempts = attempts - 1 WHERE seq = ?", (seq,))
        self.count_move(IN_FLIGHT, QUEUED)

    def finish(self, finish: Finish) -> None:
        """Store a result; see `Journal.finish`."""
        new, allowed = _finish_of(finish)
        result = (new, self.clock(), finish.http, finish.code, finish.message_id, finish.note, finish.seq)
        old = IN_FLIGHT
        if self.connection.execute(_FINISH, (*result, old, self.run)).rowcount != 1:
            old = self._require(finish.seq, allowed, finish.outcome)
            self._change(_FINISH, (*result, old, self.run))
        self.count_move(old, new)

    def finish_all(self, finishes: Sequence[Finish]) -> None:
        """Store results of rows in flight; after an error the caller rolls back.

        Raises:
            JournalError: one of them is not in flight in this run, or cannot end so.
        """
        now = self.clock()
        # An enum's member is slow to find in a dictionary, and most results are of one kind.
        ends = [ACCEPTED if one.outcome is _ACCEPTED else _finish_of(one)[0] for one in finishes]
        values = [
            (new, now, one.http, one.code, one.message_id, one.note, one.seq)
            for one, new in zip(finishes, ends, strict=True)
        ]
        if finish(self.connection, values, self.run) != len(values):
            raise _moved()
        for new in set(ends):
            self.count_move(IN_FLIGHT, new, ends.count(new))

    def requeue(self, seq: int, not_before: float) -> None:
        """Put a claimed row back; see `Journal.requeue`."""
        if math.isnan(not_before):
            raise JournalError(f"row {seq} cannot be queued for no time at all")
        due = min(max(not_before, 0.0), self.clock() + LONGEST_WAIT)
        values = (due, seq, self.run)
        if self.connection.execute(_REQUEUE, values).rowcount != 1:
            self._require(seq, (IN_FLIGHT,), "queued")
            self._change(_REQUEUE, values)
        self.count_move(IN_FLIGHT, QUEUED)

    def next_due(self, after: float | None) -> float | None:
        """Tell when the next queued row is due; see `Journal.next_due`."""
        later_than = -1.0 if after is None else after
        due: float | None = self.connection.execute(_NEXT_DUE, (later_than,)).fetchone()[0]
        return due

    def set_meta(self, name: str, value: str) -> None:
        """Keep a fact; see `Journal.set_meta`."""
        if name.startswith(OWN_PREFIX):
            raise JournalError(f"the name {name!r} is the journal's own")
        self.connection.execute(
            "INSERT INTO meta VALUES(?, ?) ON CONFLICT(k) DO UPDATE SET v = excluded.v", (name, value)
        )

    def get_meta(self, name: str) -> str | None:
        """Read a fact; see `Journal.get_meta`."""
        row = self.connection.execute("SELECT v FROM meta WHERE k = ?", (name,)).fetchone()
        return None if row is None else row[0]

    def _require(self, seq: int, allowed: Sequence[int], wanted: str) -> int:
        row = self.connection.execute("SELECT state, run FROM item WHERE seq = ?", (seq,)).fetchone()
        if row is None:
            raise JournalError(f"there is no row {seq}")
        state, run = row
        if run != self.run:
            raise JournalError(f"row {seq} is {STATES[state]} and not this run's: it cannot become {wanted}")
        if state not in allowed:
            raise JournalError(f"row {seq} is {STATES[state]}: it cannot become {wanted}")
        return int(state)

    def _change(self, statement: str, values: Sequence[object]) -> None:
        if self.connection.execute(statement, values).rowcount != 1:
            raise JournalError("a row moved while it was being written; nothing was changed")

    def count_move(self, old: int, new: int, rows: int = 1) -> None:
        """Keep the tally right when rows have moved."""
        self.tally[old] -= rows
        self.tally[new] += rows


def _moved() -> JournalError:
    return JournalError("not every row stood where it was thought to be")


def _finish_of(finish: Finish) -> tuple[int, tuple[int, ...]]:
    if finish.outcome not in _FINISHES:
        raise JournalError(f"row {finish.seq} cannot end as {finish.outcome}: requeue it")
    return _FINISHES[finish.outcome]
