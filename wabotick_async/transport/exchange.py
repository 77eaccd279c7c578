"""The heart: one call from request to answer. The order is the correctness argument.

attempt -> rate limiter -> the caller's own record -> session pool -> decode

The grant holds a place in flight, too, and is given only where one is free: a request that has its grant must not queue
for a connection, or grants of many seconds would leave together.

A failed attempt goes to `Retry`, which knows what may be repeated.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeGuard

import msgspec

from ..config import RetryPolicy, Timeout
from ..endpoints.base import Request
from ..errors import NotDueError, NotSentError, WabotickError
from ..values import Secret
from ..wire import HTTPAnswer, RefusalTable, encode
from .attempt import Attempt, Means
from .base import GrantsAtOnce, Limiter, Pool, Reserve, Reserves
from .call import BeforeSending, Call, settled
from .events import Observers, RetryPlanned
from .pace import scopes_of
from .prepared import Prepared
from .retry import Retry

__all__ = ["BeforeSending", "Exchange"]


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
        self._means = Means(limiter=limiter, refusals=refusals, observers=observers, clock=clock, wall_clock=wall_clock)
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
        try:
            http = encode(request, token, phone_number_id)
        except WabotickError as error:
            error.about(request.endpoint.name, request, 0, token.reveal())
            raise
        began = self._clock()
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
            found = settled(call, error)
            found.about(request.endpoint.name, request, call.attempts, token.reveal())
            if found is error:
                raise
            raise found from error
        call.retries.budget.refund()
        return value

    def prepare(
        self, requests: Iterable[Request[Any]], token: Secret, *, phone_number_id: str | None, timeouts: Timeout
    ) -> list[Prepared]:
        """Return requests that have all they need to leave, up to the first that has to wait, or cannot be sent.

        Whatever it is that hinders it, `send` waits for it or says so.

        Args:
            requests: what to ask, in this order.
            token: the account's token.
            phone_number_id: for a request that names no sending number.
            timeouts: bounds of each attempt.
        """
        pool, found = self.pool, list[Prepared]()
        if not _reserves(pool) or (reserve := pool.runway(timeouts)) is None:
            return found
        try:
            for request in requests:
                prepared = self._prepared(request, token, reserve, phone_number_id=phone_number_id, timeouts=timeouts)
                if prepared is None:
                    break
                found.append(prepared)
        except BaseException:
            for one in found:
                one.call_off()
            raise
        return found

    def _prepared(
        self,
        request: Request[Any],
        token: Secret,
        reserve: Reserve,
        *,
        phone_number_id: str | None,
        timeouts: Timeout,
    ) -> Prepared | None:
        limiter = self.limiter
        if not _grants_at_once(limiter) or request.endpoint.alternative_paths:
            return None
        try:
            http = encode(request, token, phone_number_id)
        except WabotickError:
            return None
        flight = reserve(http)
        if flight is None:
            return None
        scopes = scopes_of(request, phone_number_id)
        if not limiter.try_acquire(scopes, urgent=self._urgent):
            flight.call_off()
            return None
        now = self._clock()
        call = Call(
            request=request,
            http=http,
            retries=self.retry,
            timeouts=timeouts,
            began=now,
            end=None,
            before_sending=None,
            scopes=scopes,
            park=True,
            attempts=1,
            granted=now,
        )
        return Prepared(self._means, call, flight, token)

    @property
    def is_full(self) -> bool:
        """Tell whether nothing may leave before something that is in flight ends."""
        return _grants_at_once(self.limiter) and self.limiter.is_full

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
        limiter = self.limiter
        if call.end is None and _grants_at_once(limiter) and limiter.try_acquire(call.scopes, urgent=self._urgent):
            call.granted, waited = self._clock(), 0.0
        else:
            waited = await self._grant(call)
        attempt = Attempt(self._means, call, waited)
        with attempt:
            if call.before_sending is not None:
                await self._record(call.before_sending)
            attempt.leaves()
            if call.request.endpoint.alternative_paths:
                answer = await self._post_along(call)
            else:
                answer = await self.pool.post(call.http, call.timeouts if call.end is None else self._bounded(call))
            return attempt.read(answer)

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

    async def _post_along(self, call: Call) -> HTTPAnswer:
        """Post to the endpoint's path, and after a 404 to those where sibling brands keep it."""
        endpoint = call.request.endpoint
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


def _reserves(pool: Pool) -> TypeGuard[Reserves]:
    return hasattr(pool, "runway")  # a question about a protocol's name would cost as much as the answer's decoding


def _grants_at_once(limiter: Limiter) -> TypeGuard[GrantsAtOnce]:
    return hasattr(limiter, "try_acquire")
