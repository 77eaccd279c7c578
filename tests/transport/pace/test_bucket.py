"""One limit: grants, what is given back, pauses, refusals."""

from __future__ import annotations

from itertools import pairwise

import pytest

from wabotick_async.errors import ConfigurationError
from wabotick_async.transport.pace.bucket import Bucket

INF = float("inf")


def drain(bucket: Bucket, since: float, until: float) -> list[float]:
    """Take whatever there is in a span of time, as soon as it is due."""
    grants: list[float] = []
    now = max(since, bucket.due)
    while now < until:
        bucket.take(now, since)
        grants.append(now)
        now = max(now, bucket.due)
    return grants


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan")])
def test_a_rate_is_above_nothing(rate: float) -> None:
    with pytest.raises(ConfigurationError, match="above 0"):
        Bucket(rate)


def test_grants_are_an_interval_apart() -> None:
    grants = drain(Bucket(10.0), 0.0, 5.0)
    assert [round(later - former, 9) for former, later in pairwise(grants)] == [0.1] * (len(grants) - 1)
    assert 49 <= len(grants) <= 51


def test_a_burst_leaves_at_once_and_comes_back_with_quiet_time() -> None:
    bucket = Bucket(10.0, 3)
    assert drain(bucket, 0.0, 0.05) == [0.0, 0.0, 0.0]
    assert bucket.due == pytest.approx(0.1)
    assert len(drain(bucket, 10.0, 10.05)) == 3


@pytest.mark.parametrize(("late", "next_due"), [(0.05, 0.2), (0.1, 0.2), (0.11, 0.31)])
def test_a_late_grant_counts_from_when_it_was_due_up_to_a_tenth_of_a_second(late: float, next_due: float) -> None:
    bucket = Bucket(10.0)
    bucket.take(0.0, 0.0)
    bucket.take(0.1 + late, 0.0)
    assert bucket.due == pytest.approx(next_due)


def test_nobody_made_a_grant_late_who_asked_after_it_was_due() -> None:
    bucket = Bucket(10.0)
    bucket.take(0.0, 0.0)
    bucket.take(0.15, 0.12)
    assert bucket.due == pytest.approx(0.25)


def test_late_grants_are_made_up_for_only_within_the_limit_of_a_second() -> None:
    bucket = Bucket(10.0)
    for step in range(11):
        bucket.take(step * 0.1 + (0.09 if step < 10 else 0.0), 0.0)
    assert bucket.due == pytest.approx(1.1)
    bucket = Bucket(10.0)
    for when in [0.09 * step for step in range(11)]:
        bucket.take(when, when)
    assert bucket.due >= 1.0  # eleven have left since 0


def test_a_full_second_holds_back_whatever_the_arrivals_say() -> None:
    bucket = Bucket(10.0)
    for _ in range(11):
        bucket.take(5.0, 5.0)
    bucket._arrival = 0.0
    bucket._settle()
    assert bucket.due == 6.0
    bucket.give_back(5.0, 5.0)
    assert bucket.due < 6.0


def test_grants_are_remembered_for_three_seconds_and_no_longer() -> None:
    bucket = Bucket(10.0)
    drain(bucket, 0.0, 60.0)
    assert 29 <= len(bucket._granted) <= 31


def test_they_are_remembered_as_long_as_a_refusal_takes_in_addition_but_not_for_ever() -> None:
    for elapsed, seconds in ((2.0, 5), (100.0, 13)):
        bucket = Bucket(10.0)
        drain(bucket, 0.0, 200.0)
        bucket.throttled(200.0, "", 200.0, elapsed)
        bucket.set_rate(10.0, 200.0)
        drain(bucket, 200.0, 300.0)
        assert seconds * 10 - 1 <= len(bucket._granted) <= seconds * 10 + 1


def test_nothing_is_remembered_where_there_is_no_limit() -> None:
    bucket = Bucket(1e6)
    drain(bucket, 0.0, 0.001)
    assert len(bucket._granted) == 0


