"""What the server says about its limit on every answer: `X-RateLimit-Limit`, `-Remaining` and `-Reset`."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Final, NamedTuple

__all__ = ["LIMIT_HEADER", "Allowance", "Told"]

LIMIT_HEADER: Final = "x-ratelimit-limit"
"""Without it, the others say nothing."""

_FIRST_GUESS: Final = 1.0
"""Seconds of the server's window as long as nothing is known."""
_LONGEST_WINDOW: Final = 60.0
_LONGEST_RESET: Final = 300.0
_CAREFUL: Final = 0.97
"""Share of the learnt rate that is used, so that the last request of a window is not the one too many."""
_SHORTEST_WINDOW: Final = 0.5
_HEARD: Final = 0.5
"""Share of a window in which nothing was heard, above which its end is not known well enough to learn from."""
_CHECKED: Final = 2.0
_BUSY: Final = 0.8
_UNUSED: Final = 0.15
"""A learnt window is held against what is left: after so many of it, where so much of the rate that it allows was used,
and so much of the limit was never used."""
_LOW: Final = 0.1
_FEW: Final = 2
"""Share of the limit, or requests where they are more, that are better left alone: with no more than that left, the
rate does not grow, and they are spread over a window whose length is not known."""
_NOISE: Final = 0.05
"""Share of the limit by which answers that overtake each other may seem to give requests back."""
_REMEMBERED: Final = 256
"""Answers at most among which the lowest count is the true one."""
_EPOCH: Final = 1e9
"""A reset above this is a date in seconds since the epoch, below it a number of seconds."""


class Told(NamedTuple):
    """What an answer says about the requests behind it."""

    left: int
    """Requests that the server still takes, besides those that are in flight."""
    since: float
    """Clock time of the first of them at the earliest."""
    until: float
    """Clock time at which the server may have more."""
    hold: float
    """Clock time until which, with none left, none leaves without another answer."""
    rate: float
    """Requests a second that use the server's window up and no more; inf as long as that is not known."""
    exhausted: bool
    """Whether nothing is left, whatever is in flight."""


