"""The breaker: closed it costs nothing, open it lets one probe at a time go."""

from __future__ import annotations

import asyncio

import pytest

from wabotick_async.bulk.breaker import Breaker
from wabotick_async.testing import ManualClock


def make(clock: ManualClock, threshold: int = 2) -> Breaker:
    return Breaker(threshold, base=1.0, cap=8.0, clock=clock, sleep=clock.sleep, jitter=lambda: 1.0)


async def test_closed_it_lets_everybody_through() -> None:
    breaker = make(ManualClock())
    breaker.failed(unknown=True)
    await breaker.permit()
    await breaker.permit()
    assert breaker.open_for == 0.0


async def test_a_success_between_failures_keeps_it_closed() -> None:
    breaker = make(ManualClock())
    breaker.failed(unknown=True)
    breaker.succeeded()
    breaker.failed(unknown=True)
    await breaker.permit()


async def test_probes_come_one_at_a_time_and_ever_later() -> None:
    clock = ManualClock(jump=True)
    breaker, waits = make(clock), list[float]()
    breaker.failed(unknown=True)
    breaker.failed(unknown=True)
    for _ in range(6):
        began = clock()
        await breaker.permit()
        waits.append(clock() - began)
        breaker.failed(unknown=True)
    assert waits == [1.0, 2.0, 4.0, 8.0, 8.0, 8.0]


async def test_probes_that_cost_nothing_follow_the_outage_closely() -> None:
    clock = ManualClock(jump=True)
    breaker, gaps, began = (
        Breaker(1, cap=8.0, clock=clock, sleep=clock.sleep, jitter=lambda: 1.0),
        list[float](),
        clock(),
    )
    breaker.failed(unknown=False)
    while clock() < began + 600.0:
        asked = clock()
        await breaker.permit()
        gaps.append(clock() - asked)
        assert gaps[-1] <= min(8.0, max(2.0, 0.05 * (asked - began))) + 1e-9
        breaker.failed(unknown=False)
    assert gaps[:20] == pytest.approx([2.0] * 20)
    assert gaps[-1] == pytest.approx(8.0)
    assert len(gaps) <= 110


async def test_a_probe_that_ends_unknown_is_followed_later_than_one_that_costs_nothing() -> None:
    clock = ManualClock(jump=True)
    breaker, waits = make(clock, 1), list[float]()
    breaker.failed(unknown=False)
    for unknown in (True, True, False, True):
        asked = clock()
        await breaker.permit()
        waits.append(clock() - asked)
        breaker.failed(unknown=unknown)
    assert waits == pytest.approx([2.0, 2.0, 4.0, 2.0])


async def test_a_probe_that_gets_through_frees_those_who_wait() -> None:
    breaker = make(ManualClock(jump=True))
    breaker.failed(unknown=True)
    breaker.failed(unknown=True)
    await breaker.permit()
    others = [asyncio.create_task(breaker.permit()) for _ in range(3)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in others)
    breaker.succeeded()
    await asyncio.gather(*others)


async def test_a_probe_that_does_not_try_leaves_its_place() -> None:
    breaker = make(ManualClock(jump=True))
    breaker.failed(unknown=True)
    breaker.failed(unknown=True)
    await breaker.permit()
    second = asyncio.create_task(breaker.permit())
    await asyncio.sleep(0)
    assert not second.done()
    breaker.spared()
    await second


async def test_a_cancelled_probe_leaves_its_place() -> None:
    clock = ManualClock()
    breaker = make(clock)
    breaker.failed(unknown=True)
    breaker.failed(unknown=True)
    probe, second = (asyncio.create_task(breaker.permit()) for _ in range(2))
    await asyncio.sleep(0)
    probe.cancel()
    with pytest.raises(asyncio.CancelledError):
        await probe
    await clock.advance(2.0)
    await second


async def test_who_was_permitted_before_it_opened_is_no_probe() -> None:
    clock = ManualClock()
    breaker, permitted = make(clock), list[int]()

    async def worker(number: int) -> None:
        await breaker.permit()
        permitted.append(number)
        await clock.sleep(0.1 * number)
        breaker.failed(unknown=True)

    tasks = [asyncio.create_task(worker(number)) for number in range(1, 6)]
    await clock.advance(0.25)  # two have failed and opened it
    assert breaker.open_for > 0
    tasks += [asyncio.create_task(worker(number)) for number in range(6, 10)]
    await clock.advance(1.0)  # the other three fail while the probe waits
    assert permitted == [1, 2, 3, 4, 5, 6], "one probe"
    for task in tasks:
        task.cancel()


async def test_a_failure_outside_any_task_is_no_probe() -> None:
    """A block of messages fails at once: its later failures must not put the first probe off."""
    clock = ManualClock(jump=True)
    breaker = make(clock)
    done = asyncio.Event()

    def all_at_once() -> None:
        for _ in range(20):
            breaker.failed(unknown=True)
        done.set()

    asyncio.get_running_loop().call_soon(all_at_once)
    await done.wait()
    began = clock()
    await breaker.permit()
    assert clock() - began <= 1.0
