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

# A pause that was told is told again where it becomes so many times as long.
_NEWS = 2.0


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
        self.due = 0.0
        """Clock time of the next grant."""
        self.paused_until = 0.0
        self.why = ""
        """Why it pauses."""
        self._pause_began = self._told_until = 0.0
        self._interval = self._ahead = 0.0
        self._arrival = 0.0
        self._granted: deque[float] = deque()
        self._most = 1
        self._full_until = float("-inf")
        self._kept = _KEPT
        self._cut_at = float("-inf")
        self._left: int | None = None
        self._spread_to = self._refilled_at = self._empty_until = 0.0
        self._follows_server = False
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
        self._follows_server = False
        self._go_on_at(rate, now)

    def run_at(self, rate: float, now: float) -> None:
        """Go on at another rate, which grows to the configured one."""
        rate = min(rate, self.ceiling)
        self._finder.begin(rate, now)
        self._cut_at = max(self._cut_at, now)
        self._go_on_at(rate, now)

    def follow(self, rate: float, now: float) -> None:
        """Go on at a rate that the server told, not so low that nothing is learnt any more.

        It only lowers; and raises what nothing but an earlier word of the server had lowered.
        """
        rate = min(max(rate, self._finder.floor), self.ceiling)
        if rate < self.rate or (self._follows_server and rate > self.rate):
            self.run_at(rate, now)
            self._finder.stay(rate, now)
            self._follows_server = True

    def leave_to(self, left: int, since: float, until: float) -> None:
        """Grant no more than the server has left, as an answer told.

        Args:
            left: requests besides those that are in flight.
            since: clock time of the first of them at the earliest.
            until: clock time at which it may have more, and until which none is granted without another answer.
        """
        self._left, self._spread_to, self._refilled_at = left, since, until
        self._settle()

    def unused(self) -> None:
        """Note that a grant did not reach the server after all, which so has one more left."""
        if self._left is not None:
            self._left += 1
            self._settle()

    @property
    def waits_for_server(self) -> bool:
        """Tell whether the next grant waits for what the server has left."""
        return self._empty_until >= self.due

    def due_behind(self, waiting: int, now: float) -> float:
        """Return the clock time of the grant behind so many others, if the server has as many left by then."""
        start = max(now, self.paused_until, self._spread_to)
        due = max(self._arrival - self._ahead, self._full_until, start)
        return max(due, max(self._arrival, start) + (waiting - self.burst + 1) * self._interval)

    def take(self, now: float, asked: float) -> None:
        """Note a grant.

        Args:
            now: clock time.
            asked: clock time since when somebody has been waiting for it.
        """
        if self.rate < self.ceiling:
            self._grow(now)
        due, arrival = self.due, self._arrival
        counted = due if asked <= due and now - due <= _CATCH_UP else now  # a late one is made up for
        self._arrival = arrival = (arrival if arrival > counted else counted) + self._interval
        due = arrival - self._ahead
        if self.rate < _ENDLESS:
            granted, most = self._granted, self._most
            granted.append(now)
            if len(granted) >= most:
                self._full_until = full_until = granted[-most] + 1.0
                due = max(due, full_until)
            since = now - self._kept
            while granted[0] <= since:  # none within the second: the rate may rise again
                granted.popleft()
        self.due = due if due > self.paused_until else self.paused_until
        if self._left is not None:
            self._left = None if now >= self._refilled_at else self._left - 1
            self._settle()

    def give_back(self, granted: float, now: float) -> None:
        """Take back a grant that was not used: what has not drained away since, so that the limit holds."""
        self._arrival -= max(0.0, self._interval - (now - granted))
        if granted in self._granted:
            self._granted.remove(granted)
            self._prove()
        self._settle()

    def left_late(self, granted: float, now: float) -> None:
        """Note that a grant was used only now, because the event loop was late: the proof is about what leaves."""
        if granted in self._granted:
            self._granted.remove(granted)
            insort(self._granted, now)
            self._prove()
            self._settle()

    def pause(self, until: float, why: str, now: float) -> bool:
        """Grant nothing before a clock time; a pause is only ever extended.

        Returns:
            Whether that is news: it began a pause, or made one more than twice as long as was last told.
        """
        if until <= max(self.paused_until, now):
            return False
        if self.paused_until <= now:
            self._pause_began = self._told_until = now
        news = until - self._pause_began > _NEWS * (self._told_until - self._pause_began)
        if news:
            self._told_until = until
        self.paused_until, self.why = until, why
        self._settle()
        return news

    def throttled(self, until: float, why: str, now: float, elapsed: float = 0.0) -> bool:
        """Note a refusal for pace: pause, and go on more slowly. Many refusals of one moment cut the rate once.

        Nothing is granted in a pause, so what left before its end left before it began, and was refused for the same
        reason, however late the refusal arrives. It counts from when it left: a pause that covers that is enough, and
        one that is over is not begun again. Only what asks for more, even so, extends it.

        Args:
            until: clock time at which the pause ends.
            why: what the pause is for.
            now: clock time.
            elapsed: seconds since the refused request left. What left before the last cut says nothing new.

        Returns:
            Whether that is news, as in `pause`.
        """
        sent = now - elapsed
        if sent >= self._cut_at - SLACK:
            remembered = elapsed + 1.0 <= self._kept
            taken = sum(sent - 1.0 < when <= sent for when in self._granted) - 1 if remembered else 0
            self._go_on_at(self._finder.refused(self.rate, taken, sent, now, until), now)
            self._kept = _KEPT + min(elapsed, _KEPT_MORE)
            self._follows_server = False
            self._left = None  # it says more than an earlier answer
        elif sent < self.paused_until - SLACK and until - elapsed <= self.paused_until + SLACK:
            return False
        self._cut_at = max(self._cut_at, until, now + 1.0)
        return self.pause(until, why, now)

    def _go_on_at(self, rate: float, now: float) -> None:
        if self._interval:  # what is owed so far counts at the new rate, no quiet time is invented
            owed = max(0.0, self._arrival - now) / self._interval
            self._arrival = now + owed / rate if owed else self._arrival
        self.rate, self._interval = rate, 1.0 / rate
        self._ahead = (self.burst - 1) * self._interval
        self._most = int(min(self.rate, _ENDLESS)) + self.burst
        self._prove()
        self._settle()

    def _prove(self) -> None:
        """Note until when the last second has as many grants as it may have."""
        full = len(self._granted) >= self._most
        self._full_until = self._granted[-self._most] + 1.0 if full else float("-inf")

    def _settle(self) -> None:
        """Note when the next grant is due."""
        self._empty_until = self._spread_to
        if self._left is not None and self._left <= 0:
            self._empty_until = self._refilled_at
        self.due = max(self._arrival - self._ahead, self._full_until, self.paused_until, self._empty_until)

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
