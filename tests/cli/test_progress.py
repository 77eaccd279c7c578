"""The live view of a campaign."""

from __future__ import annotations

import asyncio
import io
import sys

import pytest

from tests.bulk.fakes import until
from wabotick_async import BulkProgress, BulkReport, Limiter, RateLimiter
from wabotick_async.cli import progress as view
from wabotick_async.cli.exits import ExitCode
from wabotick_async.cli.progress import Pace, describe, show_progress
from wabotick_async.cli.report import exit_code_of_report, print_report
from wabotick_async.testing import NoLimit


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def pace() -> Pace:
    clock = Clock()
    pace = Pace(clock)
    for clock.now, done in ((0.0, 0), (1.0, 10), (10.0, 100), (12.0, 300)):
        pace.note(done)
    return pace


def test_the_pace_is_that_of_the_last_seconds(pace: Pace) -> None:
    assert pace.rate == 100.0
    assert pace.left(6_100) == "1:01"


def test_without_measurements_there_is_no_pace() -> None:
    pace = Pace(Clock())
    assert (pace.rate, pace.left(1)) == (0.0, "-")
    pace.note(1)
    pace.note(2)
    assert pace.rate == 0.0


def test_all_numbers_are_on_the_line(pace: Pace) -> None:
    progress = BulkProgress(read=9, accepted=1000, refused=2, unknown=3, known=4, waiting=5, in_flight=6)

    assert describe(progress, 2000, pace, NoLimit()) == (
        "1,009 of 2,000  100/s  accepted 1,000  refused 2  unknown 3  waiting 11  ETA 0:10  (answers)"
    )


@pytest.mark.parametrize(
    ("parked_for", "parked_due", "words"),
    [
        ({}, None, ""),
        ({"recipient": 2_500}, 75.2, "  parked 2,500 (pair 2,500, first in 1:15)"),
        ({"number": 2, "template": 1, "recipient": 3}, 0.0, "  parked 6 (number 2, template 1, pair 3, first in 0:00)"),
        ({"day": 4}, None, "  parked 4 (daily 4)"),
    ],
    ids=["nobody", "a pair", "several", "no time is known"],
)
def test_parked_rows_say_whose_turn_they_wait_for(
    pace: Pace, parked_for: dict[str, int], parked_due: float | None, words: str
) -> None:
    progress = BulkProgress(waiting=1, parked_for=parked_for, parked_due=parked_due)
    assert f"  waiting 1{words}  ETA" in describe(progress, 9, pace, NoLimit())


def test_what_is_waited_for() -> None:
    clock = Clock()
    limiter = RateLimiter(10, clock=clock)

    def awaited(progress: BulkProgress, limiter: Limiter = limiter) -> str:
        return describe(progress, 1, Pace(clock), limiter).partition("ETA -  (")[2]

    assert awaited(BulkProgress()) == "the next message)"
    assert awaited(BulkProgress(stopping="x", in_flight=3)) == "finishing the 3 in flight)"
    assert awaited(BulkProgress(parked_for={"number": 3})) == "the turns of those parked)"
    assert awaited(BulkProgress(parked_for={"number": 3}, waiting=1)) == "the next message)"
    assert awaited(BulkProgress(parked_for={"number": 3}, in_flight=1)) == "answers)"
    limiter.pause(2.5, why="slow\x1b[2J down")
    assert awaited(BulkProgress(in_flight=3)) == "account pauses for 2.5 s: slow\\x1b[2J down)"


async def test_the_rate_limit_is_waited_for() -> None:
    limiter = RateLimiter(0.001)
    await limiter.acquire()
    waiting = asyncio.create_task(limiter.acquire())
    await asyncio.sleep(0)

    assert describe(BulkProgress(), 1, Pace(), limiter).endswith("(the limit of 0.001 requests a second)")
    waiting.cancel()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


async def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(view, "_LIVE_STEP", 0.001)

    async with show_progress(lambda: BulkProgress(accepted=1), 2, NoLimit()):
        await until(lambda: "━" in terminal.getvalue())

    assert "1 of 2" in terminal.getvalue()
    assert "━" in terminal.getvalue()


async def test_everything_else_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", stream := io.StringIO())
    monkeypatch.setattr(view, "_PLAIN_STEP", 0.001)

    async with show_progress(lambda: BulkProgress(accepted=1), 2, NoLimit()):
        await until(stream.getvalue)

    assert stream.getvalue().startswith("1 of 2  0/s  accepted 1")
    assert "\x1b" not in stream.getvalue()


@pytest.mark.parametrize(
    ("report", "code"),
    [
        (BulkReport(accepted=3), ExitCode.DONE),
        (BulkReport(accepted=2, skipped=1, causes={"duplicate": 1}), ExitCode.DONE),
        (BulkReport(accepted=2, skipped=1, causes={"request_invalid": 1}), ExitCode.INCOMPLETE),
        (BulkReport(accepted=2, refused=1), ExitCode.INCOMPLETE),
        (BulkReport(accepted=2, unknown=1), ExitCode.INCOMPLETE),
        (BulkReport(accepted=2, not_sent=1), ExitCode.STOPPED),
        (BulkReport(accepted=2), ExitCode.STOPPED),
    ],
)
def test_the_report_decides_the_exit_code(report: BulkReport, code: ExitCode) -> None:
    assert exit_code_of_report(report, 3) is code


def test_unread_rows_count_as_not_sent(capsys: pytest.CaptureFixture[str]) -> None:
    print_report(BulkReport(accepted=2, not_sent=1), 5)

    lines = capsys.readouterr().out.splitlines()
    assert lines[-2:] == ["not sent          3", "rows              5"]
