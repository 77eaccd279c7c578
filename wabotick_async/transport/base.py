"""The two doors of the exchange: what carries a request, and what says when it may leave."""

from __future__ import annotations

from typing import Any, Protocol

from ..config import Timeout
from ..endpoints.base import Request
from ..wire.http import HTTPAnswer, HTTPRequest

__all__ = ["Limiter", "Pool"]


class Pool(Protocol):
    """Carries requests over kept connections."""

    async def post(self, call: HTTPRequest, timeouts: Timeout) -> HTTPAnswer:
        """Send one request and return whatever was answered.

        Raises:
            NotSentError: no byte left.
            OutcomeUnknownError: bytes left, and no answer came.
            DecodeError: the answer is longer than the limit.
        """
        ...

    async def close(self) -> None:
        """Close what this pool opened."""
        ...


class Limiter(Protocol):
    """Says when a request may leave. Finer limiters read number, template and recipient from the request."""

    async def acquire(self, request: Request[Any] | None = None, *, max_wait: float | None = None) -> float:
        """Wait for a grant and return the seconds waited.

        Raises:
            NotSentError: the grant is further away than `max_wait` seconds.
        """
        ...

    def throttled(self, until: float) -> None:
        """Note that the server refused for pace and wants nothing before the clock shows `until`."""
        ...

    def pause(self, until: float) -> None:
        """Grant nothing before the clock shows `until`; a pause is only ever extended."""
        ...