def test_a_grant_that_was_not_used_is_given_back_as_far_as_it_has_not_drained() -> None:
    for now, due in ((0.0, 0.0), (0.04, 0.04), (0.2, 0.1)):
        bucket = Bucket(10.0)
        bucket.take(0.0, 0.0)
        bucket.give_back(0.0, now)
        assert bucket.due == pytest.approx(due)


def test_the_grant_behind_others_is_as_many_intervals_away() -> None:
    bucket = Bucket(10.0)
    assert bucket.due_behind(0, 5.0) == pytest.approx(5.0)
    assert bucket.due_behind(3, 5.0) == pytest.approx(5.3)
    bucket.take(5.0, 5.0)
    assert bucket.due_behind(3, 5.0) == pytest.approx(5.4)
    bucket.pause(8.0, "", 5.0)
    assert bucket.due_behind(3, 5.0) == pytest.approx(8.3)
    assert Bucket(10.0, 3).due_behind(4, 5.0) == pytest.approx(5.2)


def test_what_is_owed_counts_at_the_new_rate() -> None:
    bucket = Bucket(10.0)
    bucket.take(0.0, 0.0)
    bucket.set_rate(1.0, 0.05)
    assert bucket.due == pytest.approx(0.55)


def test_a_pause_is_only_extended_and_begins_once() -> None:
    bucket = Bucket(10.0)
    assert bucket.pause(5.0, "first", 1.0)
    assert not bucket.pause(4.0, "shorter", 2.0)
    assert not bucket.pause(5.0, "as long", 2.0)
    assert (bucket.paused_until, bucket.why) == (5.0, "first")
    assert not bucket.pause(7.0, "longer", 4.9)
    assert (bucket.paused_until, bucket.why, bucket.due) == (7.0, "longer", 7.0)
    assert bucket.pause(8.0, "again", 7.0)
    assert not bucket.pause(8.0, "over", 9.0)
    assert not bucket.pause(9.0, "at once", 9.0)


def test_the_limit_is_what_left_in_the_second_before_a_refused_request() -> None:
    bucket = Bucket(20.0)
    bucket.run_at(10.0, 0.0)
    drain(bucket, 0.0, 0.95)
    bucket.set_rate(20.0, 0.95)
    grants = drain(bucket, 0.95, 1.5)
    taken = len([when for when in drain(Bucket(10.0), 0.0, 0.95) if when > grants[-1] - 1.0]) + len(grants) - 1
    bucket.throttled(3.0, "", 2.0, 2.0 - grants[-1])
    assert bucket.rate == taken


@pytest.mark.parametrize(("elapsed", "rate"), [(0.0, 20.0), (2.0, 20.0), (2.1, 14.0)])
def test_nobody_knows_what_left_longer_ago_than_is_remembered(elapsed: float, rate: float) -> None:
    bucket = Bucket(20.0)
    grants = drain(bucket, 0.0, 1.0)
    bucket.throttled(10.0, "", grants[5] + elapsed, elapsed)
    assert bucket.rate == (pytest.approx(5.0) if elapsed <= 2.0 else rate)


def test_a_pause_that_becomes_more_than_twice_as_long_is_news() -> None:
    bucket = Bucket(10.0)
    assert bucket.pause(15.0, "", 10.0)
    told = [until for until in range(16, 60) if bucket.pause(float(until), "", 12.0)]
    assert told == [21, 33, 57]


def test_what_left_before_a_cut_does_not_cut_again() -> None:
    bucket = Bucket(100.0)
    bucket.throttled(12.0, "one", 10.0, 0.5)
    rate = bucket.rate
    assert rate == 70.0
    assert bucket.throttled(14.0, "two", 13.0, 1.5)
    assert (bucket.rate, bucket.paused_until, bucket.why) == (rate, 14.0, "two")
    bucket.throttled(15.0, "three", 14.0)
    assert bucket.rate < rate


