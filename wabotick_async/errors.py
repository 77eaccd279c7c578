"""Errors of the SDK: one root, and each class tells what may be done next.

::

    WabotickError
    ├── ConfigurationError          also ValueError: settings, before anything is sent
    ├── RequestInvalidError         also ValueError: one request, before anything is sent
    ├── TransportError
    │   ├── NotSentError            no byte left: may be sent again
    │   └── OutcomeUnknownError     bytes left, no answer came: never repeat a send by yourself
    ├── ResponseError
    │   ├── UnexpectedPageError     HTML, a redirect, an edge challenge
    │   ├── DecodeError             an answer that is none of the platform's
    │   ├── ServerError             5xx
    │   └── APIError                the platform said no, in words
    │       ├── AuthenticationError
    │       ├── RateLimitedError
    │       ├── SessionWindowClosedError
    │       ├── SubscriberLimitError
    │       ├── NotFoundError
    │       ├── AlreadyExistsError
    │       └── ValidationError
    └── CampaignError
        ├── JournalError
        │   └── JournalFullError
        ├── CampaignConflictError
        └── CampaignAbortedError
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from .outcomes import BulkReport, Outcome
from .redaction import mask_phone_number, one_line, redact

__all__ = [
    "APIError",
    "Advice",
    "AlreadyExistsError",
    "AuthenticationError",
    "CampaignAbortedError",
    "CampaignConflictError",
    "CampaignError",
    "ConfigurationError",
    "DecodeError",
    "JournalError",
    "JournalFullError",
    "NotDueError",
    "NotFoundError",
    "NotSentError",
    "OutcomeUnknownError",
    "RateLimitedError",
    "RequestInvalidError",
    "ResponseError",
    "ServerError",
    "SessionWindowClosedError",
    "SubscriberLimitError",
    "TransportError",
    "UnexpectedPageError",
    "ValidationError",
    "WabotickError",
]


class Advice(StrEnum):
    """What a refusal means for the sends that follow it."""

    SLOW_NUMBER = "slow_number"
    SLOW_PAIR = "slow_pair"
    SLOW_ACCOUNT = "slow_account"
    DEFER_DAY = "defer_day"
    SKIP_RECIPIENT = "skip_recipient"
    SUPPRESS_RECIPIENT = "suppress_recipient"
    USE_TEMPLATE = "use_template"
    STOP_TEMPLATE = "stop_template"
    REJECT_ROW = "reject_row"
    REUPLOAD_MEDIA = "reupload_media"
    PAUSE_NUMBER = "pause_number"
    STOP_NUMBER = "stop_number"
    PAUSE_CAMPAIGN = "pause_campaign"
    STOP_ACCOUNT = "stop_account"
    FIX_CREDENTIALS = "fix_credentials"
    UNKNOWN_OUTCOME = "unknown_outcome"


class WabotickError(Exception):
    """Root of every error that this package raises."""

    outcome: Outcome = Outcome.NOT_SENT

    def __init__(self, message: str) -> None:
        self.message = redact(message)
        super().__init__(self.message)
        self.endpoint: str | None = None
        self.request: str | None = None
        """The request's repr, without secrets and with shortened phone numbers."""
        self.attempts = 0
        """How many times the request was tried, the failed try included."""

    def about(self, endpoint: str, request: object, attempts: int, *secrets: str) -> WabotickError:
        """Note what was tried, blank secrets that the server may have quoted, and return the error."""
        self.message = redact(self.message, *secrets)
        self.args = (self.message,)
        self.endpoint = endpoint
        self.request = mask_phone_number(redact(repr(request)))
        self.attempts = attempts
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        # The usual way calls the class with `args` alone, which the keyword-only parameters refuse.
        return _revive, (type(self), self.args), self.__dict__

    def __str__(self) -> str:
        where = f"{self.endpoint}: " if self.endpoint else ""
        return one_line(f"{where}{self.message}")  # a log or a terminal is where it goes


def _revive(error_type: type[WabotickError], args: tuple[Any, ...]) -> WabotickError:
    return error_type.__new__(error_type, *args)


class ConfigurationError(WabotickError, ValueError):
    """A setting is wrong; nothing was sent."""


class RequestInvalidError(WabotickError, ValueError):
    """A request breaks a rule of the contract; nothing was sent."""

    def __init__(self, problem: str, *, field: str | None = None) -> None:
        super().__init__(f"{field}: {problem}" if field else problem)
        self.field = field
        self.problem = redact(problem)


