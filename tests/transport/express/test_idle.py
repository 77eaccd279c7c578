"""What waits for its next request, and for how long."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import Any

import pytest

from tests.transport.express.made import Made, made
from tests.transport.express.test_deadlines import Clock, Handle
from wabotick_async.transport.express.idle import KEEP, IdleConnections


class LateClock(Clock):
    def call_later(self, delay: float, call: Any) -> Handle:
        return self.call_at(self.now + delay, call)


@pytest.fixture
async def three() -> Any:
    with ExitStack() as stack:
        yield [stack.enter_context(made()) for _ in range(3)]


@pytest.fixture
def clock() -> LateClock:
    return LateClock()


@pytest.fixture
def idle(clock: Any) -> IdleConnections:
    return IdleConnections(clock)


async def test_the_last_to_come_is_the_first_to_go(idle: IdleConnections, clock: LateClock, three: list[Made]) -> None:
    for one in three:
        idle.put(one.connection, None)
    assert [idle.take(clock.now) for _ in range(4)] == [*(one.connection for one in reversed(three)), None]


async def test_one_that_spoke_is_closed_and_passed_over(
    idle: IdleConnections, clock: LateClock, three: list[Made]
) -> None:
    first, second, third = three
    for one in three:
        idle.put(one.connection, None)
    third.connection.eof_received()
    second.connection.data_received(b"H")
    assert idle.take(clock.now) is first.connection
    assert [one.transport.aborted for one in three] == [False, True, True]


@pytest.mark.parametrize(
    ("said", "keeps"),
    [(None, KEEP), ("timeout=5, max=100", 4.0), ("max=100", KEEP), ("timeout=600", KEEP), ("Timeout = 3", 2.0)],
)
async def test_nothing_is_kept_longer_than_the_server_keeps_it(
    idle: IdleConnections, clock: LateClock, three: list[Made], said: str | None, keeps: float
) -> None:
    one, two, _ = three
    idle.put(one.connection, said)
    idle.put(two.connection, said)
    clock.now = keeps - 0.01
    assert idle.take(clock.now) is two.connection
    clock.now = keeps
    assert idle.take(clock.now) is None
    assert one.transport.aborted


@pytest.mark.parametrize("said", ["timeout=1", "timeout=0"])
async def test_what_the_server_hardly_keeps_is_not_kept(idle: IdleConnections, three: list[Made], said: str) -> None:
    idle.put(three[0].connection, said)
    assert three[0].transport.aborted
    assert len(idle) == 0


async def test_what_nobody_takes_is_closed(idle: IdleConnections, clock: LateClock, three: list[Made]) -> None:
    idle.put(three[0].connection, None)
    clock.advance(5.0)
    idle.put(three[1].connection, None)
    clock.advance(KEEP)
    assert [one.transport.aborted for one in three[:2]] == [True, False]
    clock.advance(5.0 + KEEP + KEEP / 4)
    assert [one.transport.aborted for one in three[:2]] == [True, True]
    assert all(timer.off for timer in clock.timers), "it rings on although nothing is kept"


async def test_the_end_closes_all(idle: IdleConnections, clock: LateClock, three: list[Made]) -> None:
    for one in three:
        idle.put(one.connection, None)
    assert idle.drop_oldest()
    assert [one.transport.aborted for one in three] == [True, False, False]
    idle.close()
    assert all(one.transport.aborted for one in three)
    assert all(timer.off for timer in clock.timers)
    assert not idle.drop_oldest()
    await asyncio.sleep(0)
