"""What the times of a run say."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import msgspec

from benchmarks.pace.traffic import Traffic


class Phase(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a run."""

    grant: int
    """Most grants in one second, where the limiter decides."""
    returned: int
    """Most in one second where `acquire` comes back: a loop that stood still hands out many at once."""
    server: int
    """Most arrivals in one second."""
    used: float
    """Grants that came back as a share of what the rate allows in this time, besides the burst."""


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One limiter at one rate."""

    limiter: str
    rate: int
    burst: int
    cold: Phase
    """From the first moment of limiter and connections on."""
    warm: Phase
    stall: float
    """Seconds that client or server stood still at most."""

    @property
    def limit(self) -> int:
        """Return what was declared: the most in any second."""
        return self.rate + self.burst


def worst(times: Sequence[float], begin: float = float("-inf"), end: float = float("inf")) -> int:
    """Return the most times in one second, half open, of all the seconds that begin in [begin, end).

    The worst of them begins at one of the times, so no other needs a look.
    """
    seconds = range(bisect_left(times, begin), bisect_left(times, end))
    return max((_second(times, first) for first in seconds), default=0)


def too_full(times: Sequence[float], limit: int) -> float:
    """Return the share of seconds with more than so many times, of those that begin at one and do not outlast them."""
    whole = bisect_left(times, times[-1] - 1.0) if times else 0
    return sum(_second(times, first) > limit for first in range(whole)) / whole if whole else 0.0


def _second(times: Sequence[float], first: int) -> int:
    return bisect_left(times, times[first] + 1.0) - first


def phase(run: Traffic, begin: float, end: float, rate: float, credit: int = 0) -> Phase:
    """Return the figures of a part of a run, between two clock times.

    Args:
        rate: allowed a second.
        credit: grants that may come besides.
    """
    grants = bisect_left(run.returned, end) - bisect_left(run.returned, begin)
    return Phase(
        grant=worst(run.granted, begin, end),
        returned=worst(run.returned, begin, end),
        server=worst(run.arrived, begin, end),
        used=(grants - credit) / (rate * (end - begin)),
    )
