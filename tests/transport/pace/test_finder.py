"""The rate after a refusal, between refusals, and when it probes."""

from __future__ import annotations

from itertools import pairwise

import pytest

from wabotick_async.transport.pace.finder import Finder


def found(limit: int = 50, ceiling: float = 200.0) -> Finder:
    """Return a finder that was refused at 99 and goes on at 100, when so many had left in the second before."""
    finder = Finder(ceiling)
    assert finder.refused(ceiling, limit, 98.9, 99.0, 100.0) == limit
    return finder


def refused(finder: Finder, sent: float, taken: int = 0) -> float:
    """Note a refusal of something that left at a moment, and return the rate to go on at."""
    return finder.refused(finder.rate_at(sent), taken, sent, sent + 0.1, sent + 1.1)


def test_the_limit_is_used_until_the_probe() -> None:
    finder = found(50)
    assert [finder.rate_at(now) for now in (99.0, 100.0, 105.0, 110.9)] == [50.0] * 4


@pytest.mark.parametrize(
    ("limit", "after"), [(20, 11.0), (50, 11.0), (100, 33.0), (134, 60 * 1.1), (150, 66.0), (190, 66.0)]
)
def test_the_probe_comes_sooner_the_more_there_is_to_win(limit: int, after: float) -> None:
    finder = found(limit)
    assert finder.rate_at(100.0 + after - 0.7) == limit
    assert finder.rate_at(100.0 + after + 0.7) > limit


def test_the_probe_is_rarer_the_more_a_refusal_costs() -> None:
    finder = Finder(200.0)
    finder.refused(200.0, 50, 98.0, 99.0, 102.0)
    assert finder.rate_at(102.0 + 39.9) == 50.0
    assert finder.rate_at(102.0 + 40.1) > 50.0
    finder.refused(52.0, 50, 142.5, 143.0, 200.0)
    assert finder.rate_at(200.0 + 119.9) == 50.0
    assert finder.rate_at(200.0 + 120.1) > 50.0


def test_the_probe_is_rarer_the_longer_the_limit_has_held() -> None:
    finder, now, waits = found(50), 100.0, []
    for _ in range(40):
        began = now
        while finder.rate_at(now) == 50.0:
            now += 0.1
        waits.append(round(now - began))
        assert refused(finder, now, 51) == 50.0
        now += 1.1
    assert waits[:5] == [11, 11, 11, 11, 11]
    assert waits == sorted(waits)
    assert waits[-1] == 60


@pytest.mark.parametrize(("limit", "probe"), [(2, 3.0), (10, 11.5), (100, 105.0)])
def test_a_probe_is_a_little_above_the_limit(limit: int, probe: float) -> None:
    finder, now = found(limit, 10.0 * limit), 100.0
    while finder.rate_at(now) == limit:
        now += 0.01
    assert finder.rate_at(now) == probe
    assert [finder.rate_at(now + step * 1.1) for step in (0.95, 1.0, 1.95)] == [probe, 3 * probe, 3 * probe]
    assert finder.rate_at(now + 1000.0) == 10.0 * limit


def test_where_nothing_was_learnt_it_is_cut_and_climbs_to_just_below() -> None:
    finder = Finder(100.0)
    assert finder.refused(100.0, 0, 9.9, 10.0, 11.0) == 70.0
    assert [round(finder.rate_at(now), 1) for now in (10.5, 11.0, 13.5, 16.0, 20.0)] == [70.0, 70.0, 83.5, 97.0, 97.0]


@pytest.mark.parametrize(("taken", "rate"), [(96, 96.0), (97, 70.0), (100, 70.0), (9, 10.0), (11, 11.0), (-1, 70.0)])
def test_a_measure_is_taken_where_it_says_something(taken: int, rate: float) -> None:
    assert Finder(100.0).refused(100.0, taken, 9.9, 10.0, 11.0) == pytest.approx(rate)


def test_a_second_refusal_soon_after_a_blind_cut_cuts_as_deep() -> None:
    finder = Finder(100.0)
    finder.refused(100.0, 0, 9.9, 10.0, 11.0)
    assert refused(finder, 11.2) == pytest.approx(0.7 * 71.08)


