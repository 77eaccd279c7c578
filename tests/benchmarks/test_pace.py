"""The table of limiters keeps its form, and our limit holds at the grant. Speed is no test's business."""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.pace import headroom
from benchmarks.pace.figures import phase, too_full, worst
from benchmarks.pace.headroom import WIRES, Excess, excesses
from benchmarks.pace.limiters import CLIENTS, OURS, SCOPED, Limiter, limiters, noting
from benchmarks.pace.server import serving
from benchmarks.pace.traffic import Traffic, traffic

ROOT = Path(__file__).parents[2]
# Cold and warm are one second together, so no grant of a case is outside the second that counts.
SHORT = (
    *("--rates", "50", "--cold", "0.5", "--warm", "0.5"),
    *("--rounds", "1", "--turn", "0.1", "--runs", "1", "--run", "0.1", "--headrooms", "0", "0.1"),
)


@pytest.fixture
def server() -> Iterator[str]:
    with serving(None) as base_url:
        yield base_url


async def test_the_short_form_answers_every_question_and_our_limit_holds(tmp_path: Path) -> None:
    output = tmp_path / "pace.json"

    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.pace", *SHORT, "--output", str(output)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    shown, errors = await process.communicate()

    assert (process.returncode, errors.decode()) == (0, "")
    names = list(limiters())
    results = json.loads(output.read_text())
    assert [case["limiter"] for case in results["cases"]] == names
    assert [cost["limiter"] for cost in results["costs"]] == [*names, CLIENTS, SCOPED]
    assert [(one["wire"], one["headroom"]) for one in results["excesses"]] == [
        (wire.name, headroom) for wire in WIRES for headroom in (0.0, 0.1)
    ]
    assert shown.decode().count(f"| {OURS} |") == 3
    own = results["cases"][0]
    assert 0 < own["cold"]["grant"] <= own["rate"] + own["burst"]


async def test_every_grant_is_seen_by_the_server(server: str) -> None:
    grants = iter(range(5))

    async def acquire() -> None:
        if next(grants, None) is None:
            await asyncio.Event().wait()

    sent = await traffic(Limiter(acquire), server, seconds=0.05, waiting=2)

    assert len(sent.granted) == len(sent.returned) == len(sent.arrived) == 5
    assert worst(sent.arrived) == 5


def test_a_second_is_half_open() -> None:
    assert worst([0.0, 0.5, 0.999, 1.0, 1.25]) == 4
    assert worst([0.0, 1.0, 2.0]) == 1
    assert worst([]) == 0


def test_a_second_counts_where_it_begins() -> None:
    times = [0.0, 0.1, 1.9, 2.0, 2.1]

    assert (worst(times, 0.0, 1.0), worst(times, 1.0, 2.0), worst(times, 2.0, 3.0)) == (2, 3, 2)


def test_seconds_that_outlast_the_times_are_not_counted_as_kept() -> None:
    assert too_full([0.0, 0.1, 0.2, 1.15, 1.5], 2) == pytest.approx(1 / 3)
    assert too_full([0.0, 0.1, 0.2, 1.15, 1.5], 3) == 0
    assert too_full([], 3) == 0


def test_what_came_on_credit_is_not_counted_as_use_of_the_rate() -> None:
    run = Traffic(began=0.0, ended=2.0, granted=[], returned=[0.0, 0.0, 0.0, 0.5, 1.0, 1.5], arrived=[], stall=0.0)

    assert phase(run, 0.0, 2.0, rate=2, credit=2).used == pytest.approx(1.0)
    assert phase(run, 1.0, 2.0, rate=4).used == pytest.approx(0.5)


async def test_our_limiter_decides_before_the_task_that_waits_knows_it(server: str) -> None:
    sent = await traffic(noting(200, 2), server, seconds=0.1, waiting=5)

    assert len(sent.granted) >= len(sent.returned) == len(sent.arrived) > 2
    assert all(granted <= returned for granted, returned in zip(sent.granted, sent.returned, strict=False))


async def test_the_headrooms_take_turns_in_an_order_that_varies(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[tuple[str, float]] = []

    async def run(excess: Excess, base_url: str, seconds: float, dice: random.Random) -> None:
        order.append((excess.wire, excess.headroom))

    monkeypatch.setattr(headroom, "_run", run)
    found = await excesses(server, [20], [0.0, 0.1], runs=4, seconds=0.1, burst=1, dice=random.Random(0))

    rounds = [tuple(order[at : at + len(found)]) for at in range(0, len(order), len(found))]
    assert len(rounds) == 4
    assert len(set(rounds)) > 1
    assert all(set(one) == set(rounds[0]) for one in rounds)
    assert [(one.wire, one.headroom) for one in found] == [(wire.name, share) for wire in WIRES for share in (0.0, 0.1)]
