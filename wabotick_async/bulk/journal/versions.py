"""Versions of the file: how an older journal is brought up to date, and that a newer one is refused.

Version n becomes version n + 1 by the statements of `STEPS[n - 1]`, in one transaction: after a crash in the middle the
file is a whole journal of one of the two. A package that is older than the file refuses it, so keep a copy
(`wabotick backup`) when you may want to go back.
"""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

from ...errors import JournalError
from .transaction import transaction

__all__ = ["STEPS", "check_version", "newest_version", "upgrade"]

_LOGGER = logging.getLogger("wabotick_async.bulk.journal")

STEPS: tuple[tuple[str, ...], ...] = ()
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


def upgrade(connection: sqlite3.Connection, version: int) -> None:
    """Bring a journal from a version up to the newest one, a step at a time."""
    for step in range(version, newest_version()):
        with transaction(connection):
            for statement in STEPS[step - 1]:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version={step + 1}")
        _LOGGER.info("journal upgraded from version %d to %d", step, step + 1)
