"""`wabotick retry`: send refused rows of one cause again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..bulk import SQLiteJournal
from .connection import BaseURL, PhoneNumberId, TokenFile
from .continuation import Concurrency, Continuation, MaxUnknown, QueuedOnly, Rate, Source, StartRate, go_on, say_queued

__all__ = ["retry"]


def retry(
    journal: Annotated[Path, typer.Argument(help="The journal of the campaign.")],
    *,
    cause: Annotated[
        str,
        typer.Option(metavar="ADVICE", help="As `status` lists the causes; without a code it stands for all codes."),
    ],
    limit: Annotated[int | None, typer.Option(min=1, help="This many rows at most, the first ones.")] = None,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Kept in the journal.")] = "wabotick retry",
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
    """Queue the refused rows of one cause again, then go on as `resume` does.

    A refused row was not accepted, so nobody gets a message twice. Each row is sent as the journal holds it.
    """

    async def decide(opened: SQLiteJournal) -> None:
        rows = await opened.requeue_refused(cause, limit, reason)
        known = "" if rows else ", ".join(await opened.causes()) or "none"
        say_queued(
            rows,
            f"refused rows of the cause {cause} are queued again",
            f"--cause {cause}: no refused row has this cause; nothing was sent; the causes are: {known}",
        )

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
    return go_on(journal, how, decide)
