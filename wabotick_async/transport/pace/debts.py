"""Limits of very many keys: a debt a recipient, forgotten when it is repaid."""

from __future__ import annotations

from collections import deque
from typing import Final

from ...config import Rate
from .bucket import SLACK

__all__ = ["Debts"]

_PARTS: Final = 64


class Debts:
    """What each key has borrowed from the future. Memory is bounded by what is owed at one time, not by the keys.

    Args:
        rate: what each key repays, and how much it may borrow.
    """

    def __init__(self, rate: Rate) -> None:
        self.interval = rate.interval
        """Seconds in which one message is repaid."""
        self._credit = (rate.burst - 1) * rate.interval
        # Many, because one that grows is copied as a whole, and both copies would be in memory for a moment.
        self._arrivals: tuple[dict[str, float], ...] = tuple({} for _ in range(_PARTS))
        # Two, because as many pairs would be work for the garbage collector.
        self._looks: deque[float] = deque()
        """When to look at a key again, each key once: whoever owes nothing then is forgotten."""
        self._looked_at: deque[str] = deque()
        """The keys, in the same order."""

    def due(self, key: str) -> float:
        """Return the clock time of the key's next grant."""
        arrival = self._part(key).get(key)
        return 0.0 if arrival is None else arrival - self._credit

    def take_if_due(self, key: str, now: float) -> bool:
        """Note a grant where the key is due."""
        part = self._arrivals[hash(key) % _PARTS]
        arrival = part.get(key)
        if arrival is not None and arrival - self._credit > now + SLACK:
            return False
        self._take(part, key, arrival, now)
        return True

    def take(self, key: str, now: float) -> None:
        """Note a grant."""
        part = self._part(key)
        self._take(part, key, part.get(key), now)

    def _part(self, key: str) -> dict[str, float]:
        return self._arrivals[hash(key) % _PARTS]

    def _take(self, part: dict[str, float], key: str, arrival: float | None, now: float) -> None:
        """Note a grant, and forget keys that owe nothing any more."""
        if arrival is None:
            self._look_again(now + self.interval, key)
        part[key] = (now if arrival is None or arrival < now else arrival) + self.interval
        while self._looks[0] <= now:
            self._looks.popleft()
            oldest = self._looked_at.popleft()
            among = self._part(oldest)
            if among[oldest] > now:
                self._look_again(now + self.interval, oldest)
            else:
                del among[oldest]

    def _look_again(self, at: float, key: str) -> None:
        self._looks.append(at)
        self._looked_at.append(key)

    def give_back(self, key: str, granted: float, now: float) -> None:
        """Take back a grant that was not used: what has not been repaid since."""
        part = self._part(key)
        if key in part:
            part[key] -= max(0.0, self.interval - (now - granted))

    def pause(self, key: str, until: float) -> None:
        """Grant the key nothing before a clock time."""
        part = self._part(key)
        if key not in part:
            self._look_again(0.0, key)
        part[key] = max(part.get(key, 0.0), until + self._credit)

    def __len__(self) -> int:
        return len(self._looks)
