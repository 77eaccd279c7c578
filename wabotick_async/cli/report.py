"""The report of a campaign, and the exit code that it means."""

from __future__ import annotations

from collections.abc import Iterable

from ..outcomes import BulkReport
from ..transport import Learnt
from .exits import ExitCode
from .terminal import out, plain

__all__ = ["exit_code_of_report", "print_learnt", "print_report"]


def exit_code_of_report(report: BulkReport, expected_rows: int) -> ExitCode:
    """Return how a campaign ended that was to send so many rows."""
    if report.not_sent or report.rows < expected_rows:
        return ExitCode.STOPPED
    unfit = report.skipped - report.causes.get("duplicate", 0)
    return ExitCode.INCOMPLETE if report.refused or report.unknown or unfit else ExitCode.DONE


def print_report(report: BulkReport, expected_rows: int) -> None:
    """Print the counts of a campaign."""
    unread = max(0, expected_rows - report.rows)
    numbers = {
        "accepted": report.accepted,
        "refused": report.refused,
        "unknown": report.unknown,
        "skipped": report.skipped,
        "not sent": report.not_sent + unread,
        "rows": report.rows + unread,
    }
    for name, number in numbers.items():
        out(f"{name:<9} {number:>9,}")
    if report.causes:
        out("causes    " + ", ".join(f"{plain(cause)} {times:,}" for cause, times in report.causes.items()))
    if report.elapsed:
        out(f"time      {report.elapsed:>9.1f} s")
    if report.stopped:
        out(f"stopped   {plain(report.stopped)}")


def print_learnt(learnt: Iterable[Learnt]) -> None:
    """Print the rates that are lower than configured."""
    for one in learnt:
        out(f"learnt    {plain(str(one.scope))}: {one.rate:.4g} of {one.configured:.4g} requests a second")
