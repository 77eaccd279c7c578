"""Adaptive concurrency: how many requests may be in flight follows from how they fare."""

from __future__ import annotations

__all__ = ["Window"]

_FLOOR, _START = 2, 10
_CUT = 0.7
# Slow is what takes longer than this many seconds, and thrice as long as answers take when the server has time.
_SLOW_SECONDS, _SLOW_FACTOR = 1.0, 3.0
_NEWS, _MOST_OF_THEM = 0.2, 0.5
"""Share that each answer has in what counts as usual, and the share of slow ones among them that is too many: some
answers are slow at any server."""
_CAREFUL_SECONDS = 10.0
"""Seconds after a cut in which it widens slowly."""


class Window:
    """Additive up, multiplicative down, between a floor and what the caller allows.

    A slow answer, and a request without one, narrow it: of those that left before a cut none cuts again. Other answers
    widen it by one each, and by one a window for some seconds after a cut: as many of them as were in flight when it
    was last full. Refusals are no matter of congestion, however long they take.

    How long answers take when the server has time is what the quickest took. It is found anew where the window is at
    its floor: an answer that is slow even there is so for another reason than what is in flight.

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
        self.size = int(self._size)
        """How many may be in flight now."""
        self._may_widen = 0
        self._cut_at = self._careful_until = float("-inf")
        self._quick = float("inf")
        self._slow_share = 0.0

    def has_room(self, *, urgent: bool = False) -> bool:
        """Tell whether one more may leave."""
        return self.in_flight < (self.size + self._reserve if urgent else self.size)

    def take(self) -> None:
        """Note that one leaves."""
        self.in_flight += 1
        if self.in_flight >= self.size:
            self._may_widen = self.in_flight

    def give_back(self) -> None:
        """Note that one did not leave after all."""
        self.in_flight -= 1

    def release(self, now: float, elapsed: float, *, answered: bool, refused: bool = False) -> None:
        """Note the end of one that left.

        Args:
            now: clock time.
            elapsed: seconds that it took.
            answered: whether the server said anything.
            refused: whether that was a refusal.
        """
        left_since = now - elapsed >= self._cut_at
        slow = False
        if answered and not refused:
            if elapsed < self._quick or self.size <= self._floor:
                self._learn_quick(elapsed, now, left_since=left_since)
            slow = elapsed > _SLOW_SECONDS and elapsed > self._quick * _SLOW_FACTOR
            if left_since:
                self._slow_share += (slow - self._slow_share) * _NEWS
        if answered and not slow:
            if self._may_widen:
                self._widen(now)
        elif left_since and (not answered or self._slow_share > _MOST_OF_THEM):
            self._resize(max(float(self._floor), min(self._size, self.in_flight) * _CUT))
            self._cut_at, self._careful_until = now, now + _CAREFUL_SECONDS
            self._may_widen = 0
        self.in_flight -= 1

    def _widen(self, now: float) -> None:
        self._may_widen -= 1
        step = 1.0 / self._size if now < self._careful_until else 1.0
        self._resize(min(float(self.most), self._size + step))

    def _resize(self, size: float) -> None:
        self._size, self.size = size, int(size)

    def _learn_quick(self, elapsed: float, now: float, *, left_since: bool) -> None:
        """Learn how long an answer takes when the server has time."""
        if elapsed < self._quick:
            self._quick = elapsed
        elif left_since:
            self._quick, self._careful_until = elapsed, now

    def __repr__(self) -> str:
        return f"Window({self.in_flight} of {self.size}, at most {self.most})"
