"""A request that may leave at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import WabotickError
from ..values import Secret
from .attempt import Attempt, Means
from .base import Flight
from .call import Call

__all__ = ["Prepared"]


class Prepared(Attempt):
    """A request with a grant and a connection of its own, of which nothing has left.

    For those who send so many that a task for each would be the dearest part of it. There is one attempt, and whoever
    has it must end it: by `call_off` as long as it has not left, else by `result` or `abandon`.

    Args:
        means: what it shares with others.
        call: what is to be sent; it has its grant.
        flight: that has its connection.
        token: to keep out of errors.
    """

    __slots__ = ("_done", "_flight", "_token")

    def __init__(self, means: Means, call: Call, flight: Flight, token: Secret) -> None:
        super().__init__(means, call, 0.0)
        self._flight = flight
        self._token = token
        self._done: Callable[[Prepared], object] | None = None

    def leave(self, done: Callable[[Prepared], object]) -> None:
        """Send it; `done` is called once, with this object, when `result` can be asked."""
        self._done = done
        self.leaves()
        self._flight.leave(self._answered)

    def call_off(self) -> None:
        """Give grant and connection back; nothing has left."""
        with self:
            self._flight.call_off()

    def abandon(self) -> None:
        """Give up what has left, and close its connection: what becomes of it stays unknown."""
        with self:
            self._flight.abandon()

    def result(self) -> Any:
        """Return the answer.

        Raises:
            WabotickError: whose `outcome` says what became of the request.
        """
        call = self._call
        try:
            with self:
                value = self.read(self._flight.answer())
        except WabotickError as error:
            error.about(call.request.endpoint.name, call.request, call.attempts, self._token.reveal())
            raise
        call.retries.budget.refund()
        return value

    def _answered(self) -> None:
        self._ended = self._means.clock()  # what came is read later
        if self._done is not None:
            self._done(self)
