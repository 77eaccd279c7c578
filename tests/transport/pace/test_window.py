"""How many may be in flight: what widens, what narrows, and what is none of its business."""

from __future__ import annotations

import pytest

from wabotick_async.transport.pace.window import Window


def fill(window: Window) -> int:
    """Take all the room there is, and return how many are in flight."""
    while window.has_room():
        window.take()
    return window.in_flight


def answer(window: Window, now: float, elapsed: float = 0.1, count: int = 1, *, refused: bool = False) -> int:
    """Let answers come, and return how many may be in flight then."""
    for _ in range(count):
        window.release(now, elapsed, answered=True, refused=refused)
    return window.size


def narrowed_to(size: int, now: float = 1.0) -> Window:
    """Return an empty window that was cut at a moment."""
    window = Window(100)
    for _ in range(100):
        fill(window)
        answer(window, 0.0, 0.1, window.in_flight)
    sent = 0.5
    while window.size > size:
        fill(window)
        window.release(now, now - sent, answered=False)
        sent = now
    answer(window, now, 0.1 + now, window.in_flight, refused=True)
    return window


@pytest.mark.parametrize(("most", "size"), [(1, 1), (9, 9), (10, 10), (64, 10)])
def test_it_begins_with_ten_where_so_many_are_allowed(most: int, size: int) -> None:
    window = Window(most)
    assert (window.size, fill(window), window.has_room()) == (size, size, False)


def test_the_reserve_is_for_the_urgent() -> None:
    window = Window(4, reserve=2)
    fill(window)
    assert not window.has_room()
    for _ in range(2):
        assert window.has_room(urgent=True)
        window.take()
    assert not window.has_room(urgent=True)


def test_it_doubles_with_each_round_trip_while_it_is_full() -> None:
    window, sizes = Window(50), []
    for now in range(4):
        sizes.append(answer(window, now, 0.1, fill(window)))
    assert sizes == [20, 40, 50, 50]


def test_it_is_not_widened_by_those_who_do_not_fill_it() -> None:
    window = Window(50)
    for _ in range(100):
        for _ in range(9):
            window.take()
        assert answer(window, 0.0, 0.1, 9) == 10


def test_as_many_widen_it_as_were_in_flight_when_it_was_full() -> None:
    window = Window(50)
    fill(window)
    assert answer(window, 0.0, 0.1, 10) == 20
    for _ in range(15):
        window.take()
    assert answer(window, 1.0, 0.1, 15) == 20


@pytest.mark.parametrize(("most", "size"), [(10, 7), (2, 2), (1, 1)])
def test_no_answer_narrows_it_to_its_floor_at_least(most: int, size: int) -> None:
    window = Window(most)
    fill(window)
    window.release(5.0, 1.0, answered=False)
    assert window.size == size
    assert window.in_flight == most - 1


def test_those_who_left_before_a_cut_do_not_cut_again() -> None:
    window = Window(100)
    fill(window)
    window.release(5.0, 1.0, answered=False)
    for _ in range(5):
        window.release(5.5, 0.6, answered=False)
    assert window.size == 7
    fill(window)
    window.release(6.0, 1.0, answered=False)  # it left at the moment of the cut
    assert window.size == 4


def test_it_is_cut_from_what_is_in_flight() -> None:
    window = Window(100)
    for _ in range(6):
        window.take()
    window.release(1.0, 0.5, answered=False)
    assert window.size == 4


@pytest.mark.parametrize(
    ("quick", "elapsed", "slow"),
    [(0.1, 1.0, False), (0.1, 1.01, True), (2.0, 6.0, False), (2.0, 6.01, True), (0.4, 1.2, False)],
)
def test_slow_is_thrice_as_long_as_the_quickest_and_longer_than_a_second(
    quick: float, elapsed: float, slow: bool
) -> None:
    window = Window(100)
    window.take()
    answer(window, 10.0, quick)
    for _ in range(10):
        window.take()
    before = window.size
    assert answer(window, 20.0, elapsed, 3) >= before
    assert (answer(window, 20.0, elapsed) < before) is slow


def test_the_first_answer_is_never_slow() -> None:
    window = Window(100)
    window.take()
    assert answer(window, 50.0, 40.0) == 10


@pytest.mark.parametrize("elapsed", [0.001, 50.0])
def test_how_long_a_refusal_takes_says_nothing(elapsed: float) -> None:
    window = Window(100)
    window.take()
    answer(window, 0.0, 2.0)
    for now in range(100, 110):
        window.take()
        assert answer(window, now, elapsed, refused=True) == 10
    window.take()
    assert answer(window, 200.0, 5.9) == 10  # the quickest is still 2 s


def test_refusals_widen_it_like_other_answers() -> None:
    window = Window(100)
    assert answer(window, 0.0, 0.1, fill(window), refused=True) == 20


def test_after_a_cut_it_grows_by_one_a_round_for_ten_seconds() -> None:
    window = narrowed_to(20, now=1.0)
    size = window.size
    for step in range(3):
        assert size + step <= answer(window, 2.0 + step, 0.1, fill(window)) <= size + step + 1
    before = window.size
    answer(window, 10.9, 0.1, fill(window))
    assert window.size <= before + 1
    count = fill(window)
    assert answer(window, 11.0, 0.1, count) == 2 * count


def test_what_is_slow_with_nobody_else_in_flight_is_not_slow_any_more() -> None:
    window = narrowed_to(2)
    assert answer(window, 4.0, 3.0, fill(window)) == 4  # they left at 1.0, after the last cut
    for now, size in ((7.0, 8), (10.0, 16), (13.0, 32)):
        assert answer(window, now, 3.0, fill(window)) == size


def test_what_left_before_it_was_at_its_floor_says_nothing_about_that() -> None:
    window = narrowed_to(2)
    fill(window)
    assert answer(window, 3.9, 3.0) == 2
    window.take()
    assert answer(window, 4.9, 3.0) == 2 + 1  # this one does: nobody was in flight but another


def test_a_quicker_answer_is_the_measure_at_once() -> None:
    window = narrowed_to(2)
    answer(window, 4.0, 3.0, fill(window))
    fill(window)
    answer(window, 5.0, 0.1)
    before = window.size
    fill(window)
    assert answer(window, 8.0, 3.0, 5) < before


def test_what_did_not_leave_after_all_says_nothing() -> None:
    window = Window(10)
    fill(window)
    window.give_back()
    assert (window.in_flight, window.size, repr(window)) == (9, 10, "Window(9 of 10, at most 10)")
