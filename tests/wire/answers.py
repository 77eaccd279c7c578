"""Short ways to decode an answer in a test."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.contract.requests import REQUESTS
from wabotick_async import ResponseError
from wabotick_async.wire import HTTPAnswer, decode


def as_bytes(body: object) -> bytes:
    """Return bytes as they are, text in UTF-8, and everything else as JSON."""
    if isinstance(body, bytes):
        return body
    return (body if isinstance(body, str) else json.dumps(body)).encode()


def answer(
    body: object,
    endpoint: str = "send_text",
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **how: Any,
) -> Any:
    """Decode a body as the answer to a request of that endpoint."""
    return decode(HTTPAnswer(status=status, headers=headers or {}, body=as_bytes(body)), REQUESTS[endpoint], **how)


def failure(body: object, endpoint: str = "send_text", **how: Any) -> Any:
    """Return the error that a body decodes to; Any, for its attributes differ by class."""
    with pytest.raises(ResponseError) as caught:
        answer(body, endpoint, **how)
    return caught.value


def message(value: object, endpoint: str, **others: object) -> Any:
    """Decode a success with that message."""
    return answer({"status": "1", "message": value, **others}, endpoint)
