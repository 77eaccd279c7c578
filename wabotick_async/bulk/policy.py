"""What an error of one message means for its row, and for the rows behind it."""

from __future__ import annotations

from typing import Any, Final

from ..endpoints import Request
from ..errors import (
    Advice,
    APIError,
    ConfigurationError,
    NotDueError,
    NotSentError,
    RateLimitedError,
    ServerError,
    UnexpectedPageError,
    WabotickError,
)
from ..outcomes import Outcome
from ..transport import Scope

__all__ = [
    "CAMPAIGN",
    "LONGEST_WAIT_IN_A_RUN",
    "narrow_scope",
    "returns_to_queue",
    "scopes_of",
    "stops",
    "wait_before_retry",
]

LONGEST_WAIT_IN_A_RUN: Final = 300.0
"""Seconds: a row that has to wait longer is left to a later run."""

_DAY: Final = 86_400.0
_BACKOFF_BASE: Final = 0.5
_BACKOFF_CAP: Final = 30.0
_LONGEST_ASKED: Final = 300.0
_PAIR_BASE: Final = 4.0
_NUMBER_PAUSE: Final = 60.0

# A person must act before any further message of the scope can succeed (design of the taxonomy: stop_*, fix_*).
_STOPS_CAMPAIGN: Final = frozenset({Advice.FIX_CREDENTIALS, Advice.PAUSE_CAMPAIGN, Advice.STOP_ACCOUNT})
# Refused before acceptance, so the row may be queued again.
_FOR_PACE: Final = frozenset(
    {Advice.SLOW_ACCOUNT, Advice.SLOW_NUMBER, Advice.SLOW_PAIR, Advice.PAUSE_NUMBER, Advice.DEFER_DAY}
)
_HELD_BACK: Final = {
    Advice.SLOW_PAIR: "recipient",
    Advice.SLOW_NUMBER: "number",
    Advice.PAUSE_NUMBER: "number",
}
_WRONG_ADDRESS: Final = frozenset({404, 405, 419})


CAMPAIGN: Final = Scope("campaign")


def scopes_of(request: Request[Any]) -> tuple[Scope, Scope]:
    """Return the scopes, besides the campaign, that a request belongs to. The client's own number is `""`."""
    number = getattr(request, "phone_number_id", "")
    template = getattr(request, "template_id", "")
    return (
        Scope("number", number if isinstance(number, str) else ""),
        Scope("template", template if isinstance(template, str) else ""),
    )


def stops(error: WabotickError, request: Request[Any]) -> Scope | None:
    """Return the scope in which every further message would fail likewise, or None."""
    number, template = scopes_of(request)
    if isinstance(error, APIError):
        if error.advice is Advice.STOP_NUMBER:
            return number
        if error.advice is Advice.STOP_TEMPLATE:
            return template if template.value else CAMPAIGN
        return CAMPAIGN if error.advice in _STOPS_CAMPAIGN or error.status in _WRONG_ADDRESS else None
    if isinstance(error, UnexpectedPageError):  # a login page, a wrong address, a closed door
        status = error.status
        return CAMPAIGN if status in _WRONG_ADDRESS or 300 <= status < 400 or status in {401, 403} else None
    fatal = isinstance(error, ConfigurationError) or (isinstance(error, NotSentError) and error.fatal)
    return CAMPAIGN if fatal else None


def returns_to_queue(error: WabotickError, request: Request[Any]) -> bool:
    """Tell whether the row goes back to the queue.

    Nothing left, or the server refused it for pace, or for something that is not the row's fault: a token, an account
    or a template that a person puts right makes the same row sendable.
    """
    if error.outcome is Outcome.NOT_SENT or isinstance(error, RateLimitedError):
        return True
    if error.outcome is not Outcome.REFUSED:
        return False
    if isinstance(error, ServerError) or stops(error, request) is not None:
        return True
    return isinstance(error, APIError) and error.advice in _FOR_PACE


def narrow_scope(error: WabotickError) -> str | None:
    """Return the kind of scope whose pace held a row back; None where that was the account's, or no matter of pace."""
    if isinstance(error, NotDueError):
        return error.scope.partition(" ")[0]
    if isinstance(error, RateLimitedError) and error.status == 429:
        return None
    return _HELD_BACK.get(error.advice) if isinstance(error, APIError) and error.advice is not None else None


def wait_before_retry(error: WabotickError, returns: int) -> float:
    """Return the seconds after which a row that went back may be tried again.

    Args:
        error: why it went back.
        returns: how often it went back before.
    """
    if isinstance(error, NotDueError):
        return error.retry_in
    asked = error.retry_after if isinstance(error, APIError | ServerError) else None
    backoff = min(_BACKOFF_CAP, _BACKOFF_BASE * 2.0 ** min(returns, 10))
    if isinstance(error, APIError):
        if error.advice is Advice.DEFER_DAY:
            return _DAY
        if error.advice is Advice.SLOW_PAIR:
            return float(_PAIR_BASE ** min(returns, 10))
        if error.advice is Advice.PAUSE_NUMBER:
            backoff = _NUMBER_PAUSE
    return max(backoff, min(max(asked or 0.0, 0.0), _LONGEST_ASKED))
