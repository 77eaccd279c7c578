"""F42 to F44: clocks that jump, a blocked event loop, a process that sleeps."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator

import pytest

from tests.bulk.test_sandbox import ENVIRONMENT
from tests.faults import campaign_child
from tests.faults.proxy import Chaos
from tests.faults.stage import Clock, Stage, messages, phones, until
from tests.lanes import Lane
from tests.simulation.virtual_loop import running_loop
from wabotick_async import SendText
from wabotick_async.bulk.journal import Counts
from wabotick_async.sandbox import Fault, FaultKind
from wabotick_async.transport import RateLimiter

pytestmark = pytest.mark.usefixtures("bulk_way")

HOUR, DAY = 3_600.0, 86_400.0
RATE, BURST = 20.0, 2


class Wall:
    """A wall clock that goes wrong; the monotonic clock of the stage does not."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.wrong_by = 0.0

    def __call__(self) -> float:
        return self.clock() + self.wrong_by


@pytest.mark.parametrize("jump", [HOUR, -HOUR], ids=["forward", "back"])
async def test_f42_the_wall_clock_jumps_in_a_run(stage: Stage, jump: float) -> None:
    wall = Wall(stage.clock)
    stage.sandbox.script(Fault(FaultKind.TOO_MANY_REQUESTS, nth=5, retry_after="5"))

    async def source() -> AsyncIterator[SendText]:
        for number, message in enumerate(messages(60)):
            if number == 30:
                wall.wrong_by = jump
            yield message

    report = await stage.run(source(), client={"rate": RATE, "burst": BURST}, clock=wall)
    assert await stage.judge(phones(60)) == Counts(accepted=60)
    # 60 messages at 20 a second, and one pause: neither a burst nor an hour of silence.
    assert 60 / RATE <= report.elapsed < 60.0


@pytest.mark.parametrize("jump", [HOUR, -HOUR, -30 * DAY], ids=["forward", "an hour back", "a month back"])
async def test_f42_the_wall_clock_jumps_between_runs(stage: Stage, jump: float) -> None:
    """A row that waits for a due time is sent late at worst, and never buried: the wait is cut to seven days."""
    stage.sandbox.script(Fault(FaultKind.TOO_MANY_REQUESTS, retry_after="100"))
    run = asyncio.create_task(stage.run(messages(1)))
    await until(lambda: stage.sandbox.requests.statuses()[429])
    await asyncio.sleep(0.02)
    stage.sender.stop()
    await run
    assert (await stage.judge(phones(1))).queued == 1
    stage.clock.ahead += jump
    report = await stage.run(messages(1))
    assert (report.accepted, report.not_sent) == ((1, 0) if jump > 0 else (0, 1))
    stage.clock.ahead += 7 * DAY
    await stage.run(messages(1))
    assert await stage.judge(phones(1)) == Counts(accepted=1)


class Noted(RateLimiter):
    """A rate limiter that notes its grants."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(RATE, BURST, clock=clock)
        self.grants: list[float] = []

    async def acquire(self, *args: object, **settings: object) -> float:
        waited = await super().acquire(*args, **settings)  # type: ignore[arg-type]  # passed on
        self.grants.append(self.clock())
        return waited


async def test_f43_a_blocked_loop_lets_no_burst_out_and_finds_its_connections_dead(stage: Stage) -> None:
    """The loop stands still for ten seconds, in which every kept connection ends."""
    limiter = Noted(stage.clock)

    async def source() -> AsyncIterator[SendText]:
        for number, message in enumerate(messages(60)):
            if number == 30:
                await until(lambda: stage.sender.snapshot().done == 30)
                stage.proxy.hang_up()
                running_loop().block(10.0)
            yield message

    async with stage.client(concurrency=4) as client:
        client._exchange.limiter = limiter
        await stage.open_sender(client).run(source())
    assert await stage.judge(phones(60)) == Counts(accepted=60)
    # Grants are noted a little after they are given, so a second may hold the neighbours of its edge, too.
    worst = max(sum(one <= other < one + 1.0 for other in limiter.grants) for one in limiter.grants)
    assert worst <= RATE + BURST + 5


async def test_f43_a_loop_that_is_blocked_with_requests_in_flight(stage: Stage) -> None:
    stage.proxy.plan = lambda _: Chaos(latency=0.01)

    async def block() -> None:
        await until(lambda: stage.delivered >= 10)
        stage.proxy.hang_up()
        running_loop().block(0.1)

    blocking = asyncio.create_task(block())
    await stage.run(messages(60), client={"concurrency": 4})
    await blocking
    counts = await stage.judge(phones(60))
    assert counts.accepted + counts.unknown == 60
    assert 0 < counts.unknown <= 4


@pytest.mark.parametrize("hang", [False, True], ids=["answered meanwhile", "not answered"])
async def test_f44_a_process_that_sleeps_and_wakes(live_stage: Stage, hang: bool, lane: Lane) -> None:
    """It sleeps longer than its timeout; the rows in flight are answered or unknown, and none is sent again."""
    rows = 60
    if hang:
        live_stage.sandbox.script(Fault(FaultKind.HANG_AFTER, nth=10, times=2))
    live_stage.proxy.plan = lambda _: Chaos(latency=0.004)
    campaign = ("plain", live_stage.proxy.url, live_stage.sandbox.token, str(live_stage.path), str(rows), lane)
    child = await asyncio.create_subprocess_exec(sys.executable, campaign_child.__file__, *campaign, env=ENVIRONMENT)
    await until(lambda: live_stage.delivered >= 12)
    child.send_signal(signal.SIGSTOP)
    await asyncio.sleep(campaign_child.TIMEOUT + 0.1)
    asleep = live_stage.delivered
    assert asleep < rows
    child.send_signal(signal.SIGCONT)
    assert await child.wait() == 0
    counts = await live_stage.judge(phones(rows))
    assert counts.accepted + counts.unknown == rows
    assert (2 if hang else 0) <= counts.unknown <= 2 * campaign_child.CONCURRENCY
