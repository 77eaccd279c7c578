"""Moves that somebody decides on: settling, sending again, trying again. Each of them is logged in the journal."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from typing import Any, Final

from ...errors import JournalError
from ...outcomes import Outcome
from .schema import ACCEPTED, QUEUED, REFUSED, REQUEUE, RESEND, SETTLE, STATES, UNKNOWN
from .store import Store

__all__ = ["receivers_with", "requeue_refused", "resend_unknown", "settle"]

_SETTLED: Final = {Outcome.ACCEPTED: ACCEPTED, Outcome.REFUSED: REFUSED}
_SETTLE: Final = """
UPDATE item SET state = ?, t_done = ?, code = ?, wa_id = coalesce(?, wa_id), note = ? WHERE seq = ? AND +state = 4
"""
# What the last attempt left is gone with the move: a crash in the next one must not show the cause of the one before.
_QUEUE_AGAIN: Final = """
UPDATE item SET state = 0, not_before = 0, t_done = NULL, http = NULL, code = NULL, wa_id = NULL, note = NULL
WHERE seq = ? AND +state = ?
"""
_OLD_UNKNOWN: Final = """
SELECT seq FROM item WHERE state = 4 AND (run IS NULL OR run <> ?) AND (t_intent IS NULL OR t_intent <= ?) ORDER BY seq
"""
# A purged row has no content to send.
_REFUSED: Final = """
SELECT seq FROM item WHERE state = 3 AND payload <> x''
  AND (code = :code OR substr(code, 1, length(:code) + 1) = :code || ':') ORDER BY seq LIMIT :limit
"""
_RECEIVERS: Final = """
SELECT receiver FROM item WHERE state IN (3, 5) AND receiver <> ''
  AND (code = :code OR substr(code, 1, length(:code) + 1) = :code || ':') GROUP BY receiver ORDER BY min(seq)
"""


def settle(store: Store, seq: int, outcome: Outcome, message_id: str | None, note: str | None) -> bool:
    """Settle an unknown row; see `Journal.settle`."""
    if outcome not in _SETTLED:
        raise JournalError(f"row {seq} cannot be settled as {outcome}: only as accepted or refused")
    row = store.connection.execute("SELECT state FROM item WHERE seq = ?", (seq,)).fetchone()
    if row is None:
        raise JournalError(f"there is no row {seq}")
    if row[0] != UNKNOWN:
        return False
    state, now = _SETTLED[outcome], store.clock()
    code = "reconciled" if state == REFUSED else None
    store.connection.execute(_SETTLE, (state, now, code, message_id, note, seq))
    store.count_move(UNKNOWN, state)
    # One entry a run and outcome: ten thousand rows must not make ten thousand facts. Each row has its own note.
    name = f"{SETTLE}{store.run:06}.{STATES[state]}"
    before = json.loads(store.get_meta(name) or '{"rows": 0}')["rows"]
    _log(store, name, {"run": store.run, "at": now, "rows": before + 1, "reason": f"found to be {STATES[state]}"})
    return True


def requeue_refused(store: Store, code: str, limit: int | None, reason: str) -> int:
    """Queue refused rows of one cause again; see `Journal.requeue_refused`."""
    _check_code(code)
    _check_limit(limit)
    wanted = {"code": code, "limit": -1 if limit is None else limit}
    rows = _queue_again(store, REFUSED, [seq for (seq,) in store.connection.execute(_REFUSED, wanted)])
    _log_next(store, REQUEUE, {"run": store.run, "at": store.clock(), "rows": rows, "reason": reason, "code": code})
    return rows


def resend_unknown(store: Store, limit: int, reason: str, seqs: Sequence[int] | None, min_age: float) -> int:
    """Queue unknown rows again; see `Journal.resend_unknown`."""
    _check_limit(limit)
    now = store.clock()
    chosen = None if seqs is None else frozenset(seqs)
    found = store.connection.execute(_OLD_UNKNOWN, (store.run, now - min_age))
    wanted = (seq for (seq,) in found if chosen is None or seq in chosen)
    rows = _queue_again(store, UNKNOWN, list(itertools.islice(wanted, limit)))
    _log_next(store, RESEND, {"run": store.run, "at": now, "rows": rows, "reason": reason})
    return rows


def receivers_with(store: Store, code: str) -> list[str]:
    """List the receivers of one cause; see `Journal.receivers_with`."""
    _check_code(code)
    return [receiver for (receiver,) in store.connection.execute(_RECEIVERS, {"code": code})]


def _queue_again(store: Store, state: int, seqs: Sequence[int]) -> int:
    rows = store.connection.executemany(_QUEUE_AGAIN, ((seq, state) for seq in seqs)).rowcount if seqs else 0
    store.count_move(state, QUEUED, rows)
    return rows


def _check_code(code: str) -> None:
    if not code:
        raise JournalError("expected a cause, got an empty text")


def _check_limit(limit: int | None) -> None:
    # SQLite takes a limit below 0 for none at all.
    if limit is not None and limit < 0:
        raise JournalError(f"expected a limit of 0 or more, got {limit}")


def _log_next(store: Store, prefix: str, entry: dict[str, Any]) -> None:
    [(number,)] = store.connection.execute("SELECT count(*) FROM meta WHERE k GLOB ?", (prefix + "*",)).fetchall()
    _log(store, f"{prefix}{number + 1:06}", entry)


def _log(store: Store, name: str, entry: dict[str, Any]) -> None:  # Any: a number or a text, for JSON
    store.connection.execute(
        "INSERT INTO meta VALUES(?, ?) ON CONFLICT(k) DO UPDATE SET v = excluded.v", (name, json.dumps(entry))
    )
