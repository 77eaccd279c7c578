"""What the server's ledger says about a journal. The ledger is the judge: the client has no part in it."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path

import msgspec

from wabotick_async.bulk import RowDetail, SQLiteJournal, State
from wabotick_async.sandbox import Ledger

__all__ = ["Verdict", "integrity", "judge"]


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the messages of a source."""

    messages: int
    delivered: int
    """Recipients in the ledger."""
    accepted: int
    refused: int
    unknown: int
    """Rows that the journal says it cannot vouch for."""
    unknown_delivered: int
    """Those of them that the ledger has."""
    lost: int
    """Messages that were not delivered, and of which the journal does not say so: neither unknown nor refused."""
    duplicated: int
    """Recipients who got the message more than once."""
    falsely_accepted: int
    """Rows called accepted whose recipient and message id the ledger does not have."""
    falsely_refused: int
    """Rows called refused or skipped whose recipient got the message."""
    strangers: int
    """Recipients in the ledger, or in the journal, who are not in the source."""
    integrity: str
    """What SQLite's `integrity_check` says of the journal."""

    @property
    def truthful(self) -> bool:
        """Tell whether nothing is lost, doubled or misstated."""
        wrong = self.lost + self.duplicated + self.falsely_accepted + self.falsely_refused + self.strangers
        return wrong == 0 and self.integrity == "ok"


def judge(recipients: Iterable[str], ledger_path: Path, journal_path: Path) -> Verdict:
    """Compare the journal of an ended campaign with the ledger of the server.

    Raises:
        JournalError: the journal cannot be read.
    """
    wanted = set(recipients)
    ledger = Ledger.read(ledger_path)
    times = ledger.per_recipient()
    message_ids = {entry.phone_number: entry.message_id for entry in ledger.entries}
    rows = {row.receiver: row for state in State for row in SQLiteJournal.read_rows(journal_path, state)}
    states = Counter(row.state for row in rows.values())
    silent = {State.UNKNOWN, State.REFUSED}
    return Verdict(
        messages=len(wanted),
        delivered=len(times),
        accepted=states[State.ACCEPTED],
        refused=states[State.REFUSED],
        unknown=states[State.UNKNOWN],
        unknown_delivered=sum(row.state is State.UNKNOWN and row.receiver in times for row in rows.values()),
        lost=sum(one not in times and (one not in rows or rows[one].state not in silent) for one in wanted),
        duplicated=sum(count > 1 for count in times.values()),
        falsely_accepted=sum(row.state is State.ACCEPTED and not _is_in(row, message_ids) for row in rows.values()),
        falsely_refused=sum(
            row.state in {State.REFUSED, State.SKIPPED} and row.receiver in times for row in rows.values()
        ),
        strangers=len((times.keys() | rows.keys()) - wanted),
        integrity=integrity(journal_path),
    )


def integrity(journal_path: Path) -> str:
    """Return what SQLite says of the whole file: "ok", or what is wrong."""
    with closing(sqlite3.connect(f"file:{journal_path}?mode=ro", uri=True)) as connection:
        return "; ".join(text for (text,) in connection.execute("PRAGMA integrity_check"))


def _is_in(row: RowDetail, message_ids: Mapping[str, str | None]) -> bool:
    return row.message_id is not None and message_ids.get(row.receiver) == row.message_id
