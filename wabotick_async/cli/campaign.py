"""Run a campaign from the command line: journal with its plan, live view, signals."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from ..bulk import BulkMessage, BulkSender, SQLiteJournal
from ..bulk.journal import Opened
from ..client import WabotickClient
from ..errors import CampaignAbortedError
from ..outcomes import BulkReport
from ..transport import Limiter, RateLimiter
from .exits import CommandError, ExitCode
from .loop import catch_signals
from .plan import Plan
from .progress import show_progress
from .report import exit_code_of_report, print_learnt, print_report
from .terminal import say

__all__ = ["PlannedJournal", "conclude", "read_plan", "resume_command", "send_campaign"]

_PLAN = "plan"


class PlannedJournal(SQLiteJournal):
    """A journal that gets its plan as it is opened, before any row.

    Args:
        path: the file.
        plan: stored where given.
        accept_lost_wal: see `SQLiteJournal`.
    """

    def __init__(self, path: Path, plan: Plan | None = None, *, accept_lost_wal: bool = False) -> None:
        super().__init__(path, accept_lost_wal=accept_lost_wal)
        self._plan = plan

    async def open(self, fingerprint: Mapping[str, str]) -> Opened:
        """Become the owner, start a run and store the plan; see `Journal.open`."""
        opened = await super().open(fingerprint)
        if self._plan is not None:
            try:
                await self.set_meta(_PLAN, msgspec.json.encode(self._plan).decode())
            except BaseException:
                await self.close("the plan could not be stored")
                raise
        return opened


def read_plan(meta: Mapping[str, str]) -> Plan | None:
    """Return the plan in the facts of a journal, or None where the command line did not make it."""
    try:
        return msgspec.json.decode(meta[_PLAN], type=Plan)
    except (KeyError, msgspec.DecodeError):
        return None


def resume_command(journal: Path, options: str = "") -> str:
    """Return the command that goes on with a campaign."""
    return f"wabotick resume {shlex.quote(str(journal))}{options}"


async def send_campaign(
    client: WabotickClient, plan: Plan, journal: PlannedJournal, messages: Iterable[BulkMessage], *, total: int
) -> BulkReport:
    """Send messages with a live view; the first Ctrl-C stops the feed and drains, the second one ends it at once.

    Args:
        client: sends.
        plan: how fast and how wide.
        journal: not open yet.
        messages: the source.
        total: rows to expect, for the view.

    Raises:
        CommandError: it was interrupted twice.
        JournalError: the journal cannot be used.
    """
    sender = BulkSender(
        client,
        journal=journal,
        campaign=plan.campaign,
        concurrency=plan.concurrency,
        max_unknown=plan.max_unknown,
    )
    running = asyncio.create_task(sender.run(messages))

    def stop() -> None:
        say("stopping: what is in flight is finished, no further message leaves (again: at once)")
        sender.stop("interrupted")

    def end() -> None:
        running.cancel()

    try:
        with catch_signals(stop, end):
            async with show_progress(sender.snapshot, total, client.limiter):
                await asyncio.wait({running})
    except asyncio.CancelledError:
        # A signal from just before they were caught: the journal is closed before anybody goes on.
        running.cancel()
        await asyncio.wait({running})
        raise
    if running.cancelled():
        raise CommandError(
            "interrupted at once: what was in flight is unknown now",
            f"go on with: {resume_command(journal.path)}",
            code=ExitCode.INTERRUPTED,
        )
    try:
        return running.result()
    except CampaignAbortedError as error:
        if error.report is None:
            raise
        return error.report


def conclude(report: BulkReport, total: int, journal: Path, limiter: Limiter) -> ExitCode:
    """Print the report and the pace that was learnt, say what to do next, and return the exit code."""
    print_report(report, total)
    learnt = limiter.learnt() if isinstance(limiter, RateLimiter) else []
    print_learnt(learnt)
    start = "".join(f" --start-rate {one.rate:.4g}" for one in learnt if one.scope.kind == "account")
    code = exit_code_of_report(report, total)
    if code is ExitCode.STOPPED:
        say(f"not everything was sent; go on with: {resume_command(journal, start)}")
    elif code is ExitCode.INCOMPLETE:
        parts = {"refused": report.refused, "of unknown outcome": report.unknown}
        said = " and ".join(f"{number:,} {name}" for name, number in parts.items() if number) or "some rows not sent"
        say(f"complete, but {said}; see: wabotick status {shlex.quote(str(journal))} --refused --unknown")
    if start and code is not ExitCode.STOPPED:
        say(f"the next campaign may begin at the pace that was learnt:{start}")
    return code
