"""One call on its way through the exchange."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from ..config import Timeout
from ..endpoints.base import Request
from ..errors import NotSentError, OutcomeUnknownError, RateLimitedError, ServerError, WabotickError
from ..outcomes import Outcome
from ..wire import HTTPRequest
from .pace import Scopes
from .retry import Retry

__all__ = ["BeforeSending", "Call", "settled"]

BeforeSending = Callable[[], Awaitable[None]]
"""The caller's own record of the intent to send."""


class Call(msgspec.Struct, kw_only=True, gc=False):
    """What is known of a call; only its last fields change."""

    request: Request[Any]
    http: HTTPRequest
    retries: Retry
    timeouts: Timeout
    began: float
    end: float | None
    """Clock time of the deadline."""
    before_sending: BeforeSending | None
    scopes: Scopes
    park: bool
    attempts: int = 0
    granted: float | None = None
    """Clock time of the grant that it holds, or of what was recorded since."""
    left_open: bool = False
    """Whether the outcome of an attempt is unknown."""
    overdue: bool = False
    """Whether the deadline leaves no room for another attempt."""

    def may_repeat(self, error: WabotickError) -> bool:
        """Tell whether another attempt is safe, possible and in time."""
        rereadable = isinstance(self.http.body, bytes) or self.http.body.rereadable
        return rereadable and not self.overdue and self.retries.allows(error, self.request.endpoint)


def settled(call: Call, error: WabotickError) -> WabotickError:
    """Keep open what an earlier attempt left open: a repeat that never arrived says nothing about it."""
    if call.left_open and isinstance(error, NotSentError):
        return OutcomeUnknownError(f"an earlier attempt may have arrived, and the last was not sent: {error.message}")
    if call.left_open and isinstance(error, RateLimitedError | ServerError):
        error.outcome = Outcome.UNKNOWN
    return error
