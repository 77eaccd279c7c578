"""The heart: one call from request to answer. The order is the correctness argument.

attempt -> rate limiter -> the caller's own record -> session pool -> decode

The grant holds a place in flight, too, and is given only where one is free: a request that has its grant must not queue
for a connection, or grants of many seconds would leave together.

A failed attempt goes to `Retry`, which knows what may be repeated.
"""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Callable
from typing import Any

import msgspec

from ..config import RetryPolicy, Timeout
from ..endpoints.base import Request
from ..errors import (
    APIError,
    NotDueError,
    NotSentError,
    OutcomeUnknownError,
    RateLimitedError,
    ResponseError,
    ServerError,
    WabotickError,
)
from ..models.base import Response, attach_response
from ..outcomes import Outcome
from ..redaction import mask_phone_number
from ..values import Secret
from ..wire import HTTPAnswer, RefusalTable, decode, encode
from .base import Limiter, Pool
from .call import BeforeSending, Call
from .events import AttemptFinished, Observers, PauseBegan, RetryPlanned
from .pace import Pause, scopes_of
from .retry import Retry

__all__ = ["BeforeSending", "Exchange"]

_log = logging.getLogger("wabotick_async.transport")


class _CallerError(Exception):
    """Carries what the caller's own record raised past the retries: it ends the call."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


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
        self._paths: dict[str, str] = {}
        self._urgent = False

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
        park: bool = False,
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
            park: raise NotDueError rather than wait for a limit narrower than the account's.

        Raises:
            WabotickError: whose `outcome` says what became of the request.
        """
        began = self._clock()
        try:
            http = encode(request, token, phone_number_id)
        except WabotickError as error:
            error.about(request.endpoint.name, request, 0, token.reveal())
            raise
        call = Call(
            request=request,
            http=http,
            retries=self.retry if retry is None else self.retry.with_policy(retry),
            timeouts=timeouts,
            began=began,
            end=None if deadline is None else began + deadline,
            before_sending=before_sending,
            scopes=scopes_of(request, phone_number_id),
            park=park,
        )
        try:
            try:
                value = await self._attempt(call)
            except WabotickError as error:
                if not call.may_repeat(error):
                    raise
                value = await self._again(call, error)
        except _CallerError as raised:
            raise raised.error from None
        except WabotickError as error:
            settled = _settled(call, error)
            settled.about(request.endpoint.name, request, call.attempts, token.reveal())
            if settled is error:
                raise
            raise settled from error
        call.retries.budget.refund()
        return value

    async def _again(self, call: Call, error: WabotickError) -> Any:
        def before_sleep(error: WabotickError, delay: float) -> None:
            name, cause = call.request.endpoint.name, type(error).__name__
            self.observers(RetryPlanned(endpoint=name, attempt=call.attempts, delay=delay, cause=cause))

        give_up_at = call.began + call.retries.policy.give_up_after
        return await call.retries.again(
            error,
            lambda: self._attempt(call),
            may_repeat=call.may_repeat,
            give_up_at=give_up_at if call.end is None else min(give_up_at, call.end),
            before_sleep=before_sleep,
        )

    async def _attempt(self, call: Call) -> Any:
        call.attempts += 1
        waited = await self._grant(call)
        outcome: Outcome | None = None
        status = None
        try:
            if call.before_sending is not None:
                await self._record(call.before_sending)
                call.granted = self._clock()
            outcome = Outcome.UNKNOWN
            answer = await self._post(call)
            status = answer.status
            value = self._decoded(call, answer)
            outcome = Outcome.ACCEPTED
        except WabotickError as error:
            outcome = error.outcome
            call.left_open = call.left_open or outcome is Outcome.UNKNOWN
            if isinstance(error, ResponseError):
                status = error.status
            if isinstance(error, APIError) and call.retries.asks_for_a_pause(error):
                self._slow_down(call, error, self._clock() - (call.granted or 0.0))
            raise
        finally:
            ended = self._clock()
            elapsed = 0.0 if call.granted is None else ended - call.granted
            if call.granted is not None:
                self.limiter.release(elapsed=elapsed, outcome=outcome)
            if outcome is not None and self.observers:
                self._tell(call, outcome, status, waited, elapsed)
        attach_response(
            value,
            Response(status=answer.status, headers=answer.headers, attempts=call.attempts, elapsed=ended - call.began),
        )
        return value

    async def _grant(self, call: Call) -> float:
        try:
            left = self._left(call)
            waited = await self.limiter.acquire(call.scopes, max_wait=left, urgent=self._urgent, park=call.park)
        except NotDueError:
            raise
        except NotSentError:
            call.overdue = True
            raise
        call.granted = self._clock()
        return waited

    @staticmethod
    async def _record(before_sending: BeforeSending) -> None:
        try:
            await before_sending()
        except Exception as error:  # noqa: BLE001 - not ours to judge, only to keep from being retried
            raise _CallerError(error) from None

    def _decoded(self, call: Call, answer: HTTPAnswer) -> Any:
        # A refusal for pace says itself how long to wait.
        if answer.status != 429 and (pause := self.limiter.observe(answer.headers)) is not None:
            self._tell_pause(call, pause)
        trust_503 = call.retries.policy.trust_503
        return decode(answer, call.request, refusals=self.refusals, trust_503=trust_503, now=self._wall_clock())

    async def _post(self, call: Call) -> HTTPAnswer:
        """Post to the endpoint's path, and after a 404 to those where sibling brands keep it."""
        endpoint = call.request.endpoint
        if not endpoint.alternative_paths:
            return await self.pool.post(call.http, call.timeouts if call.end is None else self._bounded(call))
        known = self._paths.get(endpoint.name)
        path, *others = (known,) if known is not None else (endpoint.path, *endpoint.alternative_paths)
        answer = await self._post_to(path, call)
        while answer.status == 404 and others:
            path = others.pop(0)
            self.limiter.release(elapsed=0.0, outcome=None)
            call.granted = None
            await self._grant(call)
            answer = await self._post_to(path, call)
        if 200 <= answer.status < 300:  # others may come from in front of the platform
            self._paths[endpoint.name] = path
        return answer

    async def _post_to(self, path: str, call: Call) -> HTTPAnswer:
        http = call.http if path == call.http.path else msgspec.structs.replace(call.http, path=path)
        return await self.pool.post(http, self._bounded(call))

    def _slow_down(self, call: Call, error: APIError, elapsed: float) -> None:
        seconds = min(call.retries.wait_asked(error), call.retries.policy.max_retry_after)
        scope = call.scopes.of_kind(call.retries.scope_of_pause(error))
        if self.limiter.throttled(self._clock() + seconds, scope, error.message, elapsed=elapsed):
            self._tell_pause(call, Pause(scope, seconds, error.message))

    def _tell_pause(self, call: Call, pause: Pause) -> None:
        _log.info("pause scope=%s seconds=%.1f why=%s", pause.scope, pause.seconds, mask_phone_number(pause.why))
        endpoint = call.request.endpoint.name
        self.observers(PauseBegan(endpoint=endpoint, scope=str(pause.scope), seconds=pause.seconds, why=pause.why))

    def _tell(self, call: Call, outcome: Outcome, status: int | None, waited: float, elapsed: float) -> None:
        self.observers(
            AttemptFinished(
                endpoint=call.request.endpoint.name,
                attempt=call.attempts,
                outcome=outcome,
                status=status,
                waited=waited,
                elapsed=elapsed,
            )
        )

    def _left(self, call: Call) -> float | None:
        if call.end is None:
            return None
        if (left := call.end - self._clock()) <= 0:
            call.overdue = True
            raise NotSentError("the deadline passed before the request could leave")
        return left

    def _bounded(self, call: Call) -> Timeout:
        left = self._left(call)
        if left is None or left >= call.timeouts.total:
            return call.timeouts
        return Timeout(connect=min(call.timeouts.connect, left), total=left)

    def with_options(self, policy: RetryPolicy | None, *, urgent: bool | None) -> Exchange:
        """Return an exchange with another retry policy or lane that shares everything else."""
        other = copy.copy(self)
        if policy is not None:
            other.retry = self.retry.with_policy(policy)
        if urgent is not None:
            other._urgent = urgent
        return other

    def over(self, pool: Pool) -> Exchange:
        """Return an exchange over another pool that shares everything else."""
        other = copy.copy(self)
        other.pool = pool
        return other


def _settled(call: Call, error: WabotickError) -> WabotickError:
    """Keep open what an earlier attempt left open: a repeat that never arrived says nothing about it."""
    if call.left_open and isinstance(error, NotSentError):
        return OutcomeUnknownError(f"an earlier attempt may have arrived, and the last was not sent: {error.message}")
    if call.left_open and isinstance(error, RateLimitedError | ServerError):
        error.outcome = Outcome.UNKNOWN
    return error
