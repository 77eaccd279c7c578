"""Statements that change many rows in one step: the interpreter's lock is given up once for all of them.

Between two steps another thread takes it, and the journal's waits for it to come back. A statement is written out for
each number of rows up to 32, and prepared once for each: connections keep as many.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, Final, NamedTuple

__all__ = ["KEPT_STATEMENTS", "claim", "finish", "insert_claimed", "insert_queued"]

_MOST: Final = 32
KEPT_STATEMENTS: Final = 6 * _MOST
"""Prepared statements that a connection has to keep: each of these for each number of rows, and all others."""
Values = Sequence[tuple[Any, ...]]
"""Of each row, in the order of the statement's columns; of as many types as SQLite has."""


class _Statement(NamedTuple):
    """A statement about many rows: with the first text once, and the second one for each of them in place of ROWS."""

    text: str
    row: str


_INSERT_QUEUED: Final = _Statement(
    "INSERT INTO item(seq, key, receiver, endpoint, payload, state, code, note, added_run, fed_run, fed_count) "
    "VALUES ROWS",
    "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)",
)
_INSERT_CLAIMED: Final = _Statement(
    "INSERT INTO item(seq, key, receiver, endpoint, payload, state, attempts, run, t_intent, added_run, fed_run, "
    "fed_count) VALUES ROWS",
    "(?, ?, ?, ?, ?, 1, 1, ?, ?, ?, ?, 1)",
)
# The unary plus keeps the planner from walking all rows in one state instead of looking the rows up.
_FINISH: Final = _Statement(
    "UPDATE item SET state = ended.column1, t_done = ended.column2, http = ended.column3, code = ended.column4, "
    "wa_id = ended.column5, note = ended.column6 FROM (VALUES ROWS) AS ended "
    "WHERE item.seq = ended.column7 AND +item.state = 1 AND +item.run = ?",
    "(?, ?, ?, ?, ?, ?, ?)",
)
_CLAIM: Final = _Statement(
    "UPDATE item SET state = 1, run = ?, t_intent = ?, attempts = attempts + 1 WHERE seq IN (ROWS) AND +state = 0", "?"
)


def insert_queued(connection: sqlite3.Connection, rows: Values) -> None:
    """Insert rows: seq, key, receiver, endpoint, payload, state, code, note, added_run, fed_run."""
    _in_steps(connection, _INSERT_QUEUED, rows)


def insert_claimed(connection: sqlite3.Connection, rows: Values) -> None:
    """Insert rows as in flight: seq, key, receiver, endpoint, payload, run, t_intent, added_run, fed_run."""
    _in_steps(connection, _INSERT_CLAIMED, rows)


def finish(connection: sqlite3.Connection, rows: Values, run: int) -> int:
    """End rows in flight of a run: state, t_done, http, code, wa_id, note, seq. Return how many there were."""
    return _in_steps(connection, _FINISH, rows, after=(run,))


def claim(connection: sqlite3.Connection, seqs: Sequence[int], run: int, now: float) -> int:
    """Mark queued rows as in flight in a run. Return how many there were."""
    return _in_steps(connection, _CLAIM, [(seq,) for seq in seqs], before=(run, now))


def _in_steps(
    connection: sqlite3.Connection,
    statement: _Statement,
    rows: Values,
    *,
    before: tuple[object, ...] = (),
    after: tuple[object, ...] = (),
) -> int:
    changed = first = 0
    while first < len(rows):
        count = min(_MOST, len(rows) - first)
        values = (*before, *chain.from_iterable(rows[first : first + count]), *after)
        changed += connection.execute(_written_out(statement, count), values).rowcount
        first += count
    return changed


@lru_cache(maxsize=4 * _MOST)
def _written_out(statement: _Statement, count: int) -> str:
    return statement.text.replace("ROWS", ", ".join([statement.row] * count))
