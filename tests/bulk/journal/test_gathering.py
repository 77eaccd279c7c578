"""A batch waits for company where some is to be expected, and for a moment at the longest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from wabotick_async.bulk.journal import MemoryJournal, SQLiteJournal
from wabotick_async.bulk.journal.gathering import Gathering

from .conftest import FINGERPRINT, AnyJournal, claim_next, new_rows


class Alarm:
    """A timer that goes off when the test says so."""

    def __init__(self, seconds: float, function: Callable[[], None]) -> None:
        self.seconds = seconds
        self.function = function
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Stage:
    """An event loop and a writer in the hands of the test."""

    def __init__(self) -> None:
        self.in_flight = 0
        self.ready: list[Callable[[], None]] = []
        self.alarms: list[Alarm] = []
        self.batches: list[str] = []
        self.gathering = Gathering[str](
            lambda batch: self.batches.append("".join(batch)),
            in_flight=lambda: self.in_flight,
            soon=self.ready.append,
            later=self.later,
        )

    def later(self, seconds: float, function: Callable[[], None]) -> Alarm:
        self.alarms.append(Alarm(seconds, function))
        return self.alarms[-1]

    def add(self, some: str) -> None:
        for one in some:
            self.gathering.add(one)

    def turn(self) -> None:
        ready, self.ready[:] = self.ready[:], []
        for function in ready:
            function()


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.mark.parametrize("in_flight", [0, 1, 2, 3])
def test_nobody_waits_whom_nobody_can_join(stage: Stage, in_flight: int) -> None:
    stage.in_flight = in_flight
    stage.add("a")
    assert stage.batches == []
    stage.turn()
    assert stage.batches == ["a"]


def test_those_of_one_turn_leave_together(stage: Stage) -> None:
    stage.add("abc")
    stage.turn()
    assert (stage.batches, stage.ready) == (["abc"], [])


def test_batch_grows_while_each_turn_brings_more(stage: Stage) -> None:
    stage.in_flight = 8
    for one in "abcd":
        assert stage.batches == []
        stage.add(one)
        stage.turn()
    assert stage.batches == ["abcd"]


def test_idle_loop_lets_a_smaller_batch_leave(stage: Stage) -> None:
    stage.in_flight = 24
    stage.add("abc")
    stage.turn()
    assert stage.batches == []
    stage.turn()
    assert (stage.batches, stage.alarms) == (["abc"], [])


def wait_for_company(stage: Stage) -> Alarm:
    stage.in_flight = 24
    stage.add("a")
    stage.turn()
    stage.turn()
    assert stage.batches == []
    [alarm] = stage.alarms
    return alarm


def test_too_few_wait_for_a_moment(stage: Stage) -> None:
    alarm = wait_for_company(stage)
    stage.add("b")
    assert stage.ready == []
    alarm.function()
    assert (stage.batches, alarm.seconds) == (["ab"], 0.005)


def test_company_ends_the_wait(stage: Stage) -> None:
    alarm = wait_for_company(stage)
    stage.add("bcd")
    assert (alarm.cancelled, stage.batches) == (True, [])
    stage.turn()
    assert (stage.batches, stage.ready) == (["abcd"], [])


def test_next_batch_gathers_while_one_is_away(stage: Stage) -> None:
    stage.add("a")
    stage.turn()
    stage.add("bc")
    stage.turn()
    assert stage.batches == ["a"]
    stage.gathering.back()
    stage.add("d")
    stage.turn()
    assert stage.batches == ["a", "bcd"]


def test_after_the_last_batch_it_begins_anew(stage: Stage) -> None:
    for one in "ab":
        stage.add(one)
        stage.turn()
        stage.gathering.back()
    assert (stage.batches, stage.ready) == (["a", "b"], [])


def test_each_batch_waits_anew(stage: Stage) -> None:
    wait_for_company(stage).function()
    stage.add("b")
    stage.gathering.back()
    for _ in range(2):
        stage.turn()
    assert (stage.batches, len(stage.alarms)) == (["a"], 2)


def test_what_is_taken_does_not_leave_again(stage: Stage) -> None:
    alarm = wait_for_company(stage)
    assert stage.gathering.take() == ["a"]
    assert alarm.cancelled
    stage.gathering.back()
    stage.add("b")
    assert stage.gathering.take() == ["b"]
    stage.turn()
    assert (stage.batches, len(stage.alarms), stage.ready) == ([], 1, [])


@pytest.mark.parametrize(("kind", "expected"), [("file", [0.005]), ("memory", [])])
async def test_claim_beside_many_in_flight_waits_for_company_in_a_file(
    kind: str, expected: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, waits = asyncio.get_running_loop(), list[float]()

    def later(seconds: float, function: Callable[[], None]) -> asyncio.Handle:
        waits.append(seconds)
        return loop.call_soon(function)

    journal: AnyJournal = MemoryJournal() if kind == "memory" else SQLiteJournal(tmp_path / "journal.db")
    with monkeypatch.context() as patched:
        patched.setattr(loop, "call_later", later)
        await journal.open(FINGERPRINT)
    await journal.add(new_rows(17))
    await asyncio.gather(*(journal.claim(seq) for seq in range(1, 17)))
    assert waits == []
    assert len(await claim_next(journal, 1)) == 1
    assert waits == expected * 2  # of the look for what is queued, and of the claim
    await journal.close()
