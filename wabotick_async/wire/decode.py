"""Answers as values, refusals as errors. Pure: bytes in, value or error out, and no other error for any bytes."""

from __future__ import annotations

import re
import types
import typing
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, Final

import msgspec

from ..endpoints.base import Request
from ..endpoints.description import Endpoint
from ..errors import (
    Advice,
    APIError,
    AuthenticationError,
    DecodeError,
    NotFoundError,
    RateLimitedError,
    ResponseError,
    ServerError,
    UnexpectedPageError,
    ValidationError,
)
from ..models.base import Answer, Page, Receipt, Rows
from ..models.messages import SendReceipt
from ..outcomes import Outcome
from ..redaction import mask_phone_number, redact, strip_secrets
from .convert import to_struct
from .envelope import BOM, Envelope, parse_json
from .http import HTTPAnswer
from .receipt import plain_receipt
from .refusals import DEFAULT_REFUSALS, RefusalTable

__all__ = ["decode", "retry_after_of"]

_BY_STATUS: Final[dict[int, type[APIError]]] = {
    401: AuthenticationError,
    403: AuthenticationError,
    404: NotFoundError,
    422: ValidationError,
}
_WHOLE: Final = re.compile(r"-?[0-9]+")
_LONGEST_WAIT: Final = 1e9
# These come from something between us and the controller that may have handed the request on.
_UNDECIDED: Final = frozenset({408, 425, 499})


def decode(
    answer: HTTPAnswer,
    request: Request[Any],
    *,
    refusals: RefusalTable = DEFAULT_REFUSALS,
    trust_503: bool = True,
    now: float = 0.0,
) -> Any:
    """Return what the platform answered, as the endpoint's answer type.

    Args:
        answer: what came.
        request: what was asked.
        refusals: what refusals mean.
        trust_503: whether 503 with Retry-After counts as refused before acceptance.
        now: seconds since the epoch, to read dates in Retry-After by.

    Raises:
        ResponseError: or one of its subclasses; `outcome` tells what became of the request.
    """
    plain = answer.status == 200 and request.endpoint.answer_type is SendReceipt
    if plain and (receipt := plain_receipt(answer.body)) is not None:
        return receipt
    context: dict[str, Any] = {"status": answer.status, "headers": answer.headers}
    try:
        return _decode(answer, request, context, refusals, trust_503=trust_503, now=now)
    except ResponseError as error:
        # Without the frames below, which hold the body: it may quote the request, and a traceback with locals shows it.
        raise error.with_traceback(None) from None
    except RecursionError:
        raise DecodeError("no valid answer: nested deeper than any", **context) from None


def _decode(
    answer: HTTPAnswer,
    request: Request[Any],
    context: dict[str, Any],
    refusals: RefusalTable,
    *,
    trust_503: bool,
    now: float,
) -> Any:
    try:
        body = parse_json(answer.body)
        problem = "" if isinstance(body, dict) else f"expected an object, got {type(body).__name__}"
    except ValueError as error:
        body, problem = None, str(error)
    if failure := _failure_of_status(answer, body, context, refusals, trust_503=trust_503, now=now):
        raise failure
    if not isinstance(body, dict):
        raise _no_answer(answer, problem, context)
    envelope = Envelope(body)
    success = envelope.success
    if success is None:
        raise DecodeError(f"the answer says neither success nor refusal: {_glimpse(answer.body)}", **context)
    if not success:
        refusal = refusals.error_for(envelope.text, fields=envelope.fields, **context)
        if _may_be_none(request.endpoint.answer_type) and isinstance(refusal, NotFoundError) and refusal.advice is None:
            return None  # some brands refuse with what others answer as an empty success
        raise refusal
    try:
        return _value(envelope, request.endpoint, request, context)
    except ValueError as error:
        raise DecodeError(str(error), **context) from None


