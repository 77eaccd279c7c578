"""Read a journal without becoming its owner and without changing its files."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import msgspec

from ...errors import JournalError
from .files import check_file, is_in_use
from .rows import Counts, RowDetail, State
from .schema import (
    APPLICATION_ID,
    FINGERPRINT,
    OPEN_RUN,
    OWN_PREFIX,
    PURGE,
    REQUEUE,
    RESEND,
    SETTLE,
    STATES,
    count_causes,
    count_rows,
)
from .versions import check_version, newest_version, upgrade

__all__ = [
    "PAGE",
    "Inspection",
    "connect_read_only",
    "inspect",
    "read_open_run",
    "read_page",
    "read_rows",
    "reading_as_it_is",
    "select_page",
]

PAGE: Final = 500
"""Rows that a walk through the journal holds in memory."""

# `+0` keeps the partial index out of it: the walk goes by row number, so that a page costs no sorting.
_PAGE: Final = """
SELECT seq, state, receiver, endpoint, payload, attempts, not_before, run, t_intent, t_done, http, code, wa_id, note
FROM item WHERE state + 0 = ? AND seq > ? ORDER BY seq LIMIT ?
"""


class Inspection(msgspec.Struct, frozen=True, kw_only=True):
    """What a journal tells without being opened."""

    counts: Counts
    fingerprint: Mapping[str, str]
    meta: Mapping[str, str]
    """The campaign's own facts."""
    causes: Mapping[str, int]
    """Codes of the rows that were refused or skipped, or are unknown; the most frequent first."""
    resends: tuple[str, ...]
    """Each resending of unknown rows, oldest first, as JSON: run, time, rows, reason."""
    requeues: tuple[str, ...]
    """Each queuing of refused rows, likewise, with the code."""
    settlements: tuple[str, ...]
    """How many unknown rows each run settled as accepted or refused, likewise."""
    purges: tuple[str, ...]
    """Each forgetting of finished rows, likewise."""
    in_use: bool
    """A process owns the journal right now."""
    open_run: int | None
    """Number of the run that is going on or died; None after a clean end."""
    wal_lost: bool
    """The run died and its -wal file is gone: the counts are not to be trusted."""


def inspect(path: Path) -> Inspection:
    """Read counts and facts of a journal that may be in use. Blocks; for command lines.

    Raises:
        JournalError: there is no journal, or it is not safe to read.
    """
    with _reading(path) as connection:
        connection.execute("BEGIN")
        meta: dict[str, str] = dict(connection.execute("SELECT k, v FROM meta"))
        open_run = meta.get(OPEN_RUN)
        return Inspection(
            counts=count_rows(connection),
            fingerprint=json.loads(meta.get(FINGERPRINT, "{}")),
            meta={name: value for name, value in meta.items() if not name.startswith(OWN_PREFIX)},
            causes=count_causes(connection),
            resends=_entries(meta, RESEND),
            requeues=_entries(meta, REQUEUE),
            settlements=_entries(meta, SETTLE),
            purges=_entries(meta, PURGE),
            in_use=is_in_use(path),
            open_run=None if open_run is None else int(open_run),
            wal_lost=open_run is not None and not _wal(path).exists(),
        )


def read_rows(path: Path, state: State) -> Iterator[RowDetail]:
    """Go through the rows in one state of a journal that may be in use. Blocks; for command lines."""
    after = 0
    while page := read_page(path, state, after):
        yield from page
        after = page[-1].seq


def read_page(path: Path, state: State, after: int) -> list[RowDetail]:
    """Read the next rows in one state behind the row number `after`."""
    with _reading(path) as connection:
        return select_page(connection, state, after)


def select_page(connection: sqlite3.Connection, state: State, after: int) -> list[RowDetail]:
    """Select the next rows in one state behind the row number `after`."""
    return [
        RowDetail(
            seq=seq,
            state=STATES[code_of_state],
            receiver=receiver,
            endpoint=endpoint,
            payload=payload,
            attempts=attempts,
            not_before=not_before,
            run=run,
            claimed_at=claimed_at,
            done_at=done_at,
            http=http,
            code=code,
            message_id=message_id,
            note=note,
        )
        for (
            seq, code_of_state, receiver, endpoint, payload, attempts, not_before, run, claimed_at, done_at, http, code,
            message_id, note,
        ) in connection.execute(_PAGE, (STATES.index(state), after, PAGE))
    ]  # fmt: skip


def read_open_run(path: Path) -> int | None:
    """Tell which run the main file calls open."""
    with reading_as_it_is(path) as connection:
        row = connection.execute("SELECT v FROM meta WHERE k = ?", (OPEN_RUN,)).fetchone()
        return None if row is None else int(row[0])


def connect_read_only(path: Path, *, immutable: bool) -> sqlite3.Connection:
    """Connect without the right to write; an immutable file is read without a look at what lies beside it."""
    mode = "mode=ro&immutable=1" if immutable else "mode=ro"
    uri = f"{path.absolute().as_uri()}?{mode}"
    return sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)


@contextmanager
def reading_as_it_is(path: Path) -> Iterator[sqlite3.Connection]:
    """Connect to a journal that may be in use, of this or an older version, without the right to write.

    Raises:
        JournalError: there is no journal, or it is not safe to read.
    """
    try:
        # No descriptor is opened for this: closing it would drop the locks of an owner in this very process.
        check_file(path, path.lstat())
        # Without a -wal a reader would create one, and the owner could no longer notice that the -wal was lost.
        with closing(connect_read_only(path, immutable=not _wal(path).exists())) as connection:
            if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
                raise JournalError(f"{path} is not a campaign journal")
            check_version(path, connection)
            yield connection
    except FileNotFoundError as exc:
        raise JournalError(f"there is no journal at {path}") from exc
    except OSError as exc:
        raise JournalError(f"cannot read the journal {path}: {exc.strerror}") from exc
    except sqlite3.Error as exc:
        raise JournalError(f"cannot read the journal {path}: {exc}") from exc


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    with reading_as_it_is(path) as connection:
        version = check_version(path, connection)
        if version == newest_version():
            yield connection
            return
        # The file is its owner's to upgrade; whoever only looks upgrades a copy.
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as copied:
            connection.backup(copied)
            upgrade(copied, version)
            yield copied


def _entries(meta: Mapping[str, str], prefix: str) -> tuple[str, ...]:
    return tuple(value for name, value in sorted(meta.items()) if name.startswith(prefix))


def _wal(path: Path) -> Path:
    return path.with_name(path.name + "-wal")
