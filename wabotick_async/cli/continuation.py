"""Go on with a campaign that `broadcast` began, after a decision about some of its rows or without one."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from ..bulk import SQLiteJournal
from ..bulk.journal import Inspection, Opened
from ..client import WabotickClient
from ..config import Limits
from ..outcomes import BulkReport
from .campaign import PlannedJournal, conclude, read_plan, resume_command, send_campaign
from .connection import connect
from .exits import CommandError
from .loop import run_async
from .plan import Plan
from .recipients import RecipientFile
from .terminal import say

__all__ = [
    "AcceptLostWal",
    "Concurrency",
    "Continuation",
    "MaxUnknown",
    "QueuedOnly",
    "Rate",
    "Source",
    "StartRate",
    "go_on",
    "say_queued",
]

QueuedOnly = Annotated[bool, typer.Option("--queued-only", help="Send what the journal holds, without the CSV file.")]
Source = Annotated[
    Path | None, typer.Option("--csv", metavar="PATH", help="Where the CSV file is now, if it was moved.")
]
Rate = Annotated[float | None, typer.Option(min=0.001, help="Requests a second, if no longer as begun.")]
StartRate = Annotated[
    float | None, typer.Option(min=0.001, help="Requests a second to begin with, as an earlier run has learnt.")
]
Concurrency = Annotated[int | None, typer.Option(min=1, help="Requests in flight.")]
MaxUnknown = Annotated[int | None, typer.Option(min=0, help="Stop after more unknown outcomes.")]
AcceptLostWal = Annotated[
    bool, typer.Option("--accept-lost-wal", help="The -wal file is lost for good: count what is left as unknown.")
]

Decide = Callable[[SQLiteJournal], Awaitable[None]]
"""Moves rows of an open journal, or raises, and nothing is sent."""


class Continuation(msgspec.Struct, frozen=True, kw_only=True):
    """How to go on; None stands for what the campaign was begun with."""

    queued_only: bool = False
    source: Path | None = None
    rate: float | None = None
    start_rate: float | None = None
    concurrency: int | None = None
    max_unknown: int | None = None
    accept_lost_wal: bool = False
    base_url: str | None = None
    phone_number_id: str | None = None
    token_file: Path | None = None

    def change(self, plan: Plan) -> Plan:
        """Return the plan with the pace that is wanted now."""
        wanted = {name: getattr(self, name) for name in ("rate", "start_rate", "concurrency", "max_unknown")}
        return msgspec.structs.replace(plan, **{name: value for name, value in wanted.items() if value is not None})


class _DecidedJournal(PlannedJournal):
    def __init__(self, path: Path, decide: Decide | None, *, accept_lost_wal: bool) -> None:
        super().__init__(path, accept_lost_wal=accept_lost_wal)
        self._decide = decide

    async def open(self, fingerprint: Mapping[str, str]) -> Opened:
        opened = await super().open(fingerprint)
        if self._decide is not None:
            try:
                await self._decide(self)
            except BaseException:
                await self.close("nothing was decided")
                raise
        return opened


def go_on(journal: Path, how: Continuation, decide: Decide | None = None) -> int:
    """Send what is left of a campaign, and return the exit code.

    Every row is sent as it was when the journal first stored it. The CSV file is read only as long as the journal lacks
    rows of it.

    Args:
        journal: the campaign's.
        how: what differs from the beginning.
        decide: called when the journal is open, before anything is sent.

    Raises:
        CommandError: there is no plan, the CSV file was changed, or `decide` found nothing to do.
        WabotickError: the journal or a setting cannot be used.
    """
    found = SQLiteJournal.inspect(journal)
    plan = how.change(_read_plan(journal, found))
    without_file = how.queued_only or found.counts.rows >= plan.rows
    file = None if without_file else _unchanged_file(how.source or Path(plan.source), plan, journal)
    client = connect(
        how.base_url or plan.base_url,
        how.phone_number_id or plan.phone_number_id,
        how.token_file,
        limits=Limits(rate=plan.rate, start_rate=plan.start_rate, concurrency=plan.concurrency),
        timeout=plan.timeout,
    )
    opening = _DecidedJournal(journal, decide, accept_lost_wal=how.accept_lost_wal)
    report = run_async(_send(client, plan, file, opening))
    return conclude(report, plan.rows, journal, client.limiter)


def say_queued(rows: int, what: str, nothing: str) -> None:
    """Tell how many rows a decision has queued.

    Raises:
        CommandError: there are none, for the reason that `nothing` gives.
    """
    if not rows:
        raise CommandError(nothing)
    say(f"{rows:,} {what}")


async def _send(client: WabotickClient, plan: Plan, file: RecipientFile | None, journal: PlannedJournal) -> BulkReport:
    async with client:
        messages = () if file is None else plan.messages(file)
        return await send_campaign(client, plan, journal, messages, total=plan.rows)


def _read_plan(journal: Path, found: Inspection) -> Plan:
    plan = read_plan(found.meta)
    if plan is not None:
        return plan
    if found.counts.rows == 0:
        raise CommandError(f"{journal} holds no campaign yet, nothing was sent: delete it and broadcast anew")
    raise CommandError(f"{journal} was not begun by `wabotick broadcast`: go on with the program that began it")


def _unchanged_file(path: Path, plan: Plan, journal: Path) -> RecipientFile:
    way_out = f"to send just what the journal holds: {resume_command(journal)} --queued-only"
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CommandError(
            f"{path}: expected the campaign's file: {error.strerror} (--csv names it); {way_out}"
        ) from None
    if digest != plan.digest:
        raise CommandError(f"{path}: expected the file as it was when the campaign began, it was changed; {way_out}")
    return RecipientFile(path, delimiter=plan.delimiter)
