"""Parked rows: a scope that has no room holds up its own rows, in order and within bounds, and nobody else's."""

from __future__ import annotations

import asyncio

import pytest

from tests.bulk.fakes import text
from wabotick_async.bulk.parking import Parked, Parking
from wabotick_async.testing import ManualClock
from wabotick_async.transport import Scope

ANNA, BERT, NUMBER = Scope("recipient", ":1"), Scope("recipient", ":2"), Scope("number", "1")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def make(clock: ManualClock, most: int = 100, keep: int = 100) -> Parking:
    return Parking(clock=clock, sleep=clock.sleep, most=most, keep=keep)


def row(seq: int) -> Parked:
    return Parked(seq, 0, text(seq))


def take_all(parking: Parking) -> list[int]:
    taken = []
    while (parked := parking.take()) is not None:
        taken.append(parked.seq)
    return taken


async def test_a_row_comes_back_when_it_is_due(clock: ManualClock) -> None:
    parking = make(clock)
    parking.park(row(1), ANNA, 6.0)
    assert (len(parking), 1 in parking, parking.take()) == (1, True, None)
    await clock.advance(6.0)
    assert parking.take() == row(1)
    assert (len(parking), 1 in parking) == (0, False)


async def test_rows_of_a_recipient_follow_one_another_in_order(clock: ManualClock) -> None:
    parking = make(clock)
    for seq in (3, 1, 2):
        parking.park(row(seq), ANNA, 6.0)
    await clock.advance(6.0)
    for seq in (1, 2, 3):
        assert take_all(parking) == [seq]
        parking.ended(seq)
    assert not parking.join(row(4), [ANNA])


async def test_a_few_rows_of_a_number_are_tried_at_a_time(clock: ManualClock) -> None:
    parking = make(clock)
    for seq in range(1, 10):
        parking.park(row(seq), NUMBER, 1.0)
    await clock.advance(1.0)
    assert take_all(parking) == [1, 2, 3, 4]
    parking.ended(2)
    assert take_all(parking) == [5]


async def test_a_row_refused_again_goes_before_those_behind_it(clock: ManualClock) -> None:
    parking = make(clock)
    for seq in (1, 2):
        parking.park(row(seq), ANNA, 6.0)
    await clock.advance(6.0)
    assert take_all(parking) == [1]
    parking.park(row(1), ANNA, 4.0)
    parking.ended(1)
    assert take_all(parking) == []
    await clock.advance(4.0)
    assert take_all(parking) == [1]


def test_a_row_joins_those_that_wait_for_one_of_its_scopes(clock: ManualClock) -> None:
    parking = make(clock)
    assert not parking.join(row(1), [NUMBER, None, ANNA])
    parking.park(row(1), ANNA, 6.0)
    assert parking.join(row(2), [NUMBER, None, ANNA])
    assert not parking.join(row(3), [NUMBER, None, BERT])
    assert len(parking) == 2


async def test_one_scope_does_not_hold_up_another(clock: ManualClock) -> None:
    parking = make(clock)
    parking.park(row(1), ANNA, 60.0)
    parking.park(row(2), BERT, 6.0)
    await clock.advance(6.0)
    assert take_all(parking) == [2]


@pytest.mark.parametrize(("firm", "due"), [(False, 2.0), (True, 8.0)])
async def test_the_sooner_turn_counts_unless_the_platform_spoke(clock: ManualClock, firm: bool, due: float) -> None:
    parking = make(clock)
    parking.park(row(1), NUMBER, 8.0, firm=firm)
    parking.park(row(2), NUMBER, 2.0)
    await clock.advance(due - 0.5)
    assert take_all(parking) == []
    await clock.advance(0.5)
    assert take_all(parking) == [1, 2]


async def test_a_row_that_is_tried_a_moment_early_is_not_tried_again_in_that_moment(clock: ManualClock) -> None:
    parking = make(clock)
    parking.park(row(1), NUMBER, 2.0)
    clock.now += 2.0 - 1e-7  # sums of floats are wrong by so much
    assert take_all(parking) == [1]
    parking.park(row(1), NUMBER, 3.0)
    parking.ended(1)
    assert take_all(parking) == []
    await clock.advance(3.0)
    assert take_all(parking) == [1]


