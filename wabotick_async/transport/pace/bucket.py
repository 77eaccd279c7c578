"""One limit: GCRA, with a pause, a rate that refusals lower, and a proof over each second. Knows no clock."""

from __future__ import annotations

from collections import deque

from ...errors import ConfigurationError

__all__ = ["SLACK", "Bucket"]

SLACK = 1e-9
"""Seconds: far below any interval, far above the error of a monotonic clock's sums."""

# A grant that comes late because a timer or the event loop was late counts from when it was due, up to so many seconds:
# without that, a loop that sleeps in steps of a millisecond could use no more than half of 1,000 a second.
_CATCH_UP = 0.1

# Requests a second above which no proof is kept: no event loop comes near.
_ENDLESS = 1e6

# After a refusal for pace: multiply down, then add up, as congestion control does, in shares of the configured rate.
_CUT, _GENTLE_CUT = 0.7, 0.85
_FLOOR = 0.05
_GROWTH = 0.02
# Close to the rate that was refused the growth is slow, so that a limit that is there to stay is met seldom.
_CLOSE, _PAST = 0.95, 1.02
_CLOSE_SECONDS = 40.0


class Bucket:
    """Grants at most `rate` requests a second, plus `burst`, in any second.

    The theoretical arrival time of the next request is one number, so a grant costs a comparison. Beside it the times
    of the last second's grants are kept: they make the limit hold even where late grants are made up for.

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
        self._cut_again_at = self._grew_at = 0.0
        self._close = self._past = float("inf")
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
        self._close = self._past = float("inf")
        self._grew_at = now
        self.run_at(rate, now)

    def run_at(self, rate: float, now: float) -> None:
        """Go on at another rate, which grows to the configured one."""
        rate = min(rate, self.ceiling)
        if self._interval:  # what is owed so far counts at the new rate, no quiet time is invented
            owed = max(0.0, self._arrival - now) / self._interval
            self._arrival = now + owed / rate if owed else self._arrival
        self.rate, self._interval = rate, 1.0 / rate
        self._most = int(min(self.rate, _ENDLESS)) + self.burst

    def due(self) -> float:
        """Return the clock time of the next grant."""
        due = max(self._arrival - (self.burst - 1) * self._interval, self.paused_until)
        if len(self._granted) >= self._most:
            due = max(due, self._granted[-self._most] + 1.0)
        return due

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
            self._granted.append(now)
        if len(self._granted) > self._most:  # none within the second is forgotten: the rate may rise again
            while self._granted[0] <= now - 1.0:
                self._granted.popleft()

    def give_back(self, granted: float, now: float) -> None:
        """Take back a grant that was not used: what has not drained away since, so that the limit holds."""
        self._arrival -= max(0.0, self._interval - (now - granted))
        if granted in self._granted:
            self._granted.remove(granted)

    def pause(self, until: float, why: str, now: float) -> bool:
        """Grant nothing before a clock time; a pause is only ever extended. True where this began one."""
        began = self.paused_until <= now < until
        if until > self.paused_until:
            self.paused_until, self.why = until, why
        return began

    def throttled(self, until: float, why: str, now: float) -> bool:
        """Note a refusal for pace: pause, and go on more slowly. Many refusals of one moment cut the rate once."""
        if now >= self._cut_again_at:
            refused = self.rate
            known = self._close < refused < self._past * 1.1
            self._close, self._past = refused * _CLOSE, refused * _PAST
            self.run_at(max(refused * (_GENTLE_CUT if known else _CUT), self.ceiling * _FLOOR), now)
        self._cut_again_at = max(self._cut_again_at, until, now + 1.0)
        self._grew_at = max(self._grew_at, until)
        return self.pause(until, why, now)

    def _grow(self, now: float) -> None:
        if not self.may_grow:
            self._grew_at = max(self._grew_at, now)
        while now - self._grew_at >= 1.0 and self.rate < self.ceiling:
            grew_at = self._grew_at + 1.0
            close = self._close <= self.rate < self._past
            step = (self._past - self._close) / _CLOSE_SECONDS if close else _GROWTH * self.ceiling
            self.run_at(self.rate + step, now)
            self._grew_at = grew_at

    def __repr__(self) -> str:
        slower = f" of {self.ceiling:g}" if self.rate < self.ceiling else ""
        return f"Bucket(rate={self.rate:g}{slower}, burst={self.burst})"
