"""A run of a campaign: how it begins on a journal, what it makes of a dead one, and how it ends."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from ...errors import CampaignConflictError
from .rows import LONGEST_WAIT, Opened
from .schema import FINGERPRINT, LOST_WAL, OPEN_RUN, count_rows
from .transaction import checkpoint, transaction

__all__ = ["begin_run", "end_run"]

_SET: Final = "INSERT INTO meta VALUES(?, ?) ON CONFLICT(k) DO UPDATE SET v = excluded.v"
_DIED: Final = "the process ended before the answer was stored"
_WAL_LOST: Final = "the -wal file was lost: this row may have been sent"


def begin_run(
    connection: sqlite3.Connection, fingerprint: Mapping[str, str], clock: Callable[[], float], *, wal_lost: bool
) -> Opened:
    """Start a run: compare the fingerprint, call unknown what nobody can vouch for, and mark the run as open."""
    with transaction(connection):
        _compare(connection, fingerprint)
        now = clock()
        resumed = connection.execute("SELECT count(*) FROM run").fetchone()[0] > 0
        [(run,)] = connection.execute(
            "INSERT INTO run(boot_id, host, pid, started) VALUES(?, ?, ?, ?) RETURNING id",
            (_boot_id(), platform.node(), os.getpid(), now),
        ).fetchall()
        lost = 0
        if wal_lost:
            lost = connection.execute("UPDATE item SET state = 4, note = ? WHERE state = 0", (_WAL_LOST,)).rowcount
            connection.execute(_SET, (LOST_WAL, str(run)))
        died = connection.execute("UPDATE item SET state = 4, note = ? WHERE state = 1", (_DIED,)).rowcount
        latest = now + LONGEST_WAIT
        connection.execute("UPDATE item SET not_before = ? WHERE state = 0 AND not_before > ?", (latest, latest))
        connection.execute(_SET, (OPEN_RUN, str(run)))
        counts = count_rows(connection)
    # The mark of the open run must reach the main file: a -wal that is lost later must not take the mark along.
    checkpoint(connection)
    return Opened(run=run, resumed=resumed, counts=counts, unknown_from_crash=died, unknown_from_lost_wal=lost)


def end_run(connection: sqlite3.Connection, run: int, now: float, reason: str) -> None:
    """End a run cleanly, so that the main file alone tells the whole truth."""
    with transaction(connection):
        connection.execute("UPDATE run SET ended = ?, reason = ? WHERE id = ?", (now, reason, run))
        connection.execute("DELETE FROM meta WHERE k = ?", (OPEN_RUN,))
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _compare(connection: sqlite3.Connection, fingerprint: Mapping[str, str]) -> None:
    row = connection.execute("SELECT v FROM meta WHERE k = ?", (FINGERPRINT,)).fetchone()
    if row is None:
        connection.execute(_SET, (FINGERPRINT, json.dumps(dict(fingerprint), sort_keys=True)))
        return
    stored: dict[str, str] = json.loads(row[0])
    differing = sorted(name for name in stored.keys() | fingerprint.keys() if stored.get(name) != fingerprint.get(name))
    if differing:
        raise CampaignConflictError(f"the journal belongs to another campaign: it differs in {', '.join(differing)}")


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
