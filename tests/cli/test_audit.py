"""The comparison of report and ledger finds what is wrong."""

from __future__ import annotations

from collections import Counter

import pytest

from wabotick_async import BulkReport
from wabotick_async.bulk.journal import RowDetail, State
from wabotick_async.cli.audit import Audit, audit

ADA, BOB, CY = "919812345671", "919812345672", "919812345673"


def row(receiver: str, state: State, *, seq: int = 1, message_id: str | None = None) -> RowDetail:
    return RowDetail(
        seq=seq,
        state=state,
        receiver=receiver,
        endpoint="send_text",
        payload=b"{}",
        attempts=1,
        not_before=0.0,
        run=1,
        claimed_at=None,
        done_at=None,
        http=None,
        code=None,
        message_id=message_id,
        note=None,
    )


def compare(
    rows: list[RowDetail], ledger: dict[str, str | None], report: BulkReport, *, times: dict[str, int] | None = None
) -> Audit:
    counted = Counter(times or dict.fromkeys(ledger, 1))
    return audit([ADA, BOB], rows, ledger, counted, report=report, rows=2)


GOOD = [row(ADA, State.ACCEPTED, message_id="x"), row(BOB, State.UNKNOWN, seq=2)]


@pytest.mark.parametrize("ledger", [{ADA: "x"}, {ADA: "x", BOB: "y"}], ids=["not accepted", "accepted"])
def test_a_truthful_report_passes(ledger: dict[str, str | None]) -> None:
    found = compare(GOOD, ledger, BulkReport(accepted=1, unknown=1))

    assert found.truthful
    assert [(one.row, one.receiver, one.accepted) for one in found.unknown] == [(3, BOB, BOB in ledger)]


@pytest.mark.parametrize(
    ("rows", "ledger", "fault", "receiver"),
    [
        (GOOD[:1], {ADA: "x"}, "lost", BOB),
        ([GOOD[0], row(BOB, State.IN_FLIGHT)], {ADA: "x"}, "lost", BOB),
        (GOOD, {}, "falsely accepted", ADA),
        (GOOD, {ADA: "another"}, "falsely accepted", ADA),
        ([GOOD[0], row(BOB, State.REFUSED)], {ADA: "x", BOB: "y"}, "falsely refused", BOB),
        (GOOD, {ADA: "x", CY: "z"}, "strangers", CY),
    ],
    ids=["no row", "in flight", "not there", "another message", "refused", "stranger"],
)
def test_an_untruth_is_found(rows: list[RowDetail], ledger: dict[str, str | None], fault: str, receiver: str) -> None:
    found = compare(rows, ledger, BulkReport(accepted=1, unknown=1))

    assert found.faults()[fault] == (receiver,)
    assert not found.truthful


def test_a_repeat_is_found() -> None:
    found = compare(GOOD, {ADA: "x"}, BulkReport(accepted=1, unknown=1), times={ADA: 2})

    assert found.twice == (ADA,)


@pytest.mark.parametrize(
    ("report", "times", "expected"),
    [
        (BulkReport(accepted=1), {ADA: 1}, "the report counts 1 rows, the file has 2"),
        (BulkReport(accepted=2), {ADA: 1}, "the report's counts are not those of the journal's rows"),
        (BulkReport(accepted=1, unknown=1), {ADA: 2}, "accepted, and unknown but accepted, are 1; the ledger has 2"),
    ],
)
def test_a_wrong_sum_is_found(report: BulkReport, times: dict[str, int], expected: str) -> None:
    assert compare(GOOD, {ADA: "x"}, report, times=times).miscounted == expected
