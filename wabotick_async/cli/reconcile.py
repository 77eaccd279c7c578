"""`wabotick reconcile`: find out what became of the rows of unknown outcome."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from ..bulk import BulkSender, Finding, ReconcileReport, SQLiteJournal
from ..client import WabotickClient
from ..config import Limits
from ..redaction import mask_phone_number
from .campaign import read_plan
from .connection import AsJSON, BaseURL, PhoneNumberId, TokenFile, connect
from .exits import ExitCode
from .loop import run_async
from .terminal import out, plain, say

__all__ = ["reconcile"]


def reconcile(
    journal: Annotated[Path, typer.Argument(help="The journal of a campaign that is not running.")],
    *,
    settle_after: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="By then an accepted message is in its conversation.")
    ] = 600.0,
    utc_offset: Annotated[
        float | None,
        typer.Option(
            min=-14,
            max=14,
            metavar="HOURS",
            help="What the server's clock is ahead of UTC, such as 5.5; learned from accepted rows if left out.",
        ),
    ] = None,
    pages: Annotated[int, typer.Option(min=1, help="Pages of 50 rows to read of one conversation at most.")] = 20,
    other: Annotated[
        list[Path] | None,
        typer.Option(metavar="JOURNAL", help="Journal of another campaign to the same people; may be repeated."),
    ] = None,
    rate: Annotated[float | None, typer.Option(min=0.001, help="Requests a second, if not as the campaign.")] = None,
    as_json: AsJSON = False,
    base_url: BaseURL = None,
    phone_number_id: PhoneNumberId = None,
    token_file: TokenFile = None,
) -> int:
    """Look for rows of unknown outcome in the conversations with their recipients. Nothing is sent.

    What is found becomes accepted; whatever is not certain stays unknown, with the reason.
    """
    found = SQLiteJournal.inspect(journal)
    plan = read_plan(found.meta)
    pace = Limits().rate if plan is None else plan.rate
    client = connect(
        base_url or found.fingerprint.get("base_url"),
        phone_number_id or found.fingerprint.get("phone_number_id") or None,
        token_file,
        limits=Limits(rate=rate or pace),
    )
    sender = BulkSender(client, journal=journal, campaign=found.fingerprint.get("campaign", ""))
    offset = None if utc_offset is None else utc_offset * 3600
    report = run_async(
        _reconcile(client, sender, settle_after=settle_after, utc_offset=offset, pages=pages, others=other or [])
    )
    # A journal of `broadcast` numbers the rows below the header; a person counts the header, too.
    header = 0 if plan is None else 1
    if as_json:
        _print_json(report, header)
    else:
        _print(report, header)
    if report.absent:
        say("absent rows stay unknown; whether to send one again is for you to decide: wabotick resend --help")
    return ExitCode.INCOMPLETE if report.unknown else ExitCode.DONE


async def _reconcile(
    client: WabotickClient,
    sender: BulkSender,
    *,
    settle_after: float,
    utc_offset: float | None,
    pages: int,
    others: list[Path],
) -> ReconcileReport:
    async with client:
        return await sender.reconcile(settle_after=settle_after, utc_offset=utc_offset, pages=pages, others=others)


def _print(report: ReconcileReport, header: int) -> None:
    for row in report.rows:
        if row.finding is not Finding.ACCEPTED:
            words = ", ".join(part for part in (row.finding.value.replace("_", " "), row.note) if part)
            out(f"row {row.row + header}: {mask_phone_number(row.receiver)}, {plain(words)}")
    for finding in Finding:
        out(f"{finding.value.replace('_', ' '):<14} {report.counts.get(finding, 0):>9,}")
    out(f"still unknown  {report.unknown:>9,}")


def _print_json(report: ReconcileReport, header: int) -> None:
    rows = [
        {
            "row": row.row + header,
            "phone_number": mask_phone_number(row.receiver),
            "finding": row.finding.value,
            "message_id": row.message_id,
            "note": row.note,
        }
        for row in report.rows
    ]
    counts = {finding.value: report.counts.get(finding, 0) for finding in Finding}
    content = {"accepted": report.accepted, "unknown": report.unknown, "counts": counts, "rows": rows}
    out(msgspec.json.format(msgspec.json.encode(content)).decode())
