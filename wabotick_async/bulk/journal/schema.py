"""The tables of a SQLite journal, and the numbers that mark a file as one."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Final

from .rows import Counts, State
from .versions import upgrade

__all__ = [
    "ACCEPTED",
    "APPLICATION_ID",
    "FINGERPRINT",
    "IN_FLIGHT",
    "LOST_WAL",
    "OPEN_RUN",
    "OWN_PREFIX",
    "PURGE",
    "QUEUED",
    "REFUSED",
    "REQUEUE",
    "RESEND",
    "SETTLE",
    "SKIPPED",
    "STATES",
    "UNKNOWN",
    "count_causes",
    "count_rows",
    "create_tables",
    "empty_image",
]

APPLICATION_ID: Final = 0x57424A31

STATES: Final = tuple(State)
"""A state is stored as its place in this tuple."""
QUEUED, IN_FLIGHT, ACCEPTED, REFUSED, UNKNOWN, SKIPPED = range(len(STATES))

OWN_PREFIX: Final = "journal."
FINGERPRINT: Final = OWN_PREFIX + "fingerprint"
OPEN_RUN: Final = OWN_PREFIX + "open_run"
"""Set while a run is open. It must be in the main file, so that a lost -wal can be noticed."""
LOST_WAL: Final = OWN_PREFIX + "lost_wal"
"""Run that went on without its predecessor's -wal: rows that the file does not know may have been sent nevertheless."""
RESEND: Final = OWN_PREFIX + "resend."
"""Start of the names under which each resending of unknown rows is logged."""
REQUEUE: Final = OWN_PREFIX + "requeue."
"""Start of the names under which each queuing of refused rows is logged."""
PURGE: Final = OWN_PREFIX + "purge."
"""Start of the names under which each forgetting of finished rows is logged."""
SETTLE: Final = OWN_PREFIX + "settle."
"""Start of the names under which the unknown rows that a run settled are logged."""

# SQLite uses a partial index only where the query repeats one of its terms as a literal; it does not see into IN (...).
_TABLES_OF_VERSION_1: Final = """
CREATE TABLE meta(k TEXT PRIMARY KEY, v TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE run(
  id INTEGER PRIMARY KEY, boot_id TEXT NOT NULL, host TEXT, pid INTEGER, started REAL NOT NULL, ended REAL, reason TEXT
) STRICT;
CREATE TABLE item(
  seq INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE,
  receiver TEXT NOT NULL, endpoint TEXT NOT NULL, payload BLOB NOT NULL,
  state INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0, not_before REAL NOT NULL DEFAULT 0,
  run INTEGER, t_intent REAL, t_done REAL, http INTEGER, code TEXT, wa_id TEXT, note TEXT,
  added_run INTEGER NOT NULL, fed_run INTEGER NOT NULL, fed_count INTEGER NOT NULL
) STRICT;
CREATE INDEX item_open ON item(state, not_before, seq) WHERE state = 0 OR state = 1 OR state = 4;
"""
_CAUSES: Final = """
SELECT code, count(*) FROM item WHERE code IS NOT NULL AND state IN (3, 4, 5) GROUP BY code ORDER BY count(*) DESC, code
"""


def create_tables(connection: sqlite3.Connection) -> None:
    """Make an empty database a journal of the newest version."""
    connection.executescript(f"PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version=1; {_TABLES_OF_VERSION_1}")
    # The same steps as for a file that was begun with version 1: so both have the same tables.
    upgrade(connection, 1, new=True)


def empty_image() -> bytes:
    """Build the file of an empty journal, so that it can appear on disk complete or not at all."""
    with closing(sqlite3.connect(":memory:")) as connection:
        create_tables(connection)
        return connection.serialize()


def count_rows(connection: sqlite3.Connection) -> Counts:
    """Count the rows by state with a walk through the table."""
    found: dict[int, int] = dict(connection.execute("SELECT state, count(*) FROM item GROUP BY state"))
    return Counts(*(found.get(code, 0) for code in range(len(STATES))))


def count_causes(connection: sqlite3.Connection) -> dict[str, int]:
    """Count the codes of the rows that were refused or skipped, or are unknown; the most frequent first."""
    return dict(connection.execute(_CAUSES))
