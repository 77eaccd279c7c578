"""The platform's request limit: so many requests a window for each token."""

import math
from collections import defaultdict, deque
from collections.abc import Callable


class Throttle:
    """Count requests in a sliding window."""

    def __init__(self, limit: int, window: float, clock: Callable[[], float]) -> None:
        self.limit = limit
        self._window = window
        self._clock = clock
        self._taken: defaultdict[str, deque[float]] = defaultdict(deque)

    def take(self, token: str) -> int | None:
        """Take one request; return None, or the whole seconds to wait when there is none left."""
        now, taken = self._clock(), self._taken[token]
        while taken and now - taken[0] >= self._window:
            taken.popleft()
        if len(taken) >= self.limit:
            return max(1, math.ceil(taken[0] + self._window - now))
        taken.append(now)
        return None

    def left(self, token: str) -> int:
        """Return how many requests are left in the window."""
        return max(0, self.limit - len(self._taken[token]))
