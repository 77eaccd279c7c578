"""Adaptive concurrency: how many requests may be in flight follows from how they fare."""

from __future__ import annotations

__all__ = ["Window"]

_FLOOR, _START = 2, 10
_CUT = 0.7
# Slow is what takes longer than this many seconds, and thrice as long as answers take when the server has time.
_SLOW_SECONDS, _SLOW_FACTOR = 1.0, 3.0
_DRIFT = 0.02
"""Share of the way that the idea of a quick answer goes towards each slower one."""


class Window:
    """Additive up, multiplicative down, between a floor and what the caller allows.

    A slow answer, and a request without one, narrow it, once a round trip. Good answers widen it while it is full: by
    one each at first, by one a window after the first narrowing. What the server says is no matter of congestion.

    Args:
        most: requests in flight at most.
        reserve: further places that only urgent requests take.
    """

    def __init__(self, most: int, reserve: int = 0) -> None:
        self.most = most
        self.in_flight = 0
        self._reserve = reserve
        self._floor = min(_FLOOR, most)
        self._size = float(min(_START, most))
        self._was_full = False
        self._narrowed = False
        self._cut_again_at = 0.0
        self._quick = 0.0

    @property
    def size(self) -> int:
        """Return how many may be in flight now."""
        return int(self._size)

    def has_room(self, *, urgent: bool = False) -> bool:
        """Tell whether one more may leave."""
        return self.in_flight < self.size + (self._reserve if urgent else 0)

    def take(self) -> None:
        """Note that one leaves."""
        self.in_flight += 1
        self._was_full = self._was_full or self.in_flight >= self.size

    def give_back(self) -> None:
        """Note that one did not leave after all."""
        self.in_flight -= 1

    def release(self, now: float, elapsed: float, *, answered: bool) -> None:
        """Note the end of one that left.

        Args:
            now: clock time.
            elapsed: seconds that it took.
            answered: whether the server said anything.
        """
        self.in_flight -= 1
        if not answered or self._is_slow(elapsed):
            if now >= self._cut_again_at:
                self._size = max(float(self._floor), self._size * _CUT)
                self._cut_again_at = now + elapsed
                self._narrowed, self._was_full = True, False
        elif self._was_full:
            self._size = min(float(self.most), self._size + (1.0 / self._size if self._narrowed else 1.0))
            self._was_full = self.in_flight + 1 >= self.size

    def _is_slow(self, elapsed: float) -> bool:
        if not self._quick or elapsed < self._quick:
            self._quick = elapsed
        else:
            self._quick += (elapsed - self._quick) * _DRIFT
        return elapsed > max(_SLOW_SECONDS, self._quick * _SLOW_FACTOR)

    def __repr__(self) -> str:
        return f"Window({self.in_flight} of {self.size}, at most {self.most})"
