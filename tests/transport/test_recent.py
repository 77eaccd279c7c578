"""Answers that repeat an earlier one."""

from __future__ import annotations

from collections.abc import Iterator

from wabotick_async.transport.recent import RecentAnswers


class NeverWalked(set[bytes]):
    def __iter__(self) -> Iterator[bytes]:
        raise AssertionError("each answer would cost as much as thousands")


def test_an_id_that_comes_again() -> None:
    recent = RecentAnswers()

    assert [recent.repeats(b'"wamid.%d="' % one) for one in (1, 2, 1, 3, 2)] == [False, False, True, False, True]


def test_an_id_twice_in_one_answer() -> None:
    assert not RecentAnswers().repeats(b"wamid.A wamid.A")


def test_any_of_many_ids() -> None:
    recent = RecentAnswers()

    assert not recent.repeats(b"wamid.A wamid.B")
    assert recent.repeats(b"wamid.C wamid.B")
    assert recent.repeats(b"wamid.C")


def test_the_last_thousands_are_kept_and_the_oldest_forgotten() -> None:
    recent = RecentAnswers()
    for one in range(8192):
        recent.repeats(b"wamid.%d " % one)

    assert not recent.repeats(b"wamid.0 ")
    assert recent.repeats(b"wamid.4096 ")
    assert recent.repeats(b"wamid.8191 ")


def test_those_that_are_kept_are_not_walked_through() -> None:
    recent = RecentAnswers()
    recent._ids = NeverWalked()

    assert [recent.repeats(b"wamid.%d" % one) for one in (1, 2, 1)] == [False, False, True]
