"""What the server says about its limit on every answer: `X-RateLimit-Limit`, `-Remaining` and `-Reset`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

__all__ = ["Allowance", "Exhausted"]

_FIRST_GUESS: Final = 1.0
"""Seconds of the server's window as long as nothing is known: a wrong guess costs one refusal, which then says more."""
_LONGEST_WINDOW: Final = 60.0
_CAREFUL: Final = 0.97
"""Share of the learnt rate that is used, so that the last request of a window is not the one too many."""
_SHORTEST_WINDOW: Final = 0.5
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

    def __init__(self, wall_clock: Callable[[], float] = time.time) -> None:
        self._wall_clock = wall_clock
        self._window: float | None = None
        self._began: float | None = None
        self._left = 0
        self._whole = False
        """Whether the present window was seen from its beginning."""

    def observe(self, headers: Mapping[str, str], now: float) -> Exhausted | None:
        """Read an answer's headers (lower case); tell when nothing is left.

        Args:
            headers: of any answer.
            now: clock time.
        """
        limit, left = _number(headers, "x-ratelimit-limit"), _number(headers, "x-ratelimit-remaining")
        if not limit or left is None or limit < 0:
            return None
        self._follow(limit, left, now)
        reset = _number(headers, "x-ratelimit-reset")
        if reset is not None and reset > _EPOCH:
            reset -= int(self._wall_clock())
        if left > 0:
            return None
        if reset is not None and 0 <= reset <= _EPOCH:
            return Exhausted(now + reset, _CAREFUL * limit / (self._window or max(reset, _FIRST_GUESS)))
        began = now if self._began is None else self._began
        window = self._window or _FIRST_GUESS
        return Exhausted(max(now, began + window), _CAREFUL * limit / window)

    def _follow(self, limit: int, left: int, now: float) -> None:
        if self._began is None:
            self._began = now
        elif left > self._left + max(2, limit * _NOISE):
            if self._whole and now - self._began >= _SHORTEST_WINDOW:
                self._window = min(_LONGEST_WINDOW, now - self._began)
            self._began, self._whole = now, True
        self._left = left


def _number(headers: Mapping[str, str], name: str) -> int | None:
    text = headers.get(name, "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None
