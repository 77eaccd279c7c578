"""Lateness is counted in steps, and the worst is exact."""

from __future__ import annotations

from itertools import chain, repeat

import pytest

from benchmarks.lag import Lag


def test_shares_and_the_most() -> None:
    lag = Lag()
    for late in chain(repeat(0.00005, 98), [0.02035, 0.75]):
        lag.note(late)

    found = lag.lateness()

    assert (found.p50, found.p99, found.most) == pytest.approx((0.0001, 0.0204, 0.75))


def test_what_is_beyond_the_steps_is_still_the_most() -> None:
    lag = Lag()
    lag.note(90.0)

    assert lag.lateness().most == 90.0


def test_nothing_was_late_where_nobody_looked() -> None:
    assert Lag().lateness().p99 == 0.0