class TransportError(WabotickError):
    """No answer came from the server."""


class NotSentError(TransportError):
    """No byte of the request left this machine; sending it again is safe."""

    outcome = Outcome.NOT_SENT

    def __init__(self, message: str, *, fatal: bool = False) -> None:
        super().__init__(message)
        self.fatal = fatal
        """True where another try cannot help, for instance a bad certificate."""


class NotDueError(NotSentError):
    """A limit narrower than the account's leaves no room yet, and the caller did not want to wait for it."""

    def __init__(self, message: str, *, retry_in: float = 0.0, scope: str = "") -> None:
        super().__init__(message)
        self.retry_in = retry_in
        """Seconds after which there is room."""
        self.scope = scope
        """What has no room: `number ...`, `template ...` or `recipient ...`, masked to the last four."""


class OutcomeUnknownError(TransportError):
    """Bytes of the request left and no answer came: the server may have acted on it."""

    outcome = Outcome.UNKNOWN


class ResponseError(WabotickError):
    """The server answered, and the answer is not a success."""

    outcome = Outcome.UNKNOWN

    def __init__(
        self, message: str, *, status: int, headers: Mapping[str, str] | None = None, outcome: Outcome | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        """HTTP status code."""
        self.headers: Mapping[str, str] = headers or {}
        if outcome is not None:
            self.outcome = outcome


class UnexpectedPageError(ResponseError):
    """A web page, a redirect or a challenge came where an answer was expected."""


class DecodeError(ResponseError):
    """The answer is not one of the platform's: cut, too large, or of another shape."""


class ServerError(ResponseError):
    """The server failed (HTTP 5xx); whether it acted on the request is unknown unless it says to come back later."""

    def __init__(self, message: str, *, retry_after: float | None = None, **context: Any) -> None:
        super().__init__(message, **context)
        self.retry_after = retry_after
        """Seconds to wait as the server asked, or None."""


class APIError(ResponseError):
    """The platform refused the request, in words."""

    outcome = Outcome.REFUSED

    def __init__(
        self,
        text: str,
        *,
        code: int | None = None,
        advice: Advice | None = None,
        retry_after: float | None = None,
        fields: Mapping[str, list[str]] | None = None,
        **context: Any,
    ) -> None:
        super().__init__(text or "refused without a reason", **context)
        self.text = redact(text)
        """The server's own words."""
        self.code = code
        """Meta's error code where the text holds one."""
        self.advice = advice
        """What the taxonomy advises; None for a text that it does not know."""
        self.retry_after = retry_after
        """Seconds to wait as the server asked, or None."""
        self.fields: Mapping[str, list[str]] = {
            redact(name): [redact(one) for one in said] for name, said in (fields or {}).items()
        }
        """Complaints a field, of a validation answer (HTTP 422)."""

    def about(self, endpoint: str, request: object, attempts: int, *secrets: str) -> WabotickError:
        """Note what was tried, blank secrets that the server may have quoted, and return the error."""
        self.text = redact(self.text, *secrets)
        self.fields = {
            redact(name, *secrets): [redact(one, *secrets) for one in said] for name, said in self.fields.items()
        }
        return super().about(endpoint, request, attempts, *secrets)


class AuthenticationError(APIError):
    """The token is missing, wrong or not allowed to do this."""


class RateLimitedError(APIError):
    """The server refused for pace (HTTP 429) before it looked at the request."""


class SessionWindowClosedError(APIError):
    """The recipient did not write within 24 hours: only a template may be sent."""


class SubscriberLimitError(APIError):
    """The plan allows no further subscriber."""


class NotFoundError(APIError):
    """The account, template, subscriber or path does not exist."""


class AlreadyExistsError(APIError):
    """The thing to create exists already."""


class ValidationError(APIError):
    """The server found fault with fields of the request; see `fields`."""


class CampaignError(WabotickError):
    """A campaign could not start or go on; its journal tells what became of each row."""


class JournalError(CampaignError):
    """The journal cannot be used, or a row was to move in a way that it may not."""


class JournalFullError(JournalError):
    """The disk under the journal is full."""


class CampaignConflictError(CampaignError):
    """The journal belongs to another campaign."""


class CampaignAbortedError(CampaignError):
    """The campaign stopped itself; what was not sent stays queued in its journal."""

    def __init__(self, message: str, *, report: BulkReport | None = None) -> None:
        super().__init__(message)
        self.report = report
        """The counts at the moment of the stop."""
