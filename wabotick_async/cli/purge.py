"""`wabotick purge`: forget people and texts of a campaign that is over."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from ..bulk import SQLiteJournal
from .exits import ExitCode
from .terminal import say

__all__ = ["purge"]

_DAY: Final = 86_400.0


def purge(
    journal: Annotated[Path, typer.Argument(help="The journal of a campaign that nobody sends.")],
    *,
    older_than: Annotated[float, typer.Option(min=0, metavar="DAYS", help="Days since a row was finished.")],
) -> int:
    """Forget phone numbers and texts of rows that are finished for long; what is queued or unknown stays.

    Counts and causes stay, too, and whoever got the message does not get it again. Forgotten rows cannot be retried.
    """
    rows = SQLiteJournal.purge(journal, older_than * _DAY)
    say(f"{rows:,} finished rows of {journal} were forgotten")
    return ExitCode.DONE
