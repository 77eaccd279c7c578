"""A bucket that everybody wants something of, before a server, and nothing else: a minute costs milliseconds."""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Callable, Iterator
from itertools import count, pairwise
from random import Random
from typing import NamedTuple

from wabotick_async.transport.pace.bucket import Bucket

__all__ = ["Door", "Story", "tell"]

_LATE = 1e-6


class Story(NamedTuple):
    """What became of a crowd."""

    ended: float
    """When the last one was taken."""
    refused: list[float]
    """When the server refused one."""

    def pauses(self, since: float = 0.0) -> int:
        """Count the refusals since a moment; what follows another within a second belongs to it."""
        times = [-math.inf, *self.refused]
        return sum(later > former + 1.0 for former, later in pairwise(times) if later >= since)


class Door:
    """The server: takes `limit` requests in a window, and asks the rest to come again.

    Args:
        limit: by the seconds.
        window: seconds.
        fixed: whether windows begin at full multiples; otherwise any span of that length is one.
        retry_after: seconds that a refusal asks for; by default the whole seconds until one more is taken.
    """

    def __init__(
        self,
        limit: Callable[[float], float],
        *,
        window: float = 1.0,
        fixed: bool = False,
        retry_after: float | None = None,
    ) -> None:
        self._limit = limit
        self._window = window
        self._fixed = fixed
        self._retry_after = retry_after
        self._taken: deque[float] = deque()

    def knock(self, now: float) -> float:
        """Return 0 where a request is taken, else the seconds of the refusal."""
        taken, window = self._taken, self._window
        while taken and (now // window > taken[0] // window if self._fixed else now - taken[0] >= window - _LATE):
            taken.popleft()
        limit = self._limit(now)
        if len(taken) < limit:
            taken.append(now)
            return 0.0
        if self._retry_after is not None:
            return self._retry_after
        free = window - now % window if self._fixed else taken[-int(limit)] + window - now
        return max(1.0, math.ceil(free))


def tell(crowd: int, rate: float, door: Door, *, latency: float = 0.1, jitter: float = 0.0) -> Story:
    """Let a crowd of so many through a bucket to a server; whoever is refused comes again.

    Args:
        crowd: how many.
        rate: of the bucket.
        door: the server.
        latency: seconds, half of them on either way.
        jitter: share by which each way differs.
    """
    bucket, random, order = Bucket(rate), Random(1), count()
    coming: list[tuple[float, int, float, float]] = []  # when, order, when it left, what it was told
    waiting, inside, now, refused = crowd, 0, 0.0, list[float]()
    ways = _ways(random, latency, jitter)
    while inside < crowd:
        due = max(now, bucket.due) if waiting else math.inf
        if not coming or due < coming[0][0]:
            now = due
            bucket.take(now, 0.0)
            waiting -= 1
            heapq.heappush(coming, (now + next(ways), next(order), now, 0.0))
            continue
        now, _, left, told = heapq.heappop(coming)
        if told:
            waiting += 1
            bucket.throttled(now + told, "", now, now - left)
        elif told := door.knock(now):
            refused.append(now)
            heapq.heappush(coming, (now + next(ways), next(order), left, told))
        else:
            inside += 1
    return Story(now, refused)


def _ways(random: Random, latency: float, jitter: float) -> Iterator[float]:
    while True:
        yield latency / 2.0 * random.uniform(1.0 - jitter, 1.0 + jitter)
