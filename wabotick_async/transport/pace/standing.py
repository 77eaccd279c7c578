"""How a rate limiter stands: its limits, who waits, and for what."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ...config import Limits
from .allowance import Allowance
from .bucket import Bucket
from .lanes import Lanes
from .scoped import ScopedLimits
from .scopes import ACCOUNT, Scope
from .window import Window

__all__ = ["Learnt", "Pause", "Standing"]


class Pause(NamedTuple):
    """Nothing of a scope leaves for a while."""

    scope: Scope
    seconds: float
    why: str


class Learnt(NamedTuple):
    """A scope goes more slowly than configured, for the platform refused or told so."""

    scope: Scope
    rate: float
    """Requests a second now."""
    configured: float
    """Requests a second as configured."""


class Standing:
    """The state of a rate limiter, to be read.

    Args:
        limits: what it keeps to.
        clock: monotonic seconds.
        wall_clock: seconds since the epoch.
    """

    def __init__(self, limits: Limits, clock: Callable[[], float], wall_clock: Callable[[], float]) -> None:
        self.clock = clock
        self._share = 1.0 - limits.headroom
        self._account = Bucket(limits.rate * self._share, limits.burst)
        if limits.start_rate is not None:
            self._account.run_at(limits.start_rate * self._share, clock())
        self._scoped = ScopedLimits(self._account, limits, self._share)
        self._window: Window | None = None
        self._unbounded = 0
        self._allowance = Allowance(wall_clock)
        self._lanes = Lanes(self._scoped)

    @property
    def rate(self) -> float:
        """Return the account's requests a second as learnt so far; `Limits.start_rate` takes it."""
        return self._account.rate / self._share

    @property
    def ceiling(self) -> float:
        """Return the account's requests a second as configured."""
        return self._account.ceiling / self._share

    def learnt(self) -> list[Learnt]:
        """Return the rates that were learnt so far: of all scopes that go more slowly than configured."""
        limits = [(ACCOUNT, self._account), *self._scoped.buckets()]
        return [
            Learnt(scope, bucket.rate / self._share, bucket.ceiling / self._share)
            for scope, bucket in limits
            if bucket.rate < bucket.ceiling
        ]

    @property
    def waiting(self) -> int:
        """Return how many requests wait."""
        return self._lanes.size

    @property
    def in_flight(self) -> int:
        """Return how many requests have a grant and are not released."""
        return self._unbounded if self._window is None else self._window.in_flight

    @property
    def window(self) -> int | None:
        """Return how many may be in flight at the moment, None without a bound."""
        return None if self._window is None else self._window.size

    @property
    def paused_for(self) -> float:
        """Return the seconds until a pause of the account ends, 0 without one."""
        return max(0.0, self._account.paused_until - self.clock())

    def pauses(self) -> list[Pause]:
        """Return the pauses in force: of the account, of numbers and of templates."""
        now = self.clock()
        paused = [(ACCOUNT, self._account), *self._scoped.buckets()]
        return [
            Pause(scope, bucket.paused_until - now, bucket.why) for scope, bucket in paused if bucket.paused_until > now
        ]

    def waiting_for(self) -> str:
        """Return in words what requests wait for, or would wait for, in a pause; otherwise empty when none waits."""
        if pauses := self.pauses():
            return "; ".join(f"{scope} pauses for {seconds:.1f} s: {why}" for scope, seconds, why in pauses)
        if not self.waiting:
            return ""
        if self._window is not None and not self._window.has_room():
            return f"answers to the {self.in_flight} in flight"
        if self._account.due > self.clock():
            if self._account.waits_for_server:
                return "what the platform has left in its window"
            return f"the limit of {self.rate:g} requests a second"
        return "the limits of their numbers, templates or recipients"

    def __repr__(self) -> str:
        if not hasattr(self, "_lanes"):  # a debugger asks also where construction has failed
            return "RateLimiter(not made)"
        paused = f", paused for {self.paused_for:.1f} s" if self.paused_for else ""
        slower = f" of {self.ceiling:g}" if self.rate < self.ceiling else ""
        flight = "" if self._window is None else f", in flight {self.in_flight} of {self.window}"
        return (
            f"RateLimiter(rate={self.rate:g}{slower}, burst={self._account.burst}, "
            f"waiting={self.waiting}{flight}{paused})"
        )
