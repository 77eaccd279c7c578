"""`wabotick backup`: a copy of a journal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..bulk import SQLiteJournal
from .exits import ExitCode
from .terminal import say

__all__ = ["backup"]


def backup(
    journal: Annotated[Path, typer.Argument(help="The journal of a campaign; it may be in use.")],
    target: Annotated[Path, typer.Argument(help="A new file.")],
) -> int:
    """Write a whole copy of a journal into a new file that only you can read.

    Go on with the journal or with a copy of it, never with both: each would send what is queued in it.
    """
    SQLiteJournal.backup(journal, target)
    say(f"backup written to {target}")
    return ExitCode.DONE
