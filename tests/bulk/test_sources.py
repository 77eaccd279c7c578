"""Sources: sync and async, slow, failing, endless; read a small window ahead, sent in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from tests.bulk.fakes import HANG, FakeClient, counts, make_sender, phone, phones, quiet, text, texts, until
from wabotick_async.bulk import BulkSender, Journal
from wabotick_async.errors import CampaignAbortedError, NotSentError


async def trickle(count: int, gate: asyncio.Event | None = None, after: int = 0) -> AsyncIterator[Any]:
    for number in range(1, count + 1):
        if gate is not None and number > after:
            await gate.wait()
        yield text(number)


class Counted:
    """A source that knows how far it was read."""

    def __init__(self, count: int) -> None:
        self.read = 0
        self.ahead = 0
        self._count = count

    def messages(self, client: FakeClient) -> Iterator[Any]:
        for number in range(1, self._count + 1):
            self.read = number
            self.ahead = max(self.ahead, number - len(client.wire))
            yield text(number)


@pytest.mark.parametrize("concurrency", [1, 2, 5, 16])
async def test_source_is_read_a_small_window_ahead(concurrency: int) -> None:
    client, source = FakeClient(concurrency=concurrency), Counted(60 * concurrency)
    report = await make_sender(client).run(source.messages(client))
    assert report.accepted == source.read == 60 * concurrency
    assert source.ahead <= max(2 * concurrency, concurrency + 4)


@pytest.mark.parametrize("concurrency", [1, 2, 5, 16])
async def test_source_is_not_read_while_everything_hangs(concurrency: int) -> None:
    client, source = FakeClient(concurrency=concurrency), Counted(500)
    for number in range(1, 501):
        client.plan(number, HANG)
    task = asyncio.create_task(make_sender(client).run(source.messages(client)))
    await until(lambda: client.in_flight == concurrency)
    await quiet(lambda: source.read)
    assert concurrency < source.read <= 3 * concurrency + 1
    assert client.most_in_flight == concurrency
    client.gate.set()
    assert (await task).accepted == 500


@pytest.mark.parametrize("concurrency", [1, 3, 8])
async def test_as_many_in_flight_as_allowed(concurrency: int) -> None:
    client = FakeClient(concurrency=concurrency)
    assert await run_against_a_gate(client, make_sender(client), concurrency) == concurrency


async def test_concurrency_of_the_sender_goes_before_the_clients(client: FakeClient) -> None:
    assert await run_against_a_gate(client, make_sender(client, concurrency=2), 2) == 2


async def run_against_a_gate(client: FakeClient, sender: BulkSender, concurrency: int) -> int:
    """Let every send hang until as many as expected are in flight; return how many there were at most."""
    for number in range(1, 51):
        client.plan(number, HANG)
    task = asyncio.create_task(sender.run(texts(50)))
    await until(lambda: client.in_flight == concurrency)
    await quiet(lambda: client.in_flight)
    client.gate.set()
    assert (await task).accepted == 50
    return client.most_in_flight


async def test_one_at_a_time_keeps_the_order(journal: Journal) -> None:
    client = FakeClient(concurrency=1)
    await make_sender(client, journal).run(texts(40))
    assert client.wire == phones(range(1, 41))


async def test_many_at_a_time_begin_in_order(client: FakeClient) -> None:
    await make_sender(client).run(texts(40))
    assert client.asked == phones(range(1, 41))


async def test_async_source(client: FakeClient, journal: Journal) -> None:
    assert counts(await make_sender(client, journal).run(trickle(30))) == {"accepted": 30}


async def test_trickling_source_does_not_wait_for_a_batch(client: FakeClient) -> None:
    gate = asyncio.Event()
    task = asyncio.create_task(make_sender(client).run(trickle(5, gate, after=1)))
    await until(lambda: client.wire == [phone(1)])
    gate.set()
    assert (await task).accepted == 5


async def test_last_message_does_not_wait_for_the_end_of_the_source(client: FakeClient) -> None:
    gate = asyncio.Event()

    async def source() -> AsyncIterator[Any]:
        for message in texts(3):
            yield message
        await gate.wait()

    task = asyncio.create_task(make_sender(client).run(source()))
    await until(lambda: len(client.wire) == 3)
    gate.set()
    assert (await task).accepted == 3


async def failing(count: int) -> AsyncIterator[Any]:
    for number in range(1, count + 1):
        yield text(number)
    raise KeyError("column 7")


def failing_sync(count: int) -> Iterator[Any]:
    yield from texts(count)
    raise KeyError("column 7")


@pytest.mark.parametrize("source", [failing, failing_sync], ids=["async", "sync"])
@pytest.mark.parametrize("count", [0, 1, 4, 33])
async def test_failing_source(client: FakeClient, journal: Journal, source: Any, count: int) -> None:
    client.plan(1, NotSentError("down"))
    with pytest.raises(CampaignAbortedError, match=f"the source failed after message {count}") as caught:
        await make_sender(client, journal).run(source(count))
    assert isinstance(caught.value.__cause__, KeyError)
    assert caught.value.report is not None
    assert (caught.value.report.rows, caught.value.report.accepted) == (count, count)


async def test_no_source_at_all(client: FakeClient) -> None:
    with pytest.raises(CampaignAbortedError, match="not iterable"):
        await make_sender(client).run(text(1))  # type: ignore[arg-type]  # what is tested


async def test_source_is_told_that_nobody_reads_it_any_more(client: FakeClient) -> None:
    closed = asyncio.Event()

    async def source() -> AsyncIterator[Any]:
        try:
            async for message in trickle(1_000):
                yield message
        finally:
            closed.set()

    sender, generator = make_sender(client), source()
    async for _ in sender.stream(generator):
        sender.stop()
    assert closed.is_set()


async def test_bad_message_of_a_source_that_waits(client: FakeClient) -> None:
    async def source() -> AsyncIterator[Any]:
        yield text(1)
        yield "no message"
        await asyncio.Event().wait()

    with pytest.raises(CampaignAbortedError, match="message 2"):
        await make_sender(client).run(source())
    assert client.wire == [phone(1)]
