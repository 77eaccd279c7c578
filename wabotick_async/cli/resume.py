"""`wabotick resume`: go on with a campaign that stopped or died."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from ..bulk import SQLiteJournal
from ..bulk.journal import Inspection
from ..client import WabotickClient
from ..config import Limits
from ..outcomes import BulkReport
from .campaign import PlannedJournal, conclude, read_plan, resume_command, send_campaign
from .connection import BaseURL, PhoneNumberId, TokenFile, connect
from .exits import CommandError
from .loop import run_async
from .plan import Plan
from .recipients import RecipientFile

__all__ = ["resume"]


def resume(
    journal: Annotated[Path, typer.Argument(help="The journal of the campaign.")],
    *,
    queued_only: Annotated[
        bool, typer.Option("--queued-only", help="Send what the journal holds, without the CSV file.")
    ] = False,
    source: Annotated[
        Path | None, typer.Option("--csv", metavar="PATH", help="Where the CSV file is now, if it was moved.")
    ] = None,
    rate: Annotated[float | None, typer.Option(min=0.001, help="Requests a second, if no longer as begun.")] = None,
    concurrency: Annotated[int | None, typer.Option(min=1, help="Requests in flight.")] = None,
    max_unknown: Annotated[int | None, typer.Option(min=0, help="Stop after more unknown outcomes.")] = None,
    accept_lost_wal: Annotated[
        bool, typer.Option("--accept-lost-wal", help="The -wal file is lost for good: count what is left as unknown.")
    ] = False,
    base_url: BaseURL = None,
    phone_number_id: PhoneNumberId = None,
    token_file: TokenFile = None,
) -> int:
    """Go on with a campaign. Rows of unknown outcome stay unknown: nothing is sent to anybody twice."""
    found = SQLiteJournal.inspect(journal)
    plan = _with_changes(_read_plan(journal, found), rate, concurrency, max_unknown)
    file = None if queued_only else _unchanged_file(source or Path(plan.source), plan, journal)
    client = connect(
        base_url or plan.base_url,
        phone_number_id or plan.phone_number_id,
        token_file,
        limits=Limits(rate=plan.rate, concurrency=plan.concurrency),
        timeout=plan.timeout,
    )
    report = run_async(_resume(client, plan, file, PlannedJournal(journal, accept_lost_wal=accept_lost_wal), plan.rows))
    return conclude(report, plan.rows, journal)


async def _resume(
    client: WabotickClient, plan: Plan, file: RecipientFile | None, journal: PlannedJournal, total: int
) -> BulkReport:
    async with client:
        messages = () if file is None else plan.messages(file)
        return await send_campaign(client, plan, journal, messages, total=total)


def _read_plan(journal: Path, found: Inspection) -> Plan:
    plan = read_plan(found.meta)
    if plan is not None:
        return plan
    if found.counts.rows == 0:
        raise CommandError(f"{journal} holds no campaign yet, nothing was sent: delete it and broadcast anew")
    raise CommandError(f"{journal} was not begun by `wabotick broadcast`: go on with the program that began it")


def _with_changes(plan: Plan, rate: float | None, concurrency: int | None, max_unknown: int | None) -> Plan:
    return msgspec.structs.replace(
        plan,
        rate=plan.rate if rate is None else rate,
        concurrency=plan.concurrency if concurrency is None else concurrency,
        max_unknown=plan.max_unknown if max_unknown is None else max_unknown,
    )


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