def retry_after_of(answer: HTTPAnswer, now: float) -> float | None:
    """Return the seconds that Retry-After or X-RateLimit-Reset ask to wait, from 0 to 10^9, or None."""
    said = answer.headers.get("retry-after", "").strip()
    if _WHOLE.fullmatch(said):
        return _clamped(float(said))
    try:
        when = parsedate_to_datetime(said)
        # HTTP dates are UTC; one that does not say so must not be read by this machine's clock.
        return _clamped((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() - now)
    except (ValueError, OverflowError):
        reset = answer.headers.get("x-ratelimit-reset", "").strip()
        return _clamped(float(reset) - now) if _WHOLE.fullmatch(reset) else None


def _clamped(seconds: float) -> float:
    return min(max(0.0, seconds), _LONGEST_WAIT)


def _failure_of_status(
    answer: HTTPAnswer,
    body: object,
    context: dict[str, Any],
    refusals: RefusalTable,
    *,
    trust_503: bool,
    now: float,
) -> ResponseError | None:
    status = answer.status
    envelope = Envelope(body) if isinstance(body, dict) else None
    text = envelope.text if envelope else ""
    if envelope and envelope.success and status >= 400 and status not in _UNDECIDED:
        return DecodeError(f"HTTP {status} with a body that says success", **context)
    if status == 429:
        return RateLimitedError(
            text or "too many requests", advice=Advice.SLOW_NUMBER, retry_after=retry_after_of(answer, now), **context
        )
    if status >= 500:
        # Only Retry-After itself is the convention: other headers are on every answer of a throttled host.
        wait = retry_after_of(answer, now) if "retry-after" in answer.headers else None
        outcome = Outcome.REFUSED if status == 503 and wait is not None and trust_503 else Outcome.UNKNOWN
        shown = text or _glimpse(answer.body)
        return ServerError(f"HTTP {status}: {shown}", retry_after=wait, outcome=outcome, **context)
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return UnexpectedPageError(f"HTTP {status}: a redirect, which is never followed", **context)
    if status in _UNDECIDED or status < 200:
        return ResponseError(f"HTTP {status}: {text or _glimpse(answer.body)}", **context)
    if envelope is None:
        return UnexpectedPageError(f"HTTP {status}: {_glimpse(answer.body)}", outcome=Outcome.REFUSED, **context)
    return refusals.error_for(text, default=_BY_STATUS.get(status, APIError), fields=envelope.fields, **context)


def _no_answer(answer: HTTPAnswer, problem: str, context: dict[str, Any]) -> ResponseError:
    if answer.body.removeprefix(BOM).lstrip()[:1] == b"<":
        return UnexpectedPageError(f"a web page instead of an answer: {_glimpse(answer.body)}", **context)
    shown = f"{problem}: {_glimpse(answer.body)}" if answer.body else "an empty body"
    return DecodeError(f"no valid answer: {shown}", **context)


def _glimpse(body: bytes) -> str:
    """Return the first bytes as one harmless line."""
    text = redact(body[:2_000].decode("utf-8", "replace"))  # before the cut: half a token has no form to know it by
    return mask_phone_number(repr(text[:200]))


def _value(envelope: Envelope, endpoint: Endpoint, request: Request[Any], context: dict[str, Any]) -> Any:
    answer_type = endpoint.answer_type
    origin, arguments = typing.get_origin(answer_type), typing.get_args(answer_type)
    if isinstance(answer_type, type) and issubclass(answer_type, Receipt):
        return to_struct(envelope.whole(), answer_type)
    if origin in {list, Rows, Page}:
        return _rows(envelope, origin, arguments[0], request)
    if _may_be_none(answer_type):
        row_type = next(one for one in arguments if one is not type(None))
        rows, _ = envelope.rows()
        return _row(rows[0], row_type) if rows else None
    if isinstance(answer_type, type) and issubclass(answer_type, Answer):
        rows, text = envelope.rows()
        if not rows:
            raise NotFoundError(text or "nothing found", **context)
        return _row(rows[0], answer_type)
    return msgspec.convert(strip_secrets(dict(envelope.body)), answer_type, strict=False)


def _may_be_none(answer_type: Any) -> bool:
    return typing.get_origin(answer_type) in {typing.Union, types.UnionType} and type(None) in typing.get_args(
        answer_type
    )


def _row(raw: dict[str, Any], row_type: Any) -> Any:
    if isinstance(row_type, type) and issubclass(row_type, Answer):
        return to_struct(raw, row_type)
    return msgspec.convert(strip_secrets(raw), row_type, strict=False)


def _rows(envelope: Envelope, kind: Any, row_type: Any, request: Request[Any]) -> Rows[Any]:
    raw, text = envelope.rows()
    rows = [_row(one, row_type) for one in raw]
    if kind is Page:
        following = envelope.body.get("nextOffset")
        found: Rows[Any] = Page(
            rows,
            page=getattr(request, "page", 1),
            limit=getattr(request, "limit", 0),
            next_offset=following if isinstance(following, int) else None,
        )
    else:
        found = Rows(rows)
    found.text = text
    return found
