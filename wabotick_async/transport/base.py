"""The two doors of the exchange: what carries a request, and what says when it may leave."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from ..config import Timeout
from ..outcomes import Outcome
from ..wire.http import HTTPAnswer, HTTPRequest
from .pace import ACCOUNT, UNSCOPED, Pause, Scope, Scopes

__all__ = ["Flight", "GrantsAtOnce", "Limiter", "Pool", "Reserve", "Reserves"]


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


class Flight(Protocol):
    """A request with a connection of its own, or the right to open one, of which nothing has left.

    Whoever has it ends it: by `call_off` as long as it has not left, else by `answer` or `abandon`.
    """

    def leave(self, done: Callable[[], object]) -> None:
        """Send it before the event loop waits the next time, or as soon as it is connected.

        `done` is called once when `answer` can be asked.
        """
        ...

    def call_off(self) -> None:
        """Leave the connection to another."""
        ...

    def abandon(self) -> None:
        """Close the connection under it."""
        ...

    def answer(self) -> HTTPAnswer:
        """Return whatever was answered; raises as `Pool.post` does."""
        ...


Reserve = Callable[[HTTPRequest], Flight | None]
"""Returns a connection for a request, or None where there is none at once. For one turn of the loop only."""


class Reserves(Protocol):
    """A pool that can say at once whether a request need not wait."""

    def runway(self, timeouts: Timeout) -> Reserve | None:
        """Return what reserves connections in this turn of the loop, or None where it cannot."""
        ...


class Limiter(Protocol):
    """Says when a request may leave. Another than `RateLimiter` may ask a store that processes share."""

    async def acquire(
        self, scopes: Scopes = UNSCOPED, *, max_wait: float | None = None, urgent: bool = False, park: bool = False
    ) -> float:
        """Wait for a grant, which holds a place in flight until `release`, and return the seconds waited.

        Args:
            scopes: of the request besides the account.
            max_wait: seconds to wait at most.
            urgent: overtake those who are not.
            park: rather raise than wait for a scope narrower than the account.

        Raises:
            NotSentError: the grant is further away than `max_wait` seconds.
            NotDueError: with `park`, how far a narrower scope's grant is away.
        """
        ...

    def release(self, *, elapsed: float, outcome: Outcome | None) -> None:
        """Give a granted request's place back.

        Args:
            elapsed: seconds from the grant to the end.
            outcome: how it ended; None where it did not leave after all.
        """
        ...

    def throttled(self, until: float, scope: Scope = ACCOUNT, why: str = "", *, elapsed: float = 0.0) -> bool:
        """Note that the server refused for pace and wants nothing of a scope before the clock shows `until`.

        Args:
            until: clock time at which the pause ends.
            scope: what it concerns.
            why: what it is for, in words.
            elapsed: seconds since the refused request left.

        Returns:
            Whether this began a pause.
        """
        ...

    def pause(self, until: float, scope: Scope = ACCOUNT, why: str = "") -> bool:
        """Grant nothing of a scope before the clock shows `until`; a pause is only ever extended.

        Returns:
            Whether this began a pause.
        """
        ...

    def observe(self, headers: Mapping[str, str]) -> Pause | None:
        """Learn from the headers (lower case) of an answer; return the pause that this began, if any."""
        ...


class GrantsAtOnce(Protocol):
    """A limiter that can say at once whether a request need not wait."""

    def try_acquire(self, scopes: Scopes = UNSCOPED, *, urgent: bool = False) -> bool:
        """Take a grant as `acquire` does if there is one at once."""
        ...

    @property
    def is_full(self) -> bool:
        """Whether there is no grant before something that is in flight ends."""
        ...
