"""F25 and F26: a kept connection misbehaves while nobody uses it, or just as somebody does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from tests.faults.proxy import CALM, Chaos
from tests.faults.stage import Stage, messages, phones, until
from tests.transport.tcp import answer
from wabotick_async import SendText
from wabotick_async.bulk.journal import Counts

pytestmark = pytest.mark.usefixtures("bulk_way")

STRAY = answer(b'{"status":"1","wa_message_id":"wamid.U1RSQVk=","message":"Message sent successfully."}')
TIMED_OUT = answer(b"", status="408 Request Timeout", head=b"Connection: close\r\n")

DEEDS: dict[str, Callable[[Stage], None]] = {
    "f25 stray answer": lambda stage: stage.proxy.speak(STRAY),
    "f25 half an answer": lambda stage: stage.proxy.speak(STRAY[:40]),
    "f25 two answers": lambda stage: stage.proxy.speak(STRAY + STRAY),
    "f25 408": lambda stage: stage.proxy.speak(TIMED_OUT),
    "f26 fin": lambda stage: stage.proxy.hang_up(),
    "f26 reset": lambda stage: stage.proxy.hang_up(reset=True),
}


async def all_answered(stage: Stage, count: int) -> None:
    await until(lambda: stage.sender.snapshot().done == count)


async def with_deeds(stage: Stage, count: int, deed: Callable[[Stage], None]) -> AsyncIterator[SendText]:
    """Do it between two messages, when everything before was answered."""
    for number, message in enumerate(messages(count)):
        if number:
            await all_answered(stage, number)
            deed(stage)
            await asyncio.sleep(0.005)
        yield message


@pytest.mark.parametrize("name", DEEDS)
async def test_f25_f26_an_idle_connection_that_misbehaves_is_left(stage: Stage, name: str) -> None:
    report = await stage.run(with_deeds(stage, 8, DEEDS[name]), client={"concurrency": 2})
    assert (report.accepted, report.unknown) == (8, 0)
    assert await stage.judge(phones(8)) == Counts(accepted=8)
    assert len(stage.proxy.links) == 8, "a spoilt connection was used again"


async def test_f25_in_the_very_moment_before_the_next_request(stage: Stage) -> None:
    """No time for the client to notice: only a look at the socket finds the stray bytes."""

    async def source() -> AsyncIterator[SendText]:
        for number, message in enumerate(messages(20)):
            if number:
                await all_answered(stage, number)
                stage.proxy.speak(STRAY)
            yield message

    await stage.run(source(), client={"concurrency": 1})
    counts = await stage.judge(phones(20))
    assert counts.accepted + counts.unknown == 20


@pytest.mark.parametrize("reset", [False, True], ids=["fin", "reset"])
async def test_f26_an_end_that_races_with_the_request_is_unknown(stage: Stage, reset: bool) -> None:
    """The connection dies when the first byte of its second request is on its way."""
    await stage.run(messages(1), client={"concurrency": 1})
    size = stage.proxy.links[0].up
    stage.proxy.plan = lambda number: Chaos(cut_request=size + 1, reset=reset) if number == 1 else CALM
    report = await stage.run(messages(10), client={"concurrency": 1})
    assert (report.accepted, report.unknown) == (9, 1)
    assert await stage.judge(phones(10)) == Counts(accepted=9, unknown=1)
    assert stage.delivered == 9


async def test_f26_all_idle_connections_die_at_once(stage: Stage) -> None:
    async def source() -> AsyncIterator[SendText]:
        for number, message in enumerate(messages(40)):
            if number == 20:
                await until(lambda: stage.sender.snapshot().done == 20)
                stage.proxy.hang_up()
            yield message

    await stage.run(source(), client={"concurrency": 8})
    assert await stage.judge(phones(40)) == Counts(accepted=40)
