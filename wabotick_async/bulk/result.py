"""What became of one message, and what that means for the rest."""

from __future__ import annotations

from typing import Any

import msgspec

from ..endpoints import Request
from ..errors import APIError, ResponseError, WabotickError
from ..outcomes import Outcome
from .journal import Finish

__all__ = ["BulkResult", "cause_of", "finish_of"]


class BulkResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one message of a campaign."""

    row: int
    """Number of the row in the journal, from 1."""
    request: Request[Any]
    outcome: Outcome
    receipt: Any = None
    """The platform's answer, of an accepted message."""
    error: WabotickError | None = None
    """Why it was refused, or why its outcome is unknown."""
    note: str | None = None
    """A reason in words where there is no error, for instance of a duplicate."""


def cause_of(error: WabotickError) -> str:
    """Return one stable word for an error, with Meta's code where there is one."""
    if isinstance(error, APIError):
        word = error.advice.value if error.advice else "refused"
        return f"{word}:{error.code}" if error.code is not None else word
    name = type(error).__name__.removesuffix("Error")
    return "".join("_" + letter.lower() if letter.isupper() else letter for letter in name).lstrip("_")


def finish_of(seq: int, outcome: Outcome, error: WabotickError) -> Finish:
    """Return what the journal is to note about a failed row."""
    http = error.status if isinstance(error, ResponseError) else None
    return Finish(seq, outcome, http=http, code=cause_of(error), note=error.message[:200])