def test_a_refusal_while_it_climbs_leads_half_way_back() -> None:
    finder = Finder(100.0)
    finder.refused(100.0, 0, 9.9, 10.0, 11.0)
    rate = finder.rate_at(15.0)
    assert refused(finder, 15.0) == pytest.approx((70.0 + rate) / 2)


def test_a_refusal_between_probes_keeps_a_small_distance() -> None:
    finder = found(50)
    assert refused(finder, 108.0, 50) == pytest.approx(48.5)
    assert refused(finder, 116.0, 48) == pytest.approx(48.5 * 0.97)


def test_the_distance_is_a_fifth_at_most_and_lessens_with_each_probe_in_vain() -> None:
    finder, now, rate = found(50), 100.0, 50.0
    for _ in range(20):
        now += 6.0
        rate = refused(finder, now, 0)
        now += 1.1
    assert rate == pytest.approx(40.0)
    while finder.rate_at(now) == rate:
        now += 0.1
    assert finder.rate_at(now) == 52.5  # above the limit, not above the distance from it
    assert refused(finder, now, 50) == pytest.approx(50 * 0.81)


def test_refusals_soon_after_each_other_lower_the_limit_ever_faster() -> None:
    finder, now, rates = found(50), 100.0, [50.0]
    for _ in range(7):
        now += 2.0
        rates.append(refused(finder, now, 0))
        now += 1.1
    cuts = [round(1.0 - later / former, 2) for former, later in pairwise(rates)]
    assert cuts == [0.03, 0.03, 0.06, 0.12, 0.24, 0.3, 0.3]


@pytest.mark.parametrize(("taken", "limit"), [(41, 41.0), (42, 48.5), (2, 5.0)])
def test_a_limit_that_fell_between_probes_is_measured(taken: int, limit: float) -> None:
    assert refused(found(50), 108.0, taken) == pytest.approx(limit)


def test_a_probe_that_goes_far_before_it_is_refused_finds_the_new_limit() -> None:
    finder = found(50)
    assert finder.rate_at(112.5) == 157.5
    assert refused(finder, 112.5, 120) == 120.0


def test_a_probe_finds_a_limit_that_is_a_little_higher() -> None:
    assert refused(found(10, 40.0), 111.1, 11) == 11.0
    assert refused(found(50), 111.1, 52) == 50.0


def test_what_a_probe_found_is_given_up_for_what_was_proved() -> None:
    finder = found(50)
    assert refused(finder, 112.5, 80) == 80.0
    assert refused(finder, 114.6, 79) == pytest.approx(50.0)


def test_what_was_proved_once_is_not_for_ever() -> None:
    finder = found(50)
    refused(finder, 112.5, 80)
    refused(finder, 114.6, 79)
    assert refused(finder, 116.7, 0) < 50.0
    assert refused(finder, 118.8, 0) < refused(found(50), 108.0, 0)


@pytest.mark.parametrize(("ceiling", "floor"), [(10.0, 0.5), (20.0, 1.0), (1000.0, 1.0), (float("inf"), 1.0)])
def test_the_rate_has_a_floor(ceiling: float, floor: float) -> None:
    finder, now, rate = Finder(ceiling), 0.0, ceiling
    assert finder.floor == floor
    for _ in range(60):
        rate = finder.refused(finder.rate_at(now) if now else ceiling, 0, now, now + 0.1, now + 1.1)
        now += 1.2
    assert rate == pytest.approx(floor)


def test_a_rate_that_was_learnt_elsewhere_is_a_limit_like_any_other() -> None:
    finder = Finder(100.0)
    finder.begin(25.0, 50.0)
    assert [finder.rate_at(now) for now in (50.0, 59.9, 60.1)] == [25.0, 25.0, 26.5]
    finder = Finder(100.0)
    finder.begin(25.0, 50.0)
    assert refused(finder, 58.0, 0) == pytest.approx(25.0 * 0.97)


def test_where_the_server_says_so_it_stays_and_grows_slowly_then() -> None:
    finder = found(50)
    finder.stay(50.0, 200.0)
    assert [round(finder.rate_at(now), 2) for now in (199.9, 200.0, 201.2, 202.3)] == [50.0, 52.5, 55.12, 57.88]
    finder.stay(55.0, 150.0)
    assert finder.rate_at(199.0) == 55.0