async def test_waiting_ends_with_the_first_that_is_due_also_if_it_comes_later(clock: ManualClock) -> None:
    parking = make(clock)
    waiting = asyncio.create_task(parking.wait())
    await clock.advance(1.0)
    parking.park(row(1), ANNA, 60.0)
    await clock.advance(1.0)
    parking.park(row(2), BERT, 6.0)
    await clock.advance(5.9)
    assert not waiting.done()
    await clock.advance(0.1)
    assert waiting.done()
    assert take_all(parking) == [2]


def test_one_scope_takes_half_of_the_room_and_others_still_find_some(clock: ManualClock) -> None:
    parking = make(clock, most=100)
    for seq in range(1, 1001):
        parking.park(row(seq), ANNA, 6.0)
    assert (len(parking), parking.left) == (50, True)
    for seq in range(1001, 2001):
        parking.park(row(seq), BERT, 6.0)
    assert len(parking) == 75
    for seq in range(2001, 9001):
        parking.park(row(seq), Scope("recipient", f":{seq}"), 6.0)
    assert len(parking) == 100
    assert 50 in parking
    assert 51 not in parking


async def test_a_lane_that_left_rows_and_ran_empty_wants_more(clock: ManualClock) -> None:
    parking = make(clock, most=8)
    for seq in range(1, 9):
        parking.park(row(seq), ANNA, 6.0)
    parking.park(row(9), BERT, 60.0)
    await clock.advance(6.0)
    for seq in range(1, 5):
        assert (take_all(parking), parking.hungry) == ([seq], False)
        parking.ended(seq)
    assert parking.hungry


async def test_requests_are_kept_of_a_few_rows_only(clock: ManualClock) -> None:
    parking = make(clock, keep=2)
    for seq in range(1, 5):
        parking.park(row(seq), NUMBER, 6.0)
    await clock.advance(6.0)
    taken = [parking.take() for _ in range(3)]
    assert [one.request if one else "" for one in taken] == [text(1), text(2), None]
    parking.park(row(8), NUMBER, 6.0)
    assert parking._kept == 1


async def test_a_hundred_thousand_rows_of_one_scope_keep_the_agenda_short(clock: ManualClock) -> None:
    parking = make(clock, most=200_000, keep=0)
    parking.park(row(1), ANNA, 6.0)
    for seq in range(2, 100_001):
        assert parking.join(Parked(seq, 0, None), [ANNA])
    assert len(parking._agenda) < 10
    await clock.advance(6.0)
    for seq in range(1, 1_001):
        assert take_all(parking) == [seq]
        parking.park(Parked(seq, 0, None), ANNA, 6.0)
        parking.ended(seq)
        await clock.advance(6.0)
        assert take_all(parking) == [seq]
        parking.ended(seq)
    assert len(parking._agenda) < 10


async def test_it_tells_what_is_waited_for_and_how_long(clock: ManualClock) -> None:
    parking = make(clock)
    assert (parking.by_kind, parking.due_in) == ({}, None)
    parking.park(row(1), Scope("day"), float("inf"))
    assert (parking.by_kind, parking.due_in) == ({"day": 1}, None)
    parking.park(row(2), ANNA, 6.0)
    parking.park(row(3), ANNA, 6.0)
    parking.park(row(4), NUMBER, 9.0)
    await clock.advance(2.0)
    assert (parking.by_kind, parking.due_in) == ({"day": 1, "recipient": 2, "number": 1}, 4.0)
    await clock.advance(5.0)
    assert parking.due_in == 0.0
    assert take_all(parking) == [2]
    assert parking.by_kind == {"day": 1, "recipient": 1, "number": 1}
    parking.clear()
    assert not parking.by_kind


def test_cleared_it_is_empty(clock: ManualClock) -> None:
    parking = make(clock)
    parking.park(row(1), ANNA, 0.0)
    parking.clear()
    assert (len(parking), parking.take(), parking.join(row(2), [ANNA])) == (0, None, False)


async def test_a_row_without_a_time_waits_to_be_woken(clock: ManualClock) -> None:
    parking = make(clock)
    parking.park(row(1), ANNA, float("inf"))
    waiting = asyncio.create_task(parking.wait())
    await clock.advance(1e6)
    assert not waiting.done()
    parking.wake(BERT)
    parking.wake(ANNA)
    await clock.advance()
    assert waiting.done()
    assert (take_all(parking), clock.slept) == ([1], [])
