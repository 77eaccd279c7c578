"""F08 to F14 and F27: the request left and the connection broke: the outcome is unknown, and nothing is sent again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults.proxy import CALM, Chaos
from tests.faults.stage import Stage, messages, phones, until
from tests.simulation.virtual_loop import running_loop
from wabotick_async import RetryPolicy, Timeout, UploadMedia
from wabotick_async.bulk.journal import Counts
from wabotick_async.errors import OutcomeUnknownError
from wabotick_async.sandbox import Fault, FaultKind

pytestmark = pytest.mark.usefixtures("bulk_way")

SHORT = Timeout(connect=2.0, total=0.15)
EACH_ITS_OWN = {"keep_alive": False}

BREAKS: dict[str, tuple[Chaos, int]] = {
    "f08 fin": (Chaos(cut_request=0), 0),
    "f08 reset": (Chaos(cut_request=0, reset=True), 0),
    "f09 read, fin": (Chaos(cut_answer=0), 1),
    "f10 read, reset": (Chaos(cut_answer=0, reset=True), 1),
    "f11 half-close": (Chaos(half_close=True), 1),
    "f12 silence, nothing arrived": (Chaos(swallow_request=True), 0),
    "f12 silence, all arrived": (Chaos(swallow_answer=True), 1),
    "f13 slow loris": (Chaos(drip=0.02), 1),
}


@pytest.mark.parametrize("name", BREAKS)
async def test_f08_to_f13_a_break_makes_one_row_unknown(stage: Stage, name: str) -> None:
    chaos, delivered = BREAKS[name]
    stage.proxy.plan = lambda number: chaos if number == 2 else CALM
    began = running_loop().time()
    report = await stage.run(messages(12), client={"concurrency": 4, "timeout": SHORT, **EACH_ITS_OWN})
    assert running_loop().time() - began < 1.0, "hung"
    assert (report.accepted, report.unknown, report.refused) == (11, 1, 0)
    assert await stage.judge(phones(12)) == Counts(accepted=11, unknown=1)
    assert stage.delivered == 11 + delivered
    assert len(stage.proxy.links) == 12, "a request was repeated"


@pytest.mark.parametrize("reset", [False, True], ids=["fin", "reset"])
async def test_f08_a_connection_that_ends_unread(stage: Stage, reset: bool) -> None:
    """Where its end is seen before the first byte leaves, the row may go out on another; else it is unknown."""
    stage.proxy.plan = lambda number: Chaos(unread=True, reset=reset) if number % 3 == 2 else CALM
    await stage.run(messages(30), client={"concurrency": 4, **EACH_ITS_OWN})
    counts = await stage.judge(phones(30))
    assert counts == Counts(accepted=counts.accepted, unknown=30 - counts.accepted)
    assert stage.delivered == counts.accepted


@pytest.mark.parametrize("name", [name for name in BREAKS if name[:3] in {"f12", "f13"}])
async def test_f12_f13_a_slot_is_free_again_at_the_timeout_and_not_later(stage: Stage, name: str) -> None:
    stage.proxy.plan = lambda number: BREAKS[name][0] if number == 0 else CALM
    began = running_loop().time()
    await stage.run(messages(2), client={"concurrency": 1, "timeout": SHORT, **EACH_ITS_OWN})
    assert running_loop().time() - began == pytest.approx(SHORT.total, abs=0.02)
    assert await stage.judge(phones(2)) == Counts(accepted=1, unknown=1)


async def test_f12_a_server_that_takes_the_message_and_hangs(stage: Stage) -> None:
    stage.sandbox.script(Fault(FaultKind.HANG_AFTER), Fault(FaultKind.HANG_BEFORE))
    await stage.run(messages(6), client={"concurrency": 2, "timeout": SHORT})
    assert await stage.judge(phones(6)) == Counts(accepted=4, unknown=2)
    assert stage.delivered == 5


async def sizes(stage: Stage) -> tuple[int, int]:
    """Send one message and return the bytes of its request and of its answer."""
    await stage.run(messages(1), client=EACH_ITS_OWN)
    return stage.proxy.links[0].up, stage.proxy.links[0].down


def every_cut(size: int, cut: Callable[[int], Chaos]) -> Callable[[int], Chaos]:
    """Cut every second connection, after byte 0, 1, 2 and so on; those between keep the breaker closed."""
    return lambda number: CALM if number % 2 == 0 or number > 2 * size else cut(number // 2)


@pytest.mark.parametrize("reset", [False, True], ids=["fin", "reset"])
async def test_f14_every_cut_of_a_whole_answer(stage: Stage, reset: bool) -> None:
    """Cut after byte 0, 1, 2 and so on: each message was accepted once, and none of them is sent again."""
    _, size = await sizes(stage)
    assert size > 150
    stage.proxy.plan = every_cut(size, lambda at: Chaos(cut_answer=at, reset=reset))
    report = await stage.run(messages(2 * size), client=EACH_ITS_OWN)
    assert report.refused == report.not_sent == 0
    assert [link.down for link in stage.proxy.links[1::2]] == list(range(size))
    assert report.unknown == size, "an answer that was cut was taken for a whole one, or the other way round"
    assert await stage.judge(phones(2 * size)) == Counts(accepted=size, unknown=size)
    assert stage.delivered == len(stage.proxy.links) == 2 * size


@pytest.mark.parametrize("reset", [False, True], ids=["fin", "reset"])
async def test_f14_every_cut_of_a_whole_request(stage: Stage, reset: bool) -> None:
    """Cut after every byte of the request but the last: the server accepts none of them, and we cannot know that."""
    size, _ = await sizes(stage)
    assert size > 200
    stage.proxy.plan = every_cut(size, lambda at: Chaos(cut_request=at, reset=reset))
    report = await stage.run(messages(2 * size), client=EACH_ITS_OWN)
    assert [link.up for link in stage.proxy.links[1::2]] == list(range(size))
    assert (report.unknown, report.refused, report.not_sent) == (size, 0, 0)
    assert await stage.judge(phones(2 * size)) == Counts(accepted=size, unknown=size)
    assert (stage.delivered, len(stage.proxy.links)) == (size, 2 * size)


CHUNKED = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    b'd\r\n{"status":"1"\r\nf\r\n,"message":"ok"\r\n1\r\n}\r\n0\r\n\r\n'
)


async def test_f14_every_cut_of_an_answer_in_chunks(stage: Stage) -> None:
    size = len(CHUNKED)
    for number in range(size):
        cut = Fault(FaultKind.GARBAGE, body=CHUNKED[: number + 1].decode())
        stage.sandbox.script(cut, Fault(FaultKind.LATENCY))  # an honest answer between, for the breaker
    await stage.run(messages(2 * size), client=EACH_ITS_OWN)
    counts = await stage.judge(phones(2 * size))
    # Without its very last bytes the body is whole already; nobody can tell that more was to come.
    assert counts == Counts(accepted=counts.accepted, unknown=2 * size - counts.accepted)
    assert size + 1 <= counts.accepted <= size + 3
    assert stage.delivered == 2 * size


@pytest.mark.parametrize("reset", [False, True], ids=["fin", "reset"])
async def test_f27_an_upload_breaks_off_in_the_middle(stage: Stage, reset: bool) -> None:
    stage.proxy.plan = lambda number: Chaos(cut_request=1_000_000, reset=reset) if number == 0 else CALM
    upload = UploadMedia(file=b"x" * 8_000_000, file_name="a.png")
    async with stage.client() as client:
        with pytest.raises(OutcomeUnknownError):
            await client.send(upload, retry=RetryPolicy(attempts=1))
        assert len(stage.proxy.links) == 1
        await until(lambda: stage.sandbox.requests.open == 0)
        assert len(stage.sandbox.state.uploads) == 0
        await client.send(upload)
    assert [one.size for one in stage.sandbox.state.uploads.values()] == [8_000_000]


async def test_f13_a_slow_but_whole_answer_in_time_is_an_answer(stage: Stage) -> None:
    stage.proxy.plan = lambda _: Chaos(latency=0.02)
    await stage.run(messages(3))
    assert await stage.judge(phones(3)) == Counts(accepted=3)
