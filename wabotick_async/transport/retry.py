"""When to try again: the one door to tenacity.

The first attempt happens outside tenacity, which costs as much as a tenth of a request; only its failure comes here.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import anyio
import tenacity

from ..config import RetryPolicy
from ..endpoints.description import Endpoint
from ..errors import (
    Advice,
    APIError,
    NotSentError,
    OutcomeUnknownError,
    RateLimitedError,
    ResponseError,
    ServerError,
    WabotickError,
)
from ..outcomes import Outcome

__all__ = ["UNSAID_RETRY_AFTER", "Retry", "RetryBudget"]

ResultT = TypeVar("ResultT")

UNSAID_RETRY_AFTER: Final = 60.0
"""Seconds to wait after a 429 that does not say how long (contract, "What `status` means")."""
_COST: Final = 10
# Seconds after refusals in words (HTTP 200), which never say how long; a bare 429 comes from the edge and waits longer.
_PAUSES: Final = {Advice.SLOW_NUMBER: 5.0, Advice.SLOW_ACCOUNT: 5.0, Advice.PAUSE_NUMBER: 60.0}
_NUMBERS_PAUSE: Final = frozenset({Advice.SLOW_NUMBER, Advice.PAUSE_NUMBER})


class RetryBudget:
    """Tokens that all calls of a client share, so that retries cannot multiply an outage."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.tokens = size

    def spend(self) -> bool:
        """Take the cost of one retry; False when the budget is used up."""
        if self.tokens < _COST:
            return False
        self.tokens -= _COST
        return True

    def refund(self) -> None:
        """Give one token back for a success."""
        if self.tokens < self.size:
            self.tokens += 1

    def __repr__(self) -> str:
        return f"RetryBudget({self.tokens} of {self.size})"


class Retry:
    """Decide and carry out the further attempts of calls.

    Args:
        policy: when and how often.
        budget: shared by all calls of a client.
        clock: monotonic seconds.
        sleep: waits some seconds.
        jitter: a random number from 0 to 1.
    """

    def __init__(
        self,
        policy: RetryPolicy,
        budget: RetryBudget,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.policy = policy
        self.budget = budget
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter

    def with_policy(self, policy: RetryPolicy) -> Retry:
        """Return the same with another policy; the budget stays shared."""
        return Retry(policy, self.budget, clock=self._clock, sleep=self._sleep, jitter=self._jitter)

    def allows(self, error: WabotickError, endpoint: Endpoint) -> bool:
        """Tell whether another try of this endpoint is safe after this error."""
        if isinstance(error, NotSentError):
            return not error.fatal
        if isinstance(error, RateLimitedError):
            return self.wait_asked(error) <= self.policy.max_retry_after
        if isinstance(error, ServerError) and error.outcome is Outcome.REFUSED:
            return (error.retry_after or 0.0) <= self.policy.max_retry_after
        interrupted = isinstance(error, OutcomeUnknownError | ServerError) or type(error) is ResponseError
        return endpoint.repeatable and interrupted

    @staticmethod
    def asks_for_a_pause(error: APIError) -> bool:
        """Tell whether a refusal concerns the pace of more than its own recipient."""
        return isinstance(error, RateLimitedError) or error.advice in _PAUSES

    @staticmethod
    def scope_of_pause(error: APIError) -> str:
        """Return the kind of scope that a refusal for pace concerns: an HTTP 429 the account, words what they say."""
        in_words = not isinstance(error, RateLimitedError) or error.status == 200
        return "number" if in_words and error.advice in _NUMBERS_PAUSE else "account"

    @staticmethod
    def wait_asked(error: APIError) -> float:
        """Return the seconds that a refusal for pace asks to wait."""
        if error.retry_after is not None:
            return error.retry_after
        if isinstance(error, RateLimitedError) or error.advice is None:
            return UNSAID_RETRY_AFTER
        return _PAUSES.get(error.advice, UNSAID_RETRY_AFTER)

    def backoff(self, error: BaseException | None, failed: int) -> float:
        """Return the seconds to wait after so many failed tries: what the server asks, or full jitter."""
        if isinstance(error, RateLimitedError):
            return self.wait_asked(error)
        asked = error.retry_after if isinstance(error, ServerError) else None
        if asked is not None and asked <= self.policy.max_retry_after:
            return asked
        return self._jitter() * min(self.policy.cap, self.policy.base * 2.0 ** min(failed - 1, 60))

    async def again(
        self,
        first_error: WabotickError,
        attempt: Callable[[], Awaitable[ResultT]],
        *,
        may_repeat: Callable[[WabotickError], bool],
        give_up_at: float,
        before_sleep: Callable[[WabotickError, float], None],
    ) -> ResultT:
        """Go on after a failed first attempt.

        Args:
            first_error: what the first attempt raised.
            attempt: one try.
            may_repeat: tells whether another try is safe after an error; see `allows`.
            give_up_at: clock time after which no try is started.
            before_sleep: told of each planned retry and its delay in seconds.

        Raises:
            WabotickError: what the last attempt raised.
        """
        pending: WabotickError | None = first_error

        async def once() -> ResultT:
            nonlocal pending
            if pending is not None:
                error, pending = pending, None
                raise error
            return await attempt()

        def may_retry(error: BaseException) -> bool:
            return isinstance(error, WabotickError) and may_repeat(error)

        def wait(state: tenacity.RetryCallState) -> float:
            return self.backoff(_error_of(state), state.attempt_number)

        def stop(state: tenacity.RetryCallState) -> bool:
            too_late = self._clock() + state.upcoming_sleep > give_up_at
            return state.attempt_number >= self.policy.attempts or too_late or not self.budget.spend()

        def tell(state: tenacity.RetryCallState) -> None:
            if isinstance(error := _error_of(state), WabotickError):
                before_sleep(error, state.upcoming_sleep)

        retrying = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception(may_retry),
            wait=wait,
            stop=stop,
            sleep=self._sleep,
            before_sleep=tell,
            reraise=True,
        )
        return await retrying(once)


def _error_of(state: tenacity.RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome is not None else None
