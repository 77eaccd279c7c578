"""Moments of the last so many seconds."""

from collections import deque

# Seconds. A float of the size of today's date is no finer than a quarter of this.
_SLACK = 1e-6


class Window:
    """Count moments that slide out of sight; a moment exactly so many seconds old is out."""

    __slots__ = ("_moments",)

    def __init__(self) -> None:
        self._moments: deque[float] = deque()

    def add(self, now: float) -> None:
        """Note a moment."""
        self._moments.append(now)

    def count(self, now: float, seconds: float) -> int:
        """Count the moments of the last seconds and forget the older ones."""
        moments = self._moments
        while moments and now - moments[0] >= seconds - _SLACK:
            moments.popleft()
        return len(moments)

    def below(self, limit: int, seconds: float) -> float:
        """Return when fewer than `limit` moments will be in sight, given that there are as many now."""
        return self._moments[-limit] + seconds

    def __len__(self) -> int:
        return len(self._moments)
