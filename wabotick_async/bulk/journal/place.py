"""Where the rows of a journal live: a file with its guards, or memory."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Protocol

from ...errors import JournalError
from .blocks import KEPT_STATEMENTS
from .files import JournalFiles
from .reader import connect_read_only, read_open_run
from .schema import OPEN_RUN, create_tables
from .versions import check_version, upgrade

__all__ = ["FilePlace", "MemoryPlace", "Place"]


class Place(Protocol):
    """Gives out the one connection that writes, and takes it back."""

    wal_lost: bool
    """The run before lost its -wal file, and the caller accepted that."""
    quick: bool
    """A commit waits for nothing."""

    def connect(self) -> sqlite3.Connection:
        """Become the owner and connect. After an error nothing is held."""
        ...

    def free_reserve(self) -> bool:
        """Make room on a full disk, once; tell whether there is more room now."""
        ...

    def release(self, connection: sqlite3.Connection) -> None:
        """Close the connection and give up ownership."""
        ...


class FilePlace:
    """A journal on disk."""

    quick = False

    def __init__(self, path: Path, *, accept_lost_wal: bool) -> None:
        self.wal_lost = False
        self._files = JournalFiles(path)
        self._accept_lost_wal = accept_lost_wal
        self._anchor: sqlite3.Connection | None = None

    def connect(self) -> sqlite3.Connection:
        """Lock and check the files, then connect."""
        self._files.acquire()
        try:
            self.wal_lost = self._find_lost_wal()
            return self._connect()
        except sqlite3.Error as exc:
            self._files.release()
            raise JournalError(f"cannot open the journal {self._files.path}: {exc}") from exc
        except BaseException:
            self._files.release()
            raise

    def free_reserve(self) -> bool:
        """Delete the reserve file."""
        return self._files.free_reserve()

    def release(self, connection: sqlite3.Connection) -> None:
        """Close the connection, then unlock."""
        try:
            self._close(connection)
        finally:
            self._files.release()

    def _find_lost_wal(self) -> bool:
        files = self._files
        if files.wal.exists() or read_open_run(files.path) is None:
            return False
        if not self._accept_lost_wal:
            raise JournalError(
                f"the file {files.wal} is gone, and with it the latest marks of what was sent: "
                "going on could send twice. "
                "Put it back beside the journal (the files belong together; copy all of them, or make a backup). "
                "If it is lost for good, or if this is a backup that was made during a run, accept that: "
                "every row still queued then counts as unknown."
            )
        return True

    def _close(self, connection: sqlite3.Connection) -> None:
        # The last connection removes the -wal as it closes, if it may write. While a run is marked as open that would
        # look like a lost -wal, so a connection that only reads closes last.
        anchor, self._anchor = self._anchor, None
        if anchor is not None and _is_ended(connection):
            anchor.close()
        connection.close()
        if anchor is not None:
            anchor.close()

    def _connect(self) -> sqlite3.Connection:
        connection = self._files.connect()
        try:
            [(mode,)] = connection.execute("PRAGMA journal_mode=WAL").fetchall()
            if mode != "wal":
                raise JournalError(f"the file system of {self._files.path} cannot hold a write-ahead log")
            self._anchor = connect_read_only(self._files.path, immutable=False)
            self._anchor.execute("SELECT count(*) FROM run").fetchall()
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA secure_delete=ON").fetchall()
            # What a savepoint may have to undo would otherwise go through files of its own.
            connection.execute("PRAGMA temp_store=MEMORY")
            connection.execute("PRAGMA trusted_schema=OFF")
            version = check_version(self._files.path, connection)
            # quick_check passes over garbage inside a page.
            [(verdict, *_), *_] = connection.execute("PRAGMA integrity_check(1)").fetchall()
            if verdict != "ok":
                raise JournalError(f"the journal {self._files.path} is damaged: {verdict}")
            upgrade(connection, version)
        except BaseException:
            self._close(connection)
            raise
        return connection


class MemoryPlace:
    """A journal that lives and dies with the process; it outlives `close`, so that a campaign can go on."""

    wal_lost = False
    quick = True

    def __init__(self) -> None:
        self._connection: sqlite3.Connection | None = None

    def connect(self) -> sqlite3.Connection:
        """Connect, and create the tables the first time."""
        if self._connection is None:
            self._connection = sqlite3.connect(
                ":memory:", isolation_level=None, check_same_thread=False, cached_statements=KEPT_STATEMENTS
            )
            create_tables(self._connection)
        return self._connection

    def free_reserve(self) -> bool:
        """Memory keeps no reserve."""
        return False

    def release(self, connection: sqlite3.Connection) -> None:
        """Keep the rows for the next run."""


def _is_ended(connection: sqlite3.Connection) -> bool:
    try:
        return connection.execute("SELECT 1 FROM meta WHERE k = ?", (OPEN_RUN,)).fetchall() == []
    except sqlite3.Error:
        return False
