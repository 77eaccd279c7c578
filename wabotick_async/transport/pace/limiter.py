"""The rate limiter: when a request may leave, in every scope that it is in."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final

from ...config import Limits
from ...errors import NotSentError
from ...outcomes import Outcome
from .allowance import LIMIT_HEADER
from .bucket import SLACK
from .line import not_due
from .scoped import WORTH_PARKING
from .scopes import ACCOUNT, UNSCOPED, Scope, Scopes
from .standing import Pause, Standing
from .timer import Timer, later
from .waiter import Waiter
from .window import Window

__all__ = ["RateLimiter"]

_NOT_SENT, _REFUSED, _UNKNOWN = Outcome.NOT_SENT, Outcome.REFUSED, Outcome.UNKNOWN
_LATE: Final = 0.001
"""Seconds that a grant may take to reach who waits, above which that is counted."""
_EXHAUSTED: Final = "the platform has no requests left in its window"


class RateLimiter(Standing):
    """Grant at most `rate` requests a second, plus `burst`, in any second; in the order of asking.

    A request is granted when every scope that it is in has room, the account last: whoever waits for his number,
    template or recipient stands aside and holds up nobody. Whoever waits holds nothing, so cancelling costs nothing.

    Args:
        rate: requests a second of the account, if `limits` are not given.
        burst: requests that may leave at once after a quiet time, likewise.
        limits: all limits. Without them nothing but the account has one, and what is in flight is bounded as the
            client's limits say.
        clock: monotonic seconds.
        wall_clock: seconds since the epoch, as the server's headers may count.
        call_later: arranges a call after some seconds and returns a handle to cancel it.
    """

    def __init__(
        self,
        rate: float = 10.0,
        burst: int = 1,
        *,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
        call_later: Callable[[float, Callable[[], None]], Timer] = later,
    ) -> None:
        super().__init__(limits or Limits(rate=rate, burst=burst, pair=None, headroom=0.0), clock, wall_clock)
        self._call_later = call_later
        if limits is not None:
            self.bound(limits)
        self._tickets = 0
        self._timer: Timer | None = None
        self._timer_at = 0.0

    def bound(self, limits: Limits) -> None:
        """Bound what is in flight by a client's limits, where nothing bounds it so far."""
        if self._window is None:
            self._window = Window(limits.concurrency, limits.connections - limits.concurrency)
            self._window.in_flight = self._unbounded

    def set_rate(self, rate: float) -> None:
        """Change the account's rate; those who wait profit or suffer at once.

        Raises:
            ConfigurationError: the rate is not above 0.
        """
        now = self.clock()
        self._account.set_rate(rate * self._share, now)
        self._scoped.follow_account(now)
        self._lanes.look_again()
        self._dismiss_the_late()
        self._rearm()

    async def acquire(
        self,
        scopes: Scopes = UNSCOPED,
        *,
        max_wait: float | None = None,
        urgent: bool = False,
        park: bool = False,
    ) -> float:
        """Wait for a grant and return the seconds waited. It holds a place in flight until `release`.

        Args:
            scopes: of the request besides the account; see `scopes_of`.
            max_wait: seconds to wait at most.
            urgent: overtake those who are not.
            park: rather raise than wait where a scope narrower than the account is not due in a quarter of a second.

        Raises:
            NotSentError: the grant is further away than `max_wait`.
            NotDueError: with `park`, how far the grant of a narrower scope is away.
        """
        asked = self.clock()
        if self._try(scopes, asked, urgent=urgent):
            return 0.0
        if park:
            self._park_early(scopes, asked)
        if max_wait is not None and self._estimate(scopes, asked, urgent=urgent) > asked + max_wait + SLACK:
            raise _too_late()
        self._tickets += 1
        latest = float("inf") if max_wait is None else asked + max_wait
        waiter = Waiter(self._tickets, scopes, asked=asked, latest=latest, urgent=urgent, park=park)
        self._lanes.line_of(waiter).append(waiter)
        self._rearm()
        expiry = None if max_wait is None else self._call_later(max_wait + SLACK, lambda: self._expire(waiter))
        try:
            await waiter.future
        except asyncio.CancelledError:
            self._leave(waiter)
            raise
        finally:
            if expiry is not None:
                expiry.cancel()
        granted, now = waiter.future.result(), self.clock()
        if now > granted + _LATE:  # what leaves late counts from then on
            self._account.left_late(granted, now)
            self._scoped.left_late(scopes, granted, now)
        return now - asked

    def try_acquire(self, scopes: Scopes = UNSCOPED, *, urgent: bool = False) -> bool:
        """Take a grant if there is one at once; there is none where others wait."""
        return self._try(scopes, self.clock(), urgent=urgent)

    @property
    def is_full(self) -> bool:
        """Tell whether as many are in flight as may be."""
        return self._window is not None and not self._window.has_room(urgent=False)

    def release(self, *, elapsed: float, outcome: Outcome | None) -> None:
        """Give back the place in flight of a granted request.

        Args:
            elapsed: seconds from the grant to the end.
            outcome: how it ended; None where it did not leave after all.
        """
        window, left = self._window, outcome is not None and outcome is not _NOT_SENT
        if not left:
            self._account.unused()
        if window is None:
            self._unbounded -= 1
            return
        if left:
            window.release(self.clock(), elapsed, answered=outcome is not _UNKNOWN, refused=outcome is _REFUSED)
        else:
            window.give_back()
        if self._lanes.size:
            self._pump()

    def throttled(
        self, until: float, scope: Scope = ACCOUNT, why: str = "refused for pace", *, elapsed: float = 0.0
    ) -> bool:
        """Note that the server refused for pace: pause until the clock shows `until`, and go on more slowly.

        Many refusals of one moment lower the rate once; it grows back towards the configured one. Refusals of what left
        before a pause begin no other.

        Returns:
            Whether this began a pause, or made one more than twice as long as was told.
        """
        news = self._scoped.throttled(scope, until, why, self.clock(), elapsed)
        self._after_pause(scope)
        return news

    def pause(self, until: float, scope: Scope = ACCOUNT, why: str = "paused by the caller") -> bool:
        """Grant nothing of a scope before the clock shows `until`; a pause is only ever extended.

        Returns:
            Whether this began a pause, or made one more than twice as long as was told.
        """
        news = self._scoped.pause(scope, until, why, self.clock())
        self._after_pause(scope)
        return news

    def observe(self, headers: Mapping[str, str]) -> Pause | None:
        """Learn from the `X-RateLimit-*` headers (lower case) of an answer; return the pause that this began."""
        allowance = self._allowance
        if allowance.is_silent and LIMIT_HEADER not in headers:
            return None
        now, account = self.clock(), self._account
        told = allowance.observe(headers, now, max(0, self.in_flight - 1))
        account.may_grow = allowance.has_room_above(account.rate)
        if told is None:
            return None
        account.follow(told.rate, now)
        account.leave_to(told.left, told.since, told.hold)
        if told.exhausted and self.pause(told.until, ACCOUNT, _EXHAUSTED):
            return Pause(ACCOUNT, told.until - now, _EXHAUSTED)
        self._rearm()
        return None

    def _try(self, scopes: Scopes, now: float, *, urgent: bool) -> bool:
        account, window = self._account, self._window
        if account.due > now + SLACK or self._lanes.size or (window is not None and not window.has_room(urgent=urgent)):
            return False
        if scopes is not UNSCOPED and not self._scoped.take_if_due(scopes, now):
            return False
        account.take(now, now)
        if window is None:
            self._unbounded += 1
        else:
            window.take()
        return True

    def _take(self, scopes: Scopes, now: float, asked: float) -> None:
        self._account.take(now, asked)
        if scopes is not UNSCOPED:
            self._scoped.take(scopes, now, asked)
        if self._window is None:
            self._unbounded += 1
        else:
            self._window.take()

    def _estimate(self, scopes: Scopes, now: float, *, urgent: bool) -> float:
        ahead = self._lanes.ahead(urgent=urgent)
        narrow = self._scoped.blocked_by(scopes, now)
        return max(self._account.due_behind(ahead, now), 0.0 if narrow is None else narrow[1])

    def _park_early(self, scopes: Scopes, now: float) -> None:
        ahead = dict(self._lanes.others.behind(scopes))
        found = self._scoped.turn(scopes, ahead, now)
        if found is not None and found[1] > now + self._scoped.patience(scopes, found[0], now):
            raise not_due(*found, now)

    def _after_pause(self, scope: Scope) -> None:
        self._dismiss_the_late()
        now = self.clock()
        if scope != ACCOUNT and (due := self._scoped.due(scope)) > now + WORTH_PARKING:
            for waiter in self._lanes.waiters():
                if waiter.park and scope in waiter.scopes:
                    self._dismiss(waiter, not_due(scope, due, now))
        self._rearm()

    def _dismiss_the_late(self) -> None:
        """Tell those whose grant would come too late at once, so that they need not wait to learn it."""
        now, ahead = self.clock(), 0
        for waiter in self._lanes.waiters():
            before = 0 if waiter.aside else ahead
            if waiter.latest < float("inf") and self._account.due_behind(before, now) > waiter.latest + SLACK:
                self._dismiss(waiter, _too_late())
            elif not waiter.aside:
                ahead += 1

    def _expire(self, waiter: Waiter) -> None:
        if not waiter.future.done():
            self._dismiss(waiter, _too_late())
            self._rearm()

    def _dismiss(self, waiter: Waiter, error: NotSentError) -> None:
        waiter.future.set_exception(error)
        self._lanes.leave(waiter)

    def _leave(self, waiter: Waiter) -> None:
        """See to what a cancelled waiter leaves behind: a place in the line, or a grant of this very moment."""
        if waiter.future.cancelled():
            self._lanes.leave(waiter)
        elif waiter.future.exception() is None:
            granted, now = waiter.future.result(), self.clock()
            self._account.give_back(granted, now)
            self._scoped.give_back(waiter.scopes, granted, now)
            self._lanes.look_again()
            self.release(elapsed=0.0, outcome=None)
        self._rearm()

    def _pump(self) -> None:
        now = self.clock()
        while self._account.due <= now + SLACK and (waiter := self._lanes.next(now, self._window)) is not None:
            if waiter.latest < now - SLACK:  # the timer was late, and so is the grant
                self._dismiss(waiter, _too_late())
                continue
            self._take(waiter.scopes, now, waiter.asked)
            self._lanes.pop(waiter)
            waiter.future.set_result(now)
        self._rearm()

    def _rearm(self) -> None:
        """Set the timer for the next moment at which somebody may go."""
        due = self._wake_at()
        if self._timer is not None:
            if due is not None and abs(due - self._timer_at) < SLACK:
                return
            self._timer.cancel()
            self._timer = None
        if due is not None:
            self._timer_at = due
            self._timer = self._call_later(max(0.0, due - self.clock()), self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._pump()

    def _wake_at(self) -> float | None:
        due = self._lanes.wake_at(self._window)
        return None if due is None else max(self._account.due, due)


def _too_late() -> NotSentError:
    return NotSentError("the rate limiter has no grant before the deadline")
