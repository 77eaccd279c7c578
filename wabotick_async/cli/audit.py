"""Compare a campaign's journal with the sandbox's ledger, row for row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from ..bulk.journal import RowDetail, State
from ..outcomes import BulkReport

__all__ = ["Audit", "UnknownRow", "audit"]


class UnknownRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of unknown outcome, and what the ledger says about it."""

    row: int
    """As a spreadsheet counts."""
    receiver: str
    cause: str
    accepted: bool
    """Whether the sandbox had accepted it."""


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """What the comparison found. A truthful campaign has nothing in it but unknown rows."""

    lost: tuple[str, ...] = ()
    """Recipients of the file without an outcome."""
    twice: tuple[str, ...] = ()
    """Recipients who got the message more than once."""
    falsely_accepted: tuple[str, ...] = ()
    """Recipients that the report calls accepted, and the ledger does not know."""
    falsely_refused: tuple[str, ...] = ()
    """Recipients that the report calls refused, or skipped, and who got the message."""
    strangers: tuple[str, ...] = ()
    """Recipients in the ledger who are not in the file."""
    miscounted: str | None = None
    """Which sum is wrong, or None."""
    unknown: tuple[UnknownRow, ...] = ()
    in_ledger: int = 0

    def faults(self) -> dict[str, tuple[str, ...]]:
        """Return who is concerned by each kind of untruth; all of them are to be empty."""
        return {
            "lost": self.lost,
            "twice": self.twice,
            "falsely accepted": self.falsely_accepted,
            "falsely refused": self.falsely_refused,
            "strangers": self.strangers,
        }

    @property
    def truthful(self) -> bool:
        """Tell whether the report says what happened."""
        return self.miscounted is None and not any(self.faults().values())


def audit(
    wanted: Iterable[str],
    details: Iterable[RowDetail],
    accepted: Mapping[str, str | None],
    times: Counter[str],
    *,
    report: BulkReport,
    rows: int,
) -> Audit:
    """Compare.

    Args:
        wanted: the recipients of the file, cleaned; repeats may occur.
        details: every row of the journal but repeats.
        accepted: the message id of each recipient in the ledger.
        times: how often each recipient is in the ledger.
        report: what the campaign said.
        rows: rows of the file.
    """
    by_receiver = {detail.receiver: detail for detail in details}
    recipients = set(wanted)
    states = {receiver: detail.state for receiver, detail in by_receiver.items()}
    settled = {State.ACCEPTED, State.REFUSED, State.UNKNOWN, State.SKIPPED}
    unknown = tuple(
        UnknownRow(row=detail.seq + 1, receiver=receiver, cause=detail.code or "unknown", accepted=receiver in accepted)
        for receiver, detail in sorted(by_receiver.items(), key=lambda item: item[1].seq)
        if detail.state is State.UNKNOWN
    )
    return Audit(
        lost=tuple(sorted(one for one in recipients if states.get(one) not in settled)),
        twice=tuple(sorted(one for one, count in times.items() if count > 1)),
        falsely_accepted=tuple(
            sorted(
                receiver
                for receiver, detail in by_receiver.items()
                if detail.state is State.ACCEPTED and not _is_in(detail, accepted)
            )
        ),
        falsely_refused=tuple(
            sorted(one for one, state in states.items() if state in {State.REFUSED, State.SKIPPED} and one in accepted)
        ),
        strangers=tuple(sorted(times.keys() - recipients)),
        miscounted=_miscounted(report, rows, states, unknown, sum(times.values())),
        unknown=unknown,
        in_ledger=sum(times.values()),
    )


def _is_in(detail: RowDetail, accepted: Mapping[str, str | None]) -> bool:
    if detail.receiver not in accepted:
        return False
    return detail.message_id is None or detail.message_id == accepted[detail.receiver]


def _miscounted(
    report: BulkReport, rows: int, states: Mapping[str, State], unknown: Iterable[UnknownRow], in_ledger: int
) -> str | None:
    if report.rows != rows:
        return f"the report counts {report.rows} rows, the file has {rows}"
    found = Counter(states.values())
    counts = (report.accepted, report.refused, report.unknown)
    if counts != (found[State.ACCEPTED], found[State.REFUSED], found[State.UNKNOWN]):
        return "the report's counts are not those of the journal's rows"
    expected = report.accepted + sum(one.accepted for one in unknown)
    if expected != in_ledger:
        return f"accepted, and unknown but accepted, are {expected}; the ledger has {in_ledger}"
    return None
