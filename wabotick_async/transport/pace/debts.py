"""Limits of very many keys: a debt a recipient, forgotten when it is repaid."""

from __future__ import annotations

from collections import deque

from ...config import Rate
from .bucket import SLACK

__all__ = ["Debts"]


class Debts:
    """What each key has borrowed from the future. Memory is bounded by what is owed at one time, not by the keys.

    Args:
        rate: what each key repays, and how much it may borrow.
    """

    def __init__(self, rate: Rate) -> None:
        self.interval = rate.interval
        """Seconds in which one message is repaid."""
        self._credit = (rate.burst - 1) * rate.interval
        self._arrivals: dict[str, float] = {}
        # Two, because as many pairs would be work for the garbage collector.
        self._looks: deque[float] = deque()
        """When to look at a key again, each key once: whoever owes nothing then is forgotten."""
        self._looked_at: deque[str] = deque()
        """The keys, in the same order."""

    def due(self, key: str) -> float:
        """Return the clock time of the key's next grant."""
        arrival = self._arrivals.get(key)
        return 0.0 if arrival is None else arrival - self._credit

    def take_if_due(self, key: str, now: float) -> bool:
        """Note a grant where the key is due."""
        arrival = self._arrivals.get(key)
        if arrival is not None and arrival - self._credit > now + SLACK:
            return False
        self._take(key, arrival, now)
        return True

    def take(self, key: str, now: float) -> None:
        """Note a grant."""
        self._take(key, self._arrivals.get(key), now)

    def _take(self, key: str, arrival: float | None, now: float) -> None:
        """Note a grant, and forget keys that owe nothing any more."""
        if arrival is None:
            self._look_again(now + self.interval, key)
        self._arrivals[key] = (now if arrival is None or arrival < now else arrival) + self.interval
        while self._looks[0] <= now:
            self._looks.popleft()
            oldest = self._looked_at.popleft()
            if self._arrivals[oldest] > now:
                self._look_again(now + self.interval, oldest)
            else:
                del self._arrivals[oldest]

    def _look_again(self, at: float, key: str) -> None:
        self._looks.append(at)
        self._looked_at.append(key)

    def give_back(self, key: str, granted: float, now: float) -> None:
        """Take back a grant that was not used: what has not been repaid since."""
        if key in self._arrivals:
            self._arrivals[key] -= max(0.0, self.interval - (now - granted))

    def pause(self, key: str, until: float) -> None:
        """Grant the key nothing before a clock time."""
        if key not in self._arrivals:
            self._look_again(0.0, key)
        self._arrivals[key] = max(self._arrivals.get(key, 0.0), until + self._credit)

    def __len__(self) -> int:
        return len(self._arrivals)