class Allowance:
    """Learns the server's limit before it refuses.

    What is in flight is not counted in an answer yet, so no more leave than are left besides.

    The window's length is learnt where the remaining requests jump up; where the server says when it ends, that counts.
    As long as it is not known, the last of them are spread: each later by the same factor since the window began, so
    that they last a minute, and a window that ends sooner is seen soon after. Only a longer one ends in a refusal.
    """

    def __init__(self, wall_clock: Callable[[], float]) -> None:
        self._wall_clock = wall_clock
        self._window: float | None = None
        self._longest = _LONGEST_WINDOW
        self._began: float | None = None
        self._first = self._answered = 0
        self._recent: deque[int] = deque(maxlen=_REMEMBERED)
        self._overtaken = 0.0
        self._since = 0.0
        self._left = 0
        self._limit = 0
        self._told_at = 0.0
        self._checked_at, self._answers, self._least = 0.0, 0, 0

    def observe(self, headers: Mapping[str, str], now: float, others: int = 0) -> Told | None:
        """Read an answer's headers (lower case); None where they say nothing.

        Args:
            headers: of any answer.
            now: clock time.
            others: requests that are in flight besides the answered one.
        """
        text = headers.get(LIMIT_HEADER)
        limit, left = _number(text), _number(headers.get("x-ratelimit-remaining"))
        if not limit or left is None:
            if self._limit and now - self._told_at > _LONGEST_WINDOW:
                self._limit = 0  # what it said long ago holds no more
            return None
        began, left = self._follow(limit, left, now, others)
        reset = _number(headers.get("x-ratelimit-reset"))
        if reset is not None and reset > _EPOCH:
            reset -= int(self._wall_clock())
        if reset is not None and not 0 <= reset <= _LONGEST_RESET:  # anything else is not meant as it is read
            reset = None
        since, free = 0.0, max(0, left - others)
        if reset is not None:
            until = now + reset
            if self._window is not None:  # whole seconds, rounded up
                until = max(until - 1.0, min(until, began + self._window))
            elif not left and self._first >= limit * (1.0 - _LOW):
                self._window = max(_SHORTEST_WINDOW, until - began)
        elif self._window is not None:
            until = began + self._window
        else:
            until = began + _FIRST_GUESS
            if left and left - others <= max(_FEW, limit * _LOW) and now < began + self._longest:
                # Also of a sliding window, all that is taken so far is given back by then.
                since = now + _FIRST_GUESS if now < until else self._spread(began, now, free)
                until, free = began + self._longest, min(free, 1)
        self._since, until = since, max(now, until)
        if until == now and not left and not others:  # nobody knows for how long: one finds out
            free = 1
        hold = until + _FIRST_GUESS if free or others else until
        rate = float("inf") if self._window is None else _CAREFUL * limit / self._window
        return Told(left=free, since=since, until=until, hold=hold, rate=rate, exhausted=not left)

    @property
    def is_silent(self) -> bool:
        """Tell whether the server says nothing of late."""
        return not self._limit

    def has_room_above(self, rate: float) -> bool:
        """Tell whether the server would bear more requests a second than these; True as long as it says nothing."""
        if not self._limit:
            return True
        return self._left > self._limit * _LOW and (
            self._window is None or rate < _CAREFUL * self._limit / self._window
        )

    def _spread(self, began: float, now: float, free: int) -> float:
        """Return when the next of the last few may leave: all of them, each later by the same factor, fill a window."""
        age = now - began
        factor: float = (self._longest / age) ** (1.0 / max(1, free))
        return began + age * factor

    def _follow(self, limit: int, left: int, now: float, others: int) -> tuple[float, int]:
        """Note what is left; return when the window began, and what is left if this answer was overtaken by others."""
        noise = max(_FEW, limit * _NOISE)
        fresh = limit - left <= others + 1 and left > self._left + noise
        noise = max(noise, 2 * others)
        self._answered += 1
        given_back = self._window is None and left + self._answered > self._first + noise
        if self._began is None:
            self._begin(left, now)
        elif fresh or given_back or left > self._left + noise:
            if self._first >= limit * (1.0 - _LOW):  # it was seen from its beginning
                self._end(now, limit)
            self._begin(left, now)
        self._recent.appendleft(left)
        self._overtaken = max(others, self._overtaken - 0.5)
        left = min(islice(self._recent, int(2 * self._overtaken) + 1))
        self._left, self._limit, self._told_at = left, limit, now
        self._check(limit, left, now)
        return now if self._began is None else self._began, left

    def _begin(self, left: int, now: float) -> None:
        self._began, self._first, self._answered = now, left, 0
        self._recent.clear()

    def _end(self, now: float, limit: int) -> None:
        """Learn from a window that has ended, perhaps in the seconds in which nobody asked although somebody might."""
        length = now - (self._began or now)
        if length < _SHORTEST_WINDOW or self._answered > limit * (1.0 + _LOW) + _FEW:  # more than one window takes
            return
        self._longest = min(self._longest, length)
        unheard = now - max(self._told_at, self._since)
        heard = unheard <= length * _HEARD or (self._window is not None and length < self._window)
        if heard and self._left <= max(_FEW, limit * _LOW):
            self._window = min(_LONGEST_WINDOW, length)
            self._check_from(now, limit)

    def _check(self, limit: int, left: int, now: float) -> None:
        """Shorten a window that a pause made look longer: requests as fast as it allows leave many of them unused."""
        self._answers += 1
        self._least = min(self._least, left)
        if self._window is None or now < self._checked_at + _CHECKED * self._window:
            return
        busy = self._answers >= _BUSY * _CAREFUL * limit * (now - self._checked_at) / self._window
        if busy and self._least > limit * _UNUSED:
            self._window = max(_SHORTEST_WINDOW, self._window * (1.0 - self._least / limit))
        self._check_from(now, limit)

    def _check_from(self, now: float, limit: int) -> None:
        self._checked_at, self._answers, self._least = now, 0, limit


def _number(text: str | None) -> int | None:
    if text is None:
        return None
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None
