"""The judge: what the journal says, held against what the server's own ledger says.

Three promises, and every fault test ends with them: no row is lost, no message is sent twice, and no row is called
accepted (or refused, or not sent) that the server knows better about. Only `unknown` may go either way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from wabotick_async.bulk import SQLiteJournal
from wabotick_async.bulk.journal import Counts, RowDetail, State
from wabotick_async.sandbox import Ledger, LedgerEntry

__all__ = ["assert_truthful", "find_lies"]

_NOT_DELIVERED = frozenset({State.QUEUED, State.REFUSED, State.SKIPPED})


def find_lies(ledger: Iterable[LedgerEntry], journal: Iterable[RowDetail], rows: Iterable[str]) -> list[str]:
    """Return every contradiction between ledger, journal and source, in words.

    Args:
        ledger: what the server accepted. The second copy that the server made by itself does not count.
        journal: all rows of the closed journal.
        rows: the recipient of each row that was read from the source, repeats included; one message a recipient.
    """
    accepted = [entry for entry in ledger if not entry.by_server]
    stored = list(journal)
    return [*_lost(stored, list(rows)), *_duplicated(accepted), *_false(accepted, stored)]


def assert_truthful(ledger: Ledger, journal: Path, rows: Iterable[str]) -> Counts:
    """Fail on any contradiction, and return the journal's counts; see `find_lies`."""
    stored = [row for state in State for row in SQLiteJournal.read_rows(journal, state)]
    lies = find_lies(ledger.entries, stored, rows)
    assert not lies, "\n".join(lies[:20])
    counts = SQLiteJournal.inspect(journal).counts
    assert counts.rows == len(stored), "the counts do not add up to the rows"
    return counts


def _lost(stored: Sequence[RowDetail], rows: Sequence[str]) -> list[str]:
    wanted, found = Counter(rows), Counter(row.receiver for row in stored)
    lost = [f"lost: {receiver} x {count}" for receiver, count in (wanted - found).items()]
    invented = [f"invented: {receiver} x {count}" for receiver, count in (found - wanted).items()]
    hanging = [f"still in flight: row {row.seq}" for row in stored if row.state is State.IN_FLIGHT]
    return [*lost, *invented, *hanging]


def _duplicated(accepted: Sequence[LedgerEntry]) -> list[str]:
    counts = Counter(entry.phone_number for entry in accepted)
    return [f"duplicated: {receiver} got {count}" for receiver, count in counts.items() if count > 1]


def _false(accepted: Sequence[LedgerEntry], stored: Sequence[RowDetail]) -> list[str]:
    by_receiver = {entry.phone_number: entry for entry in accepted}
    lies = [f"unaccounted for: {one}" for one in by_receiver.keys() - {row.receiver for row in stored}]
    for row in stored:
        entry = by_receiver.get(row.receiver)
        if row.state is State.ACCEPTED and entry is None:
            lies.append(f"falsely accepted: row {row.seq}, the server knows nothing of it")
        elif row.state is State.ACCEPTED and entry is not None and row.message_id not in {None, entry.message_id}:
            lies.append(f"falsely accepted: row {row.seq} has the message id of another")
        elif row.state in _NOT_DELIVERED and row.code != "duplicate" and entry is not None:
            lies.append(f"falsely {row.state}: row {row.seq} was accepted")
    return lies
