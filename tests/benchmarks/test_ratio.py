"""Ratios belong to pairs, and their interval holds the median."""

from __future__ import annotations

import random

import pytest

from benchmarks.ratio import Ratio, ratio


def test_pairs_are_divided_one_by_one() -> None:
    assert ratio([2.0, 4.0, 30.0], [1.0, 2.0, 10.0], random.Random(0)).median == 2.0


def test_equal_pairs_leave_no_doubt() -> None:
    assert ratio([3.0] * 9, [2.0] * 9, random.Random(0)) == Ratio(1.5, 1.5, 1.5)


def test_the_interval_holds_the_median_and_narrows_with_more_pairs() -> None:
    dice = random.Random(0)
    few = ratio([dice.uniform(1, 3) for _ in range(10)], [1.0] * 10, random.Random(0))
    many = ratio([dice.uniform(1, 3) for _ in range(400)], [1.0] * 400, random.Random(0))

    assert few.low <= few.median <= few.high
    assert many.high - many.low < few.high - few.low


@pytest.mark.parametrize(("above", "below"), [([], []), ([1.0], [1.0, 2.0])])
def test_pairs_that_are_none_are_no_ratio(above: list[float], below: list[float]) -> None:
    with pytest.raises(ValueError, match=r"pairs|zip"):
        ratio(above, below, random.Random(0))
