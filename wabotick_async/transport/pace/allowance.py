"""What the server says about its limit on every answer: `X-RateLimit-Limit`, `-Remaining` and `-Reset`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

__all__ = ["Allowance", "Exhausted"]

_FIRST_GUESS: Final = 1.0
"""Seconds of the server's window as long as nothing is known: a wrong guess costs one refusal, which then says more."""
_LONGEST_WINDOW: Final = 60.0
_LONGEST_RESET: Final = 300.0
_CAREFUL: Final = 0.97
"""Share of the learnt rate that is used, so that the last request of a window is not the one too many."""
_SHORTEST_WINDOW: Final = 0.5
_CHECKED: Final = 2.0
_BUSY: Final = 0.8
_UNUSED: Final = 0.15
"""A learnt window is held against what is left: after so many of it, where so much of the rate that it allows was used,
and so much of the limit was never used."""
_LOW: Final = 0.1
"""Share of the limit that is better left alone: with no more than that left, the rate does not grow."""
_NOISE: Final = 0.05
"""Share of the limit by which answers that overtake each other may seem to give requests back."""
_EPOCH: Final = 1e9
"""A reset above this is a date in seconds since the epoch, below it a number of seconds."""


class Exhausted(NamedTuple):
    """The server has nothing left to grant for a while."""

    until: float
    """Clock time."""
    rate: float
    """Requests a second that use the server's window up and no more."""


class Allowance:
    """Learns the server's limit before it refuses.

    The window's length is learnt where the remaining requests jump up; where the server says when it ends, that counts.
    """

    def __init__(self, wall_clock: Callable[[], float]) -> None:
        self._wall_clock = wall_clock
        self._window: float | None = None
        self._began: float | None = None
        self._left = 0
        self._limit = 0
        self._told_at = 0.0
        self._checked_at, self._answers, self._least = 0.0, 0, 0

    def observe(self, headers: Mapping[str, str], now: float) -> Exhausted | None:
        """Read an answer's headers (lower case); tell when nothing is left.

        Args:
            headers: of any answer.
            now: clock time.
        """
        limit, left = _number(headers, "x-ratelimit-limit"), _number(headers, "x-ratelimit-remaining")
        if not limit or left is None or limit < 0:
            if now - self._told_at > _LONGEST_WINDOW:
                self._limit = 0  # what it said long ago holds no more
            return None
        self._told_at = now
        self._follow(limit, left, now)
        reset = _number(headers, "x-ratelimit-reset")
        if reset is not None and reset > _EPOCH:
            reset -= int(self._wall_clock())
        if left > 0:
            return None
        if reset is not None and 0 <= reset <= _LONGEST_RESET:  # anything else is not meant as it is read
            return Exhausted(now + reset, _CAREFUL * limit / (self._window or max(reset, _FIRST_GUESS)))
        began = now if self._began is None else self._began
        window = self._window or _FIRST_GUESS
        return Exhausted(max(now, began + window), _CAREFUL * limit / window)

    def has_room_above(self, rate: float) -> bool:
        """Tell whether the server would bear more requests a second than these; True as long as it says nothing."""
        if not self._limit:
            return True
        return self._left > self._limit * _LOW and (
            self._window is None or rate < _CAREFUL * self._limit / self._window
        )

    def _follow(self, limit: int, left: int, now: float) -> None:
        if self._began is None:
            self._began = now
        elif left > self._left + max(2, limit * _NOISE):
            if self._left <= limit * _LOW and now - self._began >= _SHORTEST_WINDOW:
                self._window = min(_LONGEST_WINDOW, now - self._began)
                self._check_from(now, limit)
            self._began = now
        self._left, self._limit = left, limit
        self._check(limit, left, now)

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


def _number(headers: Mapping[str, str], name: str) -> int | None:
    text = headers.get(name, "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None
