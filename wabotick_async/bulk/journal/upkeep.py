"""Care for a journal between runs: a copy that is whole, and contents that are no longer needed."""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

from ...errors import JournalError
from .files import sync_directory
from .place import FilePlace
from .reader import reading_as_it_is
from .schema import PURGE
from .transaction import checkpoint, transaction

__all__ = ["backup", "purge"]

# Message ids contain the phone number. A repeat has no time of its own, so the start of the run that read it counts.
_PURGE: Final = """
UPDATE item SET receiver = '', payload = x'', wa_id = NULL, note = NULL
WHERE (state = 2 OR state = 3 OR state = 5) AND payload <> x''
  AND coalesce(t_done, (SELECT started FROM run WHERE run.id = item.added_run)) <= ?
"""


def backup(path: Path, target: Path) -> None:
    """Write a whole copy of a journal, which may be in use, into a new file; see `SQLiteJournal.backup`."""
    if os.path.lexists(target):
        raise JournalError(f"{target} exists already: a backup goes into a new file")
    try:
        # Created with mode 0600, and under a name of its own: a backup that was cut short must not look like one.
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        os.close(descriptor)
        draft = Path(name)
        try:
            _copy(path, draft.absolute())
            os.link(draft, target)
        finally:
            draft.unlink()
        sync_directory(target.parent)
    except FileExistsError as exc:
        raise JournalError(f"{target} exists already: a backup goes into a new file") from exc
    except OSError as exc:
        raise JournalError(f"cannot write the backup {target}: {exc.strerror}") from exc


def _copy(path: Path, draft: Path) -> None:
    with reading_as_it_is(path) as connection:
        connection.execute("VACUUM INTO ?", (str(draft),))
    descriptor = os.open(draft, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    with closing(sqlite3.connect(draft)) as copied:
        [(verdict, *_), *_] = copied.execute("PRAGMA integrity_check(1)").fetchall()
    if verdict != "ok":
        raise JournalError(f"the journal {path} is damaged, and so is a copy of it: {verdict}")


def purge(path: Path, older_than: float, clock: Callable[[], float]) -> int:
    """Forget what finished rows held; see `SQLiteJournal.purge`."""
    if not older_than >= 0:
        raise JournalError(f"expected an age of 0 seconds or more, got {older_than}")
    if not os.path.lexists(path):
        raise JournalError(f"there is no journal at {path}")
    place = FilePlace(path, accept_lost_wal=False)
    connection = place.connect()
    try:
        return _forget(connection, older_than, clock())
    except sqlite3.Error as exc:
        raise JournalError(f"cannot purge the journal {path}: {exc}") from exc
    finally:
        place.release(connection)


def _forget(connection: sqlite3.Connection, older_than: float, now: float) -> int:
    with transaction(connection):
        rows = connection.execute(_PURGE, (now - older_than,)).rowcount
        [(number,)] = connection.execute("SELECT count(*) FROM meta WHERE k GLOB ?", (PURGE + "*",)).fetchall()
        [(run,)] = connection.execute("SELECT max(id) FROM run").fetchall()
        entry = {"run": run, "at": now, "rows": rows, "reason": f"finished more than {older_than:g} s ago"}
        connection.execute("INSERT INTO meta VALUES(?, ?)", (f"{PURGE}{number + 1:06}", json.dumps(entry)))
    # Until then the main file still holds what was forgotten.
    checkpoint(connection)
    return rows
