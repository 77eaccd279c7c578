"""Ratios are taken within a round, the order of turns is random, and the server must have counted every request."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from benchmarks.cases.base import Open, Place, Send
from benchmarks.measure import Clocks, Run, Turns, run
from benchmarks.servers.base import Status


class Turn:
    """Cases that take the time they say, by a clock that nothing else moves, and a server that counts requests."""

    def __init__(self) -> None:
        self.now = 0.0
        self.order: list[str] = []
        self.requests = 0

    def case(self, name: str, seconds: float) -> Open:
        @contextlib.asynccontextmanager
        async def case(place: Place) -> AsyncIterator[Send]:
            async def send(count: int) -> None:
                self.order.append(name)
                self.requests += count
                self.now += seconds * count

            yield send

        return case

    def status(self) -> Status:
        self.requests += 1
        return Status(self.requests, self.now / 4)


async def measured(turn: Turn) -> Run:
    cases = {"slow": turn.case("slow", 0.02), "fast": turn.case("fast", 0.01)}
    return await run(
        cases,
        Place(base_url="", in_flight=4, directory=Path()),
        Turns(rounds=20, seconds=0.1),
        turn.status,
        clocks=Clocks(lambda: turn.now, lambda: turn.now),
    )


async def test_a_case_that_needs_half_the_time_has_a_ratio_of_two() -> None:
    slow, fast = (await measured(Turn())).figures

    assert (slow.cpu.median, fast.cpu.median, fast.speed.low) == pytest.approx((1.0, 2.0, 2.0))


async def test_every_round_has_every_case_once_and_the_order_varies() -> None:
    turn = Turn()

    await measured(turn)

    rounds = [tuple(turn.order[-40:][at : at + 2]) for at in range(0, 40, 2)]
    assert set(rounds) == {("slow", "fast"), ("fast", "slow")}


async def test_a_slice_fills_its_time_and_the_server_s_share_is_of_the_rounds_alone() -> None:
    result = await measured(Turn())

    assert [one.requests for one in result.figures] == [20 * 5, 20 * 10]
    assert result.server_busy == pytest.approx(0.25)


async def test_a_request_that_the_server_has_not_seen_ends_the_run() -> None:
    turn = Turn()
    status = turn.status
    turn.status = lambda: Status(status().requests // 2, 0.0)  # type: ignore[method-assign]  # a server that forgets

    with pytest.raises(RuntimeError, match="the server counted"):
        await measured(turn)
