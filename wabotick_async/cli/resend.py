"""`wabotick resend`: send rows of unknown outcome again, on somebody's word."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from ..bulk import SQLiteJournal
from ..bulk.journal import State
from .connection import BaseURL, PhoneNumberId, TokenFile
from .continuation import (
    Concurrency,
    Continuation,
    Decide,
    MaxUnknown,
    QueuedOnly,
    Rate,
    Source,
    StartRate,
    go_on,
    say_queued,
)
from .exits import CommandError

__all__ = ["resend"]

_HEADER = 1
"""A person counts the header of the CSV file, the journal does not."""


def resend(
    journal: Annotated[Path, typer.Argument(help="The journal of the campaign.")],
    *,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Who decided this, and why; kept in the journal.")],
    row: Annotated[
        list[int] | None, typer.Option(metavar="N", help="A row of unknown outcome, as `status --unknown` numbers it.")
    ] = None,
    all_unknown: Annotated[bool, typer.Option("--all-unknown", help="All of them, up to --limit.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="How many of --all-unknown at most.")] = None,
    queued_only: QueuedOnly = False,
    source: Source = None,
    rate: Rate = None,
    start_rate: StartRate = None,
    concurrency: Concurrency = None,
    max_unknown: MaxUnknown = None,
    base_url: BaseURL = None,
    phone_number_id: PhoneNumberId = None,
    token_file: TokenFile = None,
) -> int:
    """Send rows of unknown outcome again, then go on as `resume` does.

    Most such rows were delivered, so people may get the message TWICE. Look into their conversations first.
    """
    how = Continuation(
        queued_only=queued_only,
        source=source,
        rate=rate,
        start_rate=start_rate,
        concurrency=concurrency,
        max_unknown=max_unknown,
        base_url=base_url,
        phone_number_id=phone_number_id,
        token_file=token_file,
    )
    return go_on(journal, how, _decision(row or (), reason, limit, all_unknown=all_unknown))


def _decision(rows: Sequence[int], reason: str, limit: int | None, *, all_unknown: bool) -> Decide:
    if not reason.strip():
        raise CommandError("--reason: expected some words, they are kept in the journal")
    if bool(rows) == all_unknown:
        raise CommandError("expected either --row, once for each row, or --all-unknown")
    if all_unknown != (limit is not None):
        raise CommandError("expected --limit with --all-unknown, and only there")
    seqs = None if all_unknown else {row - _HEADER for row in rows}
    most = len(seqs) if seqs is not None else limit or 0

    async def decide(journal: SQLiteJournal) -> None:
        if seqs is not None:
            await _check(journal, seqs)
        queued = await journal.resend_unknown(most, reason, seqs=None if seqs is None else sorted(seqs))
        say_queued(
            queued,
            "rows of unknown outcome are queued again; who got the message before gets it twice",
            "no row is of unknown outcome; nothing was sent",
        )

    return decide


async def _check(journal: SQLiteJournal, seqs: set[int]) -> None:
    left = set(seqs)
    async for found in journal.rows(State.UNKNOWN):
        left.discard(found.seq)
    if left:
        rows = ", ".join(str(seq + _HEADER) for seq in sorted(left))
        raise CommandError(f"--row {rows}: expected rows of unknown outcome; nothing was sent")
