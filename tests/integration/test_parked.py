"""A row that waits for its recipient's turn costs a place in memory: no connection, no place in flight, no worker."""

from __future__ import annotations

import asyncio

import pytest

from tests.faults.proxy import ChaosProxy
from tests.lanes import LANES, Lane
from tests.simulation.virtual_loop import run, running_loop, watch_threads_of
from wabotick_async import BulkSender, Limits, MemoryJournal, Rate, RateLimiter, SendText, WabotickClient
from wabotick_async.bulk.journal import writer
from wabotick_async.sandbox import Sandbox

HOT, OTHERS = 12, 40
LIMITS = Limits(rate=20.0, pair=Rate(1, per=60.0), headroom=0.0, concurrency=2, keep_alive=False)


def message(number: int) -> SendText:
    return SendText(phone_number="919800000000" if number < HOT else f"9198{number:08}", message=str(number))


async def watch_a_campaign(lane: Lane) -> list[str]:
    """Look at a campaign whose first rows all go to one recipient, and return what was seen."""
    clock = running_loop().time
    limiter = RateLimiter(limits=LIMITS, clock=clock, wall_clock=clock)
    async with (
        Sandbox(auto_window=True, clock=clock) as sandbox,
        ChaosProxy(sandbox.base_url) as proxy,
        WabotickClient(
            sandbox.token,
            base_url=proxy.url,
            phone_number_id=sandbox.phone_number_id,
            limits=LIMITS,
            limiter=limiter,
            clock=clock,
            lane=lane,
        ) as client,
    ):
        sender = BulkSender(client, journal=MemoryJournal(clock=clock), monotonic=clock, clock=clock)
        running = asyncio.create_task(sender.run(map(message, range(HOT + OTHERS))))
        seen = []
        for seconds in (25.0, 30.0, 30.0):
            await asyncio.sleep(seconds)
            now = sender.snapshot()
            assert now.parked_due is not None
            connections = sum(not link.client.is_closing() for link in proxy.links)
            under_way = (connections, sandbox.requests.open, limiter.in_flight, limiter.waiting, now.in_flight)
            seen.append(f"accepted {now.accepted}, {now.parked_for}, first in {now.parked_due:.0f} s, {under_way}")
        report = await running
        seen.append(f"accepted {report.accepted}, {len(proxy.links)} connections in {report.elapsed:.0f} s")
        return seen


@pytest.mark.parametrize("lane", LANES)
def test_parked_rows_hold_no_connection(lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    watch_threads_of(writer, monkeypatch)
    assert run(watch_a_campaign(lane)) == [
        "accepted 41, {'recipient': 11}, first in 35 s, (0, 0, 0, 0, 0)",
        "accepted 41, {'recipient': 11}, first in 5 s, (0, 0, 0, 0, 0)",
        "accepted 42, {'recipient': 10}, first in 35 s, (0, 0, 0, 0, 0)",
        "accepted 52, 52 connections in 660 s",
    ]
