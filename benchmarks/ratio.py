"""Ratios of values that were taken side by side, with the interval that holds their median with 95 % confidence."""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence
from typing import Final

import msgspec

__all__ = ["Ratio", "ratio"]

_RESAMPLES: Final = 2_000


class Ratio(msgspec.Struct, frozen=True):
    """A median, and its interval (bootstrap)."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.low:.2f} to {self.high:.2f})"


def ratio(above: Sequence[float], below: Sequence[float], dice: random.Random) -> Ratio:
    """Return the ratios of values that belong together, pair by pair.

    Args:
        dice: draws the samples of which the interval is made.

    Raises:
        ValueError: the two are not equally long, or empty.
    """
    values = [one / other for one, other in zip(above, below, strict=True)]
    if not values:
        raise ValueError("no pairs")
    medians = sorted(statistics.median(dice.choices(values, k=len(values))) for _ in range(_RESAMPLES))
    return Ratio(statistics.median(values), medians[_RESAMPLES // 40], medians[-_RESAMPLES // 40 - 1])
