"""One limit: GCRA, with a pause, a rate that refusals lower, and a proof over each second. Knows no clock."""

from __future__ import annotations

from bisect import insort
from collections import deque

from ...errors import ConfigurationError
from .finder import Finder

__all__ = ["SLACK", "Bucket"]

SLACK = 1e-9
"""Seconds: far below any interval, far above the error of a monotonic clock's sums."""

# A grant that comes late because a timer or the event loop was late counts from when it was due, up to so many seconds:
# without that, a loop that sleeps in steps of a millisecond could use no more than half of 1,000 a second.
_CATCH_UP = 0.1

# Requests a second above which no proof is kept: no event loop comes near.
_ENDLESS = 1e6

# Seconds for which grants are remembered, so that a refusal finds the second before its request left: longer by what
# the last one took to arrive, up to so much.
_KEPT, _KEPT_MORE = 3.0, 10.0


class Bucket:
    """Grants at most `rate` requests a second, plus `burst`, in any second.

    The theoretical arrival time of the next request is one number, so a grant costs a comparison. Beside it the times
    of the last seconds' grants are kept: they make the limit hold even where late grants are made up for, and tell what
    the server took before it refused.

    Args:
        rate: requests a second.
        burst: requests that may leave at once after a quiet time.
    """

    def __init__(self, rate: float, burst: int = 1) -> None:
        self.burst = burst
        self.rate = self.ceiling = 0.0
        """Requests a second now and as configured; the first is lower for a while after a refusal for pace."""
        self.paused_until = 0.0
        self.why = ""
        """Why it pauses."""
        self._interval = 0.0
        self._arrival = 0.0
        self._granted: deque[float] = deque()
        self._most = 1
        self._full_until = float("-inf")
        self._kept = _KEPT
        self._cut_at = float("-inf")
        self.may_grow = True
        """Whether the rate grows towards the configured one."""
        self.set_rate(rate, 0.0)

    def set_rate(self, rate: float, now: float) -> None:
        """Change the configured rate.

        Raises:
            ConfigurationError: it is not above 0.
        """
        if not rate > 0:
            raise ConfigurationError(f"rate limiter: expected requests a second above 0, got {rate!r}")
        self.ceiling = rate
        self._finder = Finder(rate)
        self._go_on_at(rate, now)

    def run_at(self, rate: float, now: float) -> None:
        """Go on at another rate, which grows to the configured one."""
        rate = min(rate, self.ceiling)
        self._finder.begin(rate, now)
        self._cut_at = max(self._cut_at, now)
        self._go_on_at(rate, now)

    def run_at_most(self, rate: float, now: float) -> None:
        """Go on at a rate that the server told, where it is lower; not so low that nothing is learnt any more."""
        rate = max(rate, self._finder.floor)
        if rate < self.rate:
            self.run_at(rate, now)
            self._finder.stay(rate, now)

    def _go_on_at(self, rate: float, now: float) -> None:
        if self._interval:  # what is owed so far counts at the new rate, no quiet time is invented
            owed = max(0.0, self._arrival - now) / self._interval
            self._arrival = now + owed / rate if owed else self._arrival
        self.rate, self._interval = rate, 1.0 / rate
        self._most = int(min(self.rate, _ENDLESS)) + self.burst
        self._prove()

    def due(self) -> float:
        """Return the clock time of the next grant."""
        return max(self._arrival - (self.burst - 1) * self._interval, self.paused_until, self._full_until)

    def due_behind(self, waiting: int, now: float) -> float:
        """Return the clock time of the grant behind so many others."""
        start = max(now, self.paused_until)
        return max(self.due(), start, max(self._arrival, start) + (waiting - self.burst + 1) * self._interval)

    def take(self, now: float, asked: float) -> None:
        """Note a grant.

        Args:
            now: clock time.
            asked: clock time since when somebody has been waiting for it.
        """
        if self.rate < self.ceiling:
            self._grow(now)
        due = self.due()
        made_up_for = asked <= due and now - due <= _CATCH_UP
        self._arrival = max(self._arrival, due if made_up_for else now) + self._interval
        if self.rate < _ENDLESS:
            granted, most = self._granted, self._most
            granted.append(now)
            if len(granted) >= most:
                self._full_until = granted[-most] + 1.0
            while granted[0] <= now - self._kept:  # none within the second: the rate may rise again
                granted.popleft()

    def give_back(self, granted: float, now: float) -> None:
        """Take back a grant that was not used: what has not drained away since, so that the limit holds."""
        self._arrival -= max(0.0, self._interval - (now - granted))
        if granted in self._granted:
            self._granted.remove(granted)
            self._prove()

    def left_late(self, granted: float, now: float) -> None:
        """Note that a grant was used only now, because the event loop was late: the proof is about what leaves."""
        if granted in self._granted:
            self._granted.remove(granted)
            insort(self._granted, now)
            self._prove()

    def pause(self, until: float, why: str, now: float) -> bool:
        """Grant nothing before a clock time; a pause is only ever extended. True where this began one."""
        began = self.paused_until <= now < until
        if until > self.paused_until:
            self.paused_until, self.why = until, why
        return began

    def throttled(self, until: float, why: str, now: float, elapsed: float = 0.0) -> bool:
        """Note a refusal for pace: pause, and go on more slowly. Many refusals of one moment cut the rate once.

        Args:
            until: clock time at which the pause ends.
            why: what the pause is for.
            now: clock time.
            elapsed: seconds since the refused request left. What left before the last cut says nothing new.
        """
        sent = now - elapsed
        if sent >= self._cut_at - SLACK:
            remembered = elapsed + 1.0 <= self._kept
            taken = sum(sent - 1.0 < when <= sent for when in self._granted) - 1 if remembered else 0
            self._go_on_at(self._finder.refused(self.rate, taken, sent, now, until), now)
            self._kept = _KEPT + min(elapsed, _KEPT_MORE)
        self._cut_at = max(self._cut_at, until, now + 1.0)
        return self.pause(until, why, now)

    def _prove(self) -> None:
        """Note until when the last second has as many grants as it may have."""
        full = len(self._granted) >= self._most
        self._full_until = self._granted[-self._most] + 1.0 if full else float("-inf")

    def _grow(self, now: float) -> None:
        if not self.may_grow:
            self._finder.stay(self.rate, now)
            return
        rate = min(self.ceiling, self._finder.rate_at(now))
        if rate != self.rate:
            self._go_on_at(rate, now)

    def __repr__(self) -> str:
        slower = f" of {self.ceiling:g}" if self.rate < self.ceiling else ""
        return f"Bucket(rate={self.rate:g}{slower}, burst={self.burst})"