@pytest.mark.parametrize("now", [11.0, 14.9, 15.5, 30.0])
def test_a_late_refusal_of_what_left_before_a_pause_asks_for_no_more_than_that(now: float) -> None:
    bucket = Bucket(100.0)
    assert bucket.throttled(15.0, "first", 10.0, 0.5)
    rate = bucket.rate
    assert not bucket.throttled(now + 5.0, "late", now, now - 9.9)
    assert (bucket.rate, bucket.paused_until, bucket.why) == (rate, 15.0, "first")


@pytest.mark.parametrize("now", [11.0, 14.9, 15.5])
def test_one_that_asks_for_more_even_if_counted_from_when_it_left_is_obeyed(now: float) -> None:
    bucket = Bucket(100.0)
    bucket.throttled(15.0, "first", 10.0, 0.5)
    rate = bucket.rate
    assert bucket.throttled(now + 60.0, "late", now, now - 9.9)
    assert (bucket.rate, bucket.paused_until, bucket.why) == (rate, now + 60.0, "late")


def test_what_left_after_a_pause_begins_the_next() -> None:
    bucket = Bucket(100.0)
    bucket.throttled(15.0, "first", 10.0, 0.5)
    rate = bucket.rate
    assert bucket.throttled(21.0, "next", 16.0, 1.0)
    assert bucket.rate < rate
    assert bucket.paused_until == 21.0


def test_refusals_that_ask_no_wait_cut_once_a_second() -> None:
    bucket = Bucket(100.0)
    for now in (10.0, 10.5, 10.99):
        bucket.throttled(now, "", now)
    assert bucket.rate == 70.0
    bucket.throttled(12.0, "", 12.0)
    assert bucket.rate == 49.0


def test_what_left_before_another_rate_was_learnt_does_not_cut_it() -> None:
    bucket = Bucket(100.0)
    bucket.run_at(50.0, 10.0)
    bucket.throttled(12.0, "", 10.5, 1.0)
    assert (bucket.rate, bucket.paused_until) == (50.0, 12.0)


@pytest.mark.parametrize(("told", "rate"), [(30.0, 30.0), (100.0, 100.0), (200.0, 100.0), (0.001, 1.0)])
def test_a_rate_that_the_server_tells_only_lowers_and_not_below_the_floor(told: float, rate: float) -> None:
    bucket = Bucket(100.0)
    bucket.follow(told, 0.0)
    assert bucket.rate == rate


def test_a_higher_rate_that_the_server_tells_raises_what_it_had_lowered() -> None:
    bucket = Bucket(100.0)
    bucket.follow(20.0, 0.0)
    bucket.follow(50.0, 1.0)
    assert bucket.rate == 50.0
    bucket.throttled(3.0, "", 2.0)
    rate = bucket.rate
    bucket.follow(90.0, 4.0)
    assert bucket.rate == rate


def test_a_told_rate_stays_as_long_as_the_server_says_so_and_grows_slowly_then() -> None:
    bucket = Bucket(100.0)
    bucket.follow(20.0, 0.0)
    bucket.may_grow = False
    drain(bucket, 0.0, 300.0)
    assert bucket.rate == 20.0
    bucket.may_grow = True
    drain(bucket, 300.0, 305.0)
    assert 20.0 < bucket.rate < 30.0
    drain(bucket, 305.0, 400.0)
    assert bucket.rate == 100.0


@pytest.mark.parametrize("ceiling", [INF, 1e6])
def test_a_rate_without_end_is_cut_as_well(ceiling: float) -> None:
    bucket = Bucket(ceiling)
    bucket.throttled(1.0, "", 0.0)
    assert bucket.rate == 700.0
    assert repr(bucket) == f"Bucket(rate=700 of {ceiling:g}, burst=1)"
    for now in range(1, 100):
        bucket.take(now, now)
    assert bucket.rate == ceiling
    assert repr(bucket) == f"Bucket(rate={ceiling:g}, burst=1)"


def test_another_configured_rate_forgets_what_was_learnt() -> None:
    bucket = Bucket(100.0)
    bucket.throttled(1.0, "", 0.0)
    bucket.set_rate(40.0, 1.0)
    assert (bucket.rate, bucket.ceiling) == (40.0, 40.0)
