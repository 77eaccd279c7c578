"""The long campaign against a slow server notices what is lost, doubled, misstated, or grows."""

from __future__ import annotations

from array import array
from pathlib import Path

import msgspec
import pytest

from benchmarks.soak import slow_text
from benchmarks.soak_child import phone_number
from benchmarks.soak_slow import MOST_GROWTH, SlowResult, judge_rows, slow_campaign
from benchmarks.soak_slow_child import Mark, marks
from benchmarks.soak_slow_server import message_id
from wabotick_async.bulk import SQLiteJournal
from wabotick_async.bulk.journal import Finish, NewRow
from wabotick_async.outcomes import Outcome

pytestmark = pytest.mark.xdist_group("soak")


def mark(rows: int, resident: int, ahead: int = 20) -> Mark:
    return Mark(rows=rows, resident=resident, largest=resident, ahead=ahead, seconds=1.0)


GOOD = SlowResult(
    rows=100_000,
    in_flight=10,
    marks=(mark(1000, 1), mark(10_000, 50_000), mark(50_000, 50_000 + MOST_GROWTH), mark(100_000, 50_000)),
    once=100_000,
    doubled=0,
    strangers=0,
    accepted=100_000,
    misstated=0,
    integrity="ok",
    seconds=1.0,
)


async def test_the_short_form(tmp_path: Path) -> None:
    said: list[Mark] = []
    result = await slow_campaign(tmp_path / "slow.journal", 3000, 16, said.append)
    assert result.good
    assert [mark.rows for mark in said] == [100, 200, 500, 1000, 2000, 3000]
    assert 16 < said[-1].ahead <= 32


@pytest.mark.parametrize(
    "lie",
    [
        {"once": 99_999},
        {"doubled": 1},
        {"strangers": 1},
        {"accepted": 99_999},
        {"misstated": 1},
        {"integrity": "no"},
        {"marks": GOOD.marks[:-1]},
        {"marks": (*GOOD.marks[:2], mark(20_000, 50_001 + MOST_GROWTH), GOOD.marks[-1])},
        {"marks": (*GOOD.marks[:3], mark(100_000, 50_000, ahead=21))},
    ],
    ids=str,
)
def test_a_lie_is_noticed(lie: dict[str, object]) -> None:
    assert GOOD.good
    bad = msgspec.structs.replace(GOOD, **lie)
    assert not bad.good
    assert slow_text(bad).endswith("NOT TRUTHFUL OR NOT BOUNDED")


def test_the_marks_of_a_million() -> None:
    assert {10**3, 10**4, 10**5, 10**6} <= marks(10**6)
    assert max(marks(10**6)) == 10**6


async def test_rows_are_held_against_the_ledger(tmp_path: Path) -> None:
    journal = SQLiteJournal(tmp_path / "slow.journal")
    await journal.open({})
    rows = [NewRow(b"%016d" % number, phone_number(number), "send_text", b"{}") for number in range(4)]
    for number, stored in enumerate(await journal.add(rows)):
        await journal.claim(stored.seq)
        outcome = Outcome.UNKNOWN if number == 3 else Outcome.ACCEPTED
        await journal.finish(Finish(stored.seq, outcome, message_id=message_id(number)))
    await journal.close()
    # Row 0 is right; 1 has another delivery's id, 2 was not delivered, 3 is unknown.
    assert judge_rows(array("I", [0, 9, 1, 3]), journal.path) == (1, 3)


def test_a_campaign_too_short_for_a_first_tenth_grows_from_its_first_mark() -> None:
    assert msgspec.structs.replace(GOOD, rows=50, marks=(mark(50, 7),)).growth == 0
