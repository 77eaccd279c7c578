"""The heart: one call from request to answer. The order is the correctness argument.

attempt -> rate limiter -> (the caller's own record) -> session pool -> decode; a failed attempt goes to `Retry`, which knows what may be repeated.
"""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from ..config import RetryPolicy, Timeout
from ..endpoints.base import Request
from ..errors import NotSentError, RateLimitedError, WabotickError
from ..models.base import Response, attach_response
from ..outcomes import Outcome
from ..values import Secret
from ..wire import HTTPAnswer, HTTPRequest, RefusalTable, decode, encode
from .base import Limiter, Pool
from .events import AttemptFinished, Observers, PauseBegan, RetryPlanned
from .retry import Retry

__all__ = ["BeforeSending", "Exchange"]

BeforeSending = Callable[[], Awaitable[None]]

_log = logging.getLogger("wabotick_async.transport")


class Exchange:
    """Carry requests to the platform and answers back."""

    def __init__(
        self,
        pool: Pool,
        limiter: Limiter,
        retry: Retry,
        *,
        refusals: RefusalTable,
        observers: Observers,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.pool = pool
        self.limiter = limiter
        self.retry = retry
        self.refusals = refusals
        self.observers = observers
        self._clock = clock
        self._wall_clock = wall_clock
        self._paths: dict[str, tuple[str, ...]] = {}

    async def send(
        self,
        request: Request[Any],
        token: Secret,
        *,
        phone_number_id: str | None,
        timeouts: Timeout,
        deadline: float | None = None,
        retry: RetryPolicy | None = None,
        before_sending: BeforeSending | None = None,
    ) -> Any:
        """Send a request, trying again where that is safe, and return the decoded answer.

        Args:
            request: what to ask.
            token: the account's token.
            phone_number_id: for a request that names no sending number.
            timeouts: bounds of one attempt.
            deadline: seconds for the call as a whole.
            retry: in place of the policy of this exchange.
            before_sending: awaited in each attempt after the rate limiter's grant and before the first byte. What it
                raises ends the call, and nothing was sent.

        Raises:
            WabotickError: whose `outcome` says what became of the request.
        """
        retries = self.retry if retry is None else self.retry.with_policy(retry)
        call = encode(request, token, phone_number_id)
        began = self._clock()
        end = began + deadline if deadline is not None else None
        attempts = 0

        async def attempt() -> Any:
            nonlocal attempts
            attempts += 1
            answer, value = await self._attempt(request, call, attempts, timeouts, end, before_sending)
            elapsed = self._clock() - began
            attach_response(
                value, Response(status=answer.status, headers=answer.headers, attempts=attempts, elapsed=elapsed)
            )
            return value

        def before_sleep(error: WabotickError, delay: float) -> None:
            self.observers(
                RetryPlanned(endpoint=request.endpoint.name, attempt=attempts, delay=delay, cause=type(error).__name__)
            )

        try:
            try:
                value = await attempt()
            except WabotickError as error:
                repeatable = isinstance(call.body, bytes) or call.body.rereadable
                if not repeatable or not retries.allows(error, request.endpoint):
                    raise
                give_up_at = began + retries.policy.give_up_after
                value = await retries.again(
                    error,
                    request.endpoint,
                    attempt,
                    give_up_at=give_up_at if end is None else min(give_up_at, end),
                    before_sleep=before_sleep,
                )
        except WabotickError as error:
            error.about(request.endpoint.name, request, attempts)
            raise
        self.retry.budget.refund()
        return value

    def with_policy(self, policy: RetryPolicy) -> Exchange:
        """Return an exchange with another retry policy that shares everything else."""
        other = copy.copy(self)
        other.retry = self.retry.with_policy(policy)
        return other

    async def _attempt(
        self,
        request: Request[Any],
        call: HTTPRequest,
        number: int,
        timeouts: Timeout,
        end: float | None,
        before_sending: BeforeSending | None,
    ) -> tuple[HTTPAnswer, Any]:
        waited = await self.limiter.acquire(request, max_wait=self._left(end))
        if before_sending is not None:
            await before_sending()
        granted = self._clock()
        outcome, status = Outcome.UNKNOWN, None
        try:
            answer = await self._post(request, call, self._bounded(timeouts, end))
            status = answer.status
            value = decode(
                answer,
                request,
                refusals=self.refusals,
                trust_503=self.retry.policy.trust_503,
                now=self._wall_clock(),
            )
        except WabotickError as error:
            outcome = error.outcome
            if isinstance(error, RateLimitedError):
                self._pause(request, error)
            raise
        else:
            outcome = Outcome.ACCEPTED
            return answer, value
        finally:
            if self.observers:
                self.observers(
                    AttemptFinished(
                        endpoint=request.endpoint.name,
                        attempt=number,
                        outcome=outcome,
                        status=status,
                        waited=waited,
                        elapsed=self._clock() - granted,
                    )
                )

    async def _post(self, request: Request[Any], call: HTTPRequest, timeouts: Timeout) -> HTTPAnswer:
        """Post to the endpoint's path, and after a 404 to those where sibling brands keep it."""
        endpoint = request.endpoint
        paths = self._paths.get(endpoint.name, (endpoint.path, *endpoint.alternative_paths))
        for path in paths[:-1]:
            answer = await self.pool.post(msgspec.structs.replace(call, path=path), timeouts)
            if answer.status != 404:
                self._paths[endpoint.name] = (path,)
                return answer
        last = call if paths[-1] == call.path else msgspec.structs.replace(call, path=paths[-1])
        return await self.pool.post(last, timeouts)

    def _pause(self, request: Request[Any], error: RateLimitedError) -> None:
        seconds = min(self.retry.wait_asked(error), self.retry.policy.max_retry_after)
        self.limiter.pause(self._clock() + seconds)
        _log.info("pause endpoint=%s seconds=%.1f", request.endpoint.name, seconds)
        self.observers(PauseBegan(endpoint=request.endpoint.name, seconds=seconds))

    def _left(self, end: float | None) -> float | None:
        if end is None:
            return None
        if (left := end - self._clock()) <= 0:
            raise NotSentError("the deadline passed before the request could leave")
        return left

    def _bounded(self, timeouts: Timeout, end: float | None) -> Timeout:
        left = self._left(end)
        if left is None or left >= timeouts.total:
            return timeouts
        return Timeout(connect=min(timeouts.connect, left), total=left)
