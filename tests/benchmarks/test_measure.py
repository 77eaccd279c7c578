"""Ratios are taken within a round, and the order of turns is random."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator

import pytest

from benchmarks.cases import Case, Send
from benchmarks.measure import Clocks, Run, run
from benchmarks.server import serving


@pytest.fixture
def server() -> Iterator[str]:
    with serving(None) as base_url:
        yield base_url


class Turns:
    """Cases that take the time they say, by a clock that nothing else moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.order: list[str] = []

    def case(self, name: str, seconds: float) -> Case:
        @contextlib.asynccontextmanager
        async def case(base_url: str, in_flight: int) -> AsyncIterator[Send]:
            async def send(count: int) -> None:
                self.order.append(name)
                self.now += seconds * count

            yield send

        return case


async def measured(server: str, turns: Turns) -> Run:
    cases = {"slow": turns.case("slow", 0.02), "fast": turns.case("fast", 0.01)}
    clocks = Clocks(lambda: turns.now, lambda: turns.now)
    return await run(cases, server, rounds=20, seconds=0.1, in_flight=4, clocks=clocks)


async def test_a_case_that_needs_half_the_time_has_a_ratio_of_two(server: str) -> None:
    slow, fast = (await measured(server, Turns())).figures

    assert (slow.cpu.median, fast.cpu.median, fast.speed.low) == pytest.approx((1.0, 2.0, 2.0))


async def test_every_round_has_every_case_once_and_the_order_varies(server: str) -> None:
    turns = Turns()

    await measured(server, turns)

    rounds = [tuple(turns.order[-40:][at : at + 2]) for at in range(0, 40, 2)]
    assert set(rounds) == {("slow", "fast"), ("fast", "slow")}
