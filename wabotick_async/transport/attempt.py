"""One attempt of a call: what its grant, its answer or its error mean for everybody else."""

from __future__ import annotations

import logging
from collections.abc import Callable
from types import TracebackType
from typing import Any

import msgspec

from ..errors import APIError, ResponseError, WabotickError
from ..models.base import Response, attach_response
from ..outcomes import Outcome
from ..redaction import mask_phone_number
from ..wire import HTTPAnswer, RefusalTable, decode
from .base import Limiter
from .call import Call
from .events import AttemptFinished, Observers, PauseBegan
from .pace import Pause

__all__ = ["Attempt", "Means"]

_log = logging.getLogger("wabotick_async.transport")


class Means(msgspec.Struct, frozen=True, kw_only=True):
    """What all attempts of an exchange share."""

    limiter: Limiter
    refusals: RefusalTable
    observers: Observers
    clock: Callable[[], float]
    """Monotonic seconds."""
    wall_clock: Callable[[], float]
    """Seconds since the epoch."""


class Attempt:
    """An attempt that has its grant. As a context, it notes how it ends.

    Then the limiter gets its place in flight back, a refusal for pace becomes a pause, and the observers are told.

    Args:
        means: what it shares with others.
        call: whose attempt it is.
        waited: seconds that the grant took.
    """

    __slots__ = ("_call", "_ended", "_means", "_outcome", "_status", "_waited")

    def __init__(self, means: Means, call: Call, waited: float) -> None:
        self._means = means
        self._call = call
        self._waited = waited
        self._outcome: Outcome | None = None
        self._status: int | None = None
        self._ended: float | None = None
        """Clock time, where that is not when the context is left."""

    def leaves(self) -> None:
        """Note that from here on bytes may have left."""
        self._call.granted = self._means.clock()
        self._outcome = Outcome.UNKNOWN

    def read(self, answer: HTTPAnswer) -> Any:
        """Return the value of an answer.

        Raises:
            ResponseError: it is a refusal, or none at all.
        """
        call, means = self._call, self._means
        self._status = answer.status
        # A refusal for pace says itself how long to wait.
        if answer.status != 429 and (pause := means.limiter.observe(answer.headers)) is not None:
            self._tell_pause(pause)
        trust_503 = call.retries.policy.trust_503
        value = decode(answer, call.request, refusals=means.refusals, trust_503=trust_503, now=means.wall_clock())
        self._outcome = Outcome.ACCEPTED
        elapsed = (self._ended or means.clock()) - call.began
        attach_response(
            value, Response(status=answer.status, headers=answer.headers, attempts=call.attempts, elapsed=elapsed)
        )
        return value

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        call, means = self._call, self._means
        ended = self._ended or means.clock()
        elapsed = 0.0 if call.granted is None else ended - call.granted
        if isinstance(error, WabotickError):
            self._outcome = error.outcome
            call.left_open = call.left_open or error.outcome is Outcome.UNKNOWN
            if isinstance(error, ResponseError):
                self._status = error.status
            if isinstance(error, APIError) and call.retries.asks_for_a_pause(error):
                self._slow_down(error, ended, elapsed)
        if call.granted is not None:
            means.limiter.release(elapsed=elapsed, outcome=self._outcome)
        if self._outcome is not None and means.observers:
            means.observers(
                AttemptFinished(
                    endpoint=call.request.endpoint.name,
                    attempt=call.attempts,
                    outcome=self._outcome,
                    status=self._status,
                    waited=self._waited,
                    elapsed=elapsed,
                )
            )

    def _slow_down(self, error: APIError, ended: float, elapsed: float) -> None:
        retries, means = self._call.retries, self._means
        seconds = min(retries.wait_asked(error), retries.policy.max_retry_after)
        scope = self._call.scopes.of_kind(retries.scope_of_pause(error))
        if means.limiter.throttled(ended + seconds, scope, error.message, elapsed=elapsed):
            self._tell_pause(Pause(scope, seconds, error.message))

    def _tell_pause(self, pause: Pause) -> None:
        _log.info("pause scope=%s seconds=%.1f why=%s", pause.scope, pause.seconds, mask_phone_number(pause.why))
        endpoint = self._call.request.endpoint.name
        scope = str(pause.scope)
        self._means.observers(PauseBegan(endpoint=endpoint, scope=scope, seconds=pause.seconds, why=pause.why))
