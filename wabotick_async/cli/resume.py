"""`wabotick resume`: go on with a campaign that stopped or died."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .connection import BaseURL, PhoneNumberId, TokenFile
from .continuation import (
    AcceptLostWal,
    Concurrency,
    Continuation,
    MaxUnknown,
    QueuedOnly,
    Rate,
    Source,
    StartRate,
    go_on,
)

__all__ = ["resume"]


def resume(
    journal: Annotated[Path, typer.Argument(help="The journal of the campaign.")],
    *,
    queued_only: QueuedOnly = False,
    source: Source = None,
    rate: Rate = None,
    start_rate: StartRate = None,
    concurrency: Concurrency = None,
    max_unknown: MaxUnknown = None,
    accept_lost_wal: AcceptLostWal = False,
    base_url: BaseURL = None,
    phone_number_id: PhoneNumberId = None,
    token_file: TokenFile = None,
) -> int:
    """Go on with a campaign. Rows of unknown outcome stay unknown: nothing is sent to anybody twice."""
    how = Continuation(
        queued_only=queued_only,
        source=source,
        rate=rate,
        start_rate=start_rate,
        concurrency=concurrency,
        max_unknown=max_unknown,
        accept_lost_wal=accept_lost_wal,
        base_url=base_url,
        phone_number_id=phone_number_id,
        token_file=token_file,
    )
    return go_on(journal, how)
