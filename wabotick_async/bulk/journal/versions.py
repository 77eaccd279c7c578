"""Versions of the file: how an older journal is brought up to date, and that a newer one is refused.

Version n becomes version n + 1 by the statements of `STEPS[n - 1]`, in one transaction: after a crash in the middle the
file is a whole journal of one of the two. A package that is older than the file refuses it, so keep a copy
(`wabotick backup`) when you may want to go back.
"""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path
from typing import Final

from ...errors import JournalError
from .transaction import transaction

__all__ = ["STEPS", "check_version", "newest_version", "upgrade"]

_LOGGER = logging.getLogger("wabotick_async.bulk.journal")

# Keys without an index that is written at each row, see `keys`; and no index of rows in flight: a run looks for these
# once, as it begins, and each row would go in and out.
_KEYS: Final = (
    "CREATE TABLE known_key(key BLOB PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    "INSERT INTO known_key SELECT key, seq FROM item ORDER BY key",
    "INSERT INTO meta SELECT 'journal.keys_reach', CAST(max(seq) AS TEXT) FROM item HAVING max(seq) IS NOT NULL",
    "DROP INDEX item_open",
    "ALTER TABLE item RENAME TO item_1",
    """
CREATE TABLE item(
  seq INTEGER PRIMARY KEY, key BLOB NOT NULL,
  receiver TEXT NOT NULL, endpoint TEXT NOT NULL, payload BLOB NOT NULL,
  state INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0, not_before REAL NOT NULL DEFAULT 0,
  run INTEGER, t_intent REAL, t_done REAL, http INTEGER, code TEXT, wa_id TEXT, note TEXT,
  added_run INTEGER NOT NULL, fed_run INTEGER NOT NULL, fed_count INTEGER NOT NULL
) STRICT
""",
    "INSERT INTO item SELECT * FROM item_1",
    "DROP TABLE item_1",
    "CREATE INDEX item_open ON item(state, not_before, seq) WHERE state = 0 OR state = 4",
)
STEPS: tuple[tuple[str, ...], ...] = (_KEYS,)
"""The statements of each upgrade, from version 1 on. Append to it; a step that was released never changes."""


def newest_version() -> int:
    """Return the version that this package writes."""
    return 1 + len(STEPS)


def check_version(path: Path, connection: sqlite3.Connection) -> int:
    """Return the version of a journal.

    Raises:
        JournalError: a newer package wrote it, or none.
    """
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version < 1:
        raise JournalError(f"{path} is not a campaign journal, or its header is damaged: it has no version")
    if version > newest_version():
        raise JournalError(
            f"the journal {path} has version {version}, and this package reads up to version {newest_version()}: "
            "use the newer wabotick_async that wrote it"
        )
    return version


def upgrade(connection: sqlite3.Connection, version: int, *, new: bool = False) -> None:
    """Bring a journal from a version up to the newest one, a step at a time; nobody hears of it for a new one."""
    for step in range(version, newest_version()):
        with transaction(connection):
            for statement in STEPS[step - 1]:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version={step + 1}")
        if not new:
            _LOGGER.info("journal upgraded from version %d to %d", step, step + 1)
