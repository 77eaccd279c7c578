"""The rate limiter: GCRA with one queue, first come, first served."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from ..endpoints.base import Request
from ..errors import ConfigurationError, NotSentError

__all__ = ["RateLimiter"]

# After a refusal for pace: multiply down, then add up, as congestion control does. Never above the configured rate.
_CUT = 0.7
_FLOOR = 0.05
_GROWTH = 0.02
# Floating-point slack in seconds: far below any interval, far above the error of a monotonic clock's sums.
_SLACK = 1e-9


class _Timer(Protocol):
    def cancel(self) -> None: ...


def _call_later(delay: float, wake: Callable[[], None]) -> _Timer:
    return asyncio.get_running_loop().call_later(delay, wake)


class _Waiter:
    """One request in the queue; its future brings the clock time of the grant."""

    __slots__ = ("future", "latest")

    def __init__(self, latest: float) -> None:
        self.future: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self.latest = latest
        """Clock time after which a grant is of no use."""


class RateLimiter:
    """Grant at most `rate` requests a second, plus `burst`, in any second; in the order of asking.

    One number is kept, the theoretical arrival time of the next request, so a free grant costs a comparison, and a
    pause or a new rate takes effect at once. Whoever waits holds nothing: a cancelled waiter costs no grant.

    Args:
        rate: requests a second.
        burst: requests that may leave at once after a quiet time.
        clock: monotonic seconds.
        call_later: arranges a call after some seconds and returns a handle to cancel it.
    """

    def __init__(
        self,
        rate: float,
        burst: int = 1,
        *,
        clock: Callable[[], float] = time.monotonic,
        call_later: Callable[[float, Callable[[], None]], _Timer] = _call_later,
    ) -> None:
        self.clock = clock
        self._call_later = call_later
        self._waiters: deque[_Waiter] = deque()
        self._timer: _Timer | None = None
        self._arrival = 0.0
        self._paused_until = 0.0
        self._burst = burst
        self._interval = 0.0
        self.rate = 0.0
        """Requests a second at the moment; below `ceiling` for a while after the server refused for pace."""
        self.ceiling = 0.0
        """Requests a second as configured; change it by `set_rate`."""
        self._cut_again_at = self._grew_at = 0.0
        self.set_rate(rate)

    @property
    def waiting(self) -> int:
        """Return how many requests wait."""
        return len(self._waiters)

    @property
    def paused_for(self) -> float:
        """Return the seconds until a pause ends, 0 without one."""
        return max(0.0, self._paused_until - self.clock())

    def set_rate(self, rate: float) -> None:
        """Change the rate; those who wait profit or suffer at once.

        Raises:
            ConfigurationError: the rate is not above 0.
        """
        if not rate > 0:
            raise ConfigurationError(f"rate limiter: expected requests a second above 0, got {rate!r}")
        self.ceiling = rate
        self._run_at(rate)
        self._dismiss_the_late()
        self._rearm()

    def _run_at(self, rate: float) -> None:
        if self._interval:  # what is owed so far counts at the new rate, no quiet time is invented
            now = self.clock()
            owed = max(0.0, self._arrival - now) / self._interval
            self._arrival = now + owed / rate if owed else self._arrival
        self.rate, self._interval = rate, 1.0 / rate

    def throttled(self, until: float) -> None:
        """Note that the server refused for pace: pause until the clock shows `until`, and go on more slowly.

        Many refusals of one moment cut the rate once. It grows back by a fiftieth of the configured rate a second.
        """
        now = self.clock()
        if now >= self._cut_again_at:
            self._run_at(max(self.rate * _CUT, self.ceiling * _FLOOR))
            self._grew_at = max(now, until)
        self._cut_again_at = max(self._cut_again_at, until, now + 1.0)
        self._grew_at = max(self._grew_at, until)
        self.pause(until)
        self._rearm()

    def pause(self, until: float) -> None:
        """Grant nothing before the clock shows `until`; a pause is only ever extended."""
        if until > self._paused_until:
            self._paused_until = until
            self._dismiss_the_late()
            self._rearm()

    async def acquire(self, request: Request[Any] | None = None, *, max_wait: float | None = None) -> float:
        """Wait for a grant and return the seconds waited.

        Args:
            request: what is to be sent; this limiter has one scope for all.
            max_wait: seconds to wait at most.

        Raises:
            NotSentError: the grant is further away than `max_wait`.
        """
        asked = self.clock()
        if not self._waiters and self._due() <= asked + _SLACK:
            self._take(asked)
            return 0.0
        if max_wait is not None and self._due_behind(len(self._waiters), asked) > asked + max_wait + _SLACK:
            raise NotSentError("the rate limiter has no grant before the deadline")
        waiter = _Waiter(asked + (float("inf") if max_wait is None else max_wait))
        self._waiters.append(waiter)
        if self._timer is None:
            self._rearm()
        try:
            await waiter.future
        except asyncio.CancelledError:
            self._leave(waiter)
            raise
        return self.clock() - asked

    def _due(self) -> float:
        return max(self._arrival - (self._burst - 1) * self._interval, self._paused_until)

    def _due_behind(self, waiting: int, now: float) -> float:
        start = max(now, self._paused_until)
        return max(start, max(self._arrival, start) + (waiting - self._burst + 1) * self._interval)

    def _take(self, now: float) -> None:
        if self.rate < self.ceiling and (seconds := int(now - self._grew_at)) > 0:
            self._grew_at += seconds
            self._run_at(min(self.ceiling, self.rate + seconds * _GROWTH * self.ceiling))
        self._arrival = max(self._arrival, now) + self._interval

    def _leave(self, waiter: _Waiter) -> None:
        """See to what a cancelled waiter leaves behind: a place in the queue, or a grant of this very moment."""
        if waiter in self._waiters:
            self._waiters.remove(waiter)
            self._rearm()
        elif not waiter.future.cancelled() and waiter.future.exception() is None:
            # Given back is what has not drained away since, so that the limit holds whoever was granted meanwhile.
            self._arrival -= max(0.0, self._interval - (self.clock() - waiter.future.result()))
            self._rearm()

    def _next(self) -> _Waiter | None:
        """Take the first of the queue; those whose cancellation is on its way are passed over."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.future.done():
                return waiter
        return None

    def _dismiss_the_late(self) -> None:
        """Tell those whose grant would come too late at once, so that they need not wait to learn it."""
        now, arrival = self.clock(), self._arrival
        kept: deque[_Waiter] = deque()
        for waiter in self._waiters:
            due = max(arrival - (self._burst - 1) * self._interval, self._paused_until, now)
            if waiter.future.done():
                continue
            if due > waiter.latest + _SLACK:
                waiter.future.set_exception(NotSentError("the rate limiter has no grant before the deadline"))
            else:
                arrival = max(arrival, due) + self._interval
                kept.append(waiter)
        self._waiters = kept

    def _pump(self) -> None:
        self._timer = None
        now = self.clock()
        while self._due() <= now + _SLACK and (waiter := self._next()):
            self._take(now)
            waiter.future.set_result(now)
        self._rearm()

    def _rearm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiters:
            self._timer = self._call_later(max(0.0, self._due() - self.clock()), self._pump)

    def __repr__(self) -> str:
        paused = f", paused for {self.paused_for:.1f} s" if self.paused_for else ""
        slower = f" of {self.ceiling:g}" if self.rate < self.ceiling else ""
        return f"RateLimiter(rate={self.rate:g}{slower}, burst={self._burst}, waiting={self.waiting}{paused})"
