"""What became of one message, and what that means for the rest."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from ..endpoints import Request
from ..errors import (
    Advice,
    APIError,
    ConfigurationError,
    NotSentError,
    RateLimitedError,
    ResponseError,
    ServerError,
    UnexpectedPageError,
    WabotickError,
)
from ..outcomes import Outcome
from .journal import Finish

__all__ = ["BulkResult", "cause_of", "finish_of", "is_deferred", "stops_campaign", "wait_asked"]

_HUMAN_MUST_ACT: Final = frozenset(
    {
        Advice.FIX_CREDENTIALS,
        Advice.PAUSE_CAMPAIGN,
        Advice.STOP_ACCOUNT,
        Advice.STOP_NUMBER,
        Advice.STOP_TEMPLATE,
    }
)
_WRONG_ADDRESS: Final = frozenset({404, 405, 419})
# Refused before acceptance, so the row may be queued again.
_FOR_PACE: Final = frozenset({Advice.SLOW_ACCOUNT, Advice.SLOW_NUMBER, Advice.SLOW_PAIR, Advice.PAUSE_NUMBER})
_LONGEST_WAIT: Final = 300.0


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


def is_deferred(error: WabotickError) -> bool:
    """Tell whether the row may go back to the queue: nothing left, or the server refused it for pace."""
    if isinstance(error, NotSentError | RateLimitedError):
        return True
    if isinstance(error, ServerError):
        return error.outcome is Outcome.REFUSED
    return isinstance(error, APIError) and error.advice in _FOR_PACE


def wait_asked(error: WabotickError) -> float:
    """Return the seconds that the server asks to wait, up to five minutes; 0 where it asks nothing."""
    asked = error.retry_after if isinstance(error, APIError | ServerError) else None
    return min(max(asked or 0.0, 0.0), _LONGEST_WAIT)


def stops_campaign(error: WabotickError) -> bool:
    """Tell whether every further row would fail likewise, so that a person must act first."""
    if isinstance(error, APIError):
        return error.advice in _HUMAN_MUST_ACT or error.status in _WRONG_ADDRESS
    if isinstance(error, UnexpectedPageError):  # a login page, a wrong address, a closed door
        return error.status in _WRONG_ADDRESS or 300 <= error.status < 400 or error.status in {401, 403}
    return isinstance(error, ConfigurationError) or (isinstance(error, NotSentError) and error.fatal)


def finish_of(seq: int, outcome: Outcome, error: WabotickError) -> Finish:
    """Return what the journal is to note about a failed row."""
    http = error.status if isinstance(error, ResponseError) else None
    return Finish(seq, outcome, http=http, code=cause_of(error), note=error.message[:200])
