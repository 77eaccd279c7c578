"""Results as they come, and readers that are slow, leave or are cancelled."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import pytest

from tests.bulk.fakes import HANG, FakeClient, Step, counts, make_sender, phone, quiet, rows_of, text, texts, until
from wabotick_async.bulk import BulkResult, BulkSender, Journal
from wabotick_async.bulk.journal import State
from wabotick_async.errors import (
    Advice,
    APIError,
    AuthenticationError,
    CampaignAbortedError,
    JournalError,
    OutcomeUnknownError,
    RequestInvalidError,
)
from wabotick_async.models import SendReceipt
from wabotick_async.outcomes import Outcome


async def collect(sender: BulkSender, messages: list[Any]) -> dict[int, BulkResult]:
    return {result.row: result async for result in sender.stream(messages)}


async def test_results(client: FakeClient, journal: Journal) -> None:
    refusal, cut, bad = APIError("no", status=200), OutcomeUnknownError("cut"), RequestInvalidError("bad")
    client.plan(2, refusal)
    client.plan(3, cut)
    client.plan(4, Step(bad, early=True))
    found = await collect(make_sender(client, journal), [*texts(4), text(1)])
    assert found == {
        1: BulkResult(
            row=1, request=text(1), outcome=Outcome.ACCEPTED, receipt=SendReceipt(message_id=f"wamid.{phone(1)}=")
        ),
        2: BulkResult(row=2, request=text(2), outcome=Outcome.REFUSED, error=refusal),
        3: BulkResult(row=3, request=text(3), outcome=Outcome.UNKNOWN, error=cut),
        4: BulkResult(row=4, request=text(4), outcome=Outcome.SKIPPED, error=bad),
        5: BulkResult(row=5, request=text(1), outcome=Outcome.SKIPPED, note="a duplicate of an earlier message"),
    }


async def test_known_rows_have_no_result(client: FakeClient, journal: Journal) -> None:
    await make_sender(client, journal).run(texts(3))
    assert list(await collect(make_sender(client, journal), [*texts(4)])) == [4]


async def test_slow_reader_slows_the_sending(client: FakeClient) -> None:
    sender = make_sender(client)
    async with aclosing(sender.stream(texts(200))) as results:
        await anext(results)
        await quiet(lambda: len(client.wire))
        assert len(client.wire) <= 1 + 4 + 4  # one read, four in the stream, four workers that wait to tell
        rest = [result async for result in results]
    assert len(rest) == 199


async def test_reader_that_leaves(client: FakeClient, journal: Journal) -> None:
    client.plan(2, HANG)
    sender = make_sender(client, journal)
    results = sender.stream(texts(100))
    async for result in results:
        assert result.row == 1
        await until(lambda: client.in_flight == 1)
        break
    closing = asyncio.create_task(results.aclose())
    await asyncio.sleep(0.02)
    assert not closing.done()
    client.gate.set()
    await closing
    assert sender.report is not None
    assert (sender.report.unknown, sender.report.stopped) == (0, "nobody reads the results any more")
    assert (await rows_of(journal))[phone(2)].state is State.ACCEPTED
    assert sender.report.accepted == len(client.wire) < 20


async def test_reader_that_only_breaks(client: FakeClient) -> None:
    sender = make_sender(client)
    async for _ in sender.stream(texts(100)):
        break
    await until(lambda: sender.report is not None)
    assert sender.report is not None
    assert (sender.report.unknown, sender.report.accepted) == (0, len(client.wire))


async def test_reader_that_never_begins(client: FakeClient) -> None:
    sender = make_sender(client)
    await sender.stream(texts(9)).aclose()
    assert (client.asked, sender.report) == ([], None)


async def test_cancelled_reader(client: FakeClient, journal: Journal) -> None:
    client.plan(2, HANG)
    sender = make_sender(client, journal)

    async def read() -> None:
        async for _ in sender.stream(texts(100)):
            pass

    task = asyncio.create_task(read())
    await until(lambda: client.in_flight == 1 and len(client.wire) == 100)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sender.report is not None
    assert counts(sender.report) == {"accepted": 99, "unknown": 1}
    assert (await rows_of(journal))[phone(2)].code == "interrupted"


async def test_reader_that_raises(client: FakeClient) -> None:
    sender = make_sender(client)

    async def read() -> None:
        async with aclosing(sender.stream(texts(100))) as results:
            async for _ in results:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await read()
    assert sender.report is not None
    assert sender.report.unknown == 0


async def test_errors_surface_after_the_results(client: FakeClient, journal: Journal) -> None:
    client.plan(3, AuthenticationError("no", status=401, advice=Advice.FIX_CREDENTIALS))
    seen: list[int] = []
    sender = make_sender(client, journal, concurrency=1)

    async def read() -> None:
        async for result in sender.stream(texts(9)):
            seen.append(result.row)

    with pytest.raises(CampaignAbortedError) as caught:
        await read()
    assert seen == [1, 2]
    assert caught.value.report is not None
    assert caught.value.report.refused == 0


async def test_journal_that_cannot_be_opened(client: FakeClient, journal: Journal) -> None:
    await journal.open({})
    with pytest.raises(JournalError, match="open"):
        await collect(make_sender(client, journal), [*texts(3)])
    await journal.close()


async def test_cancelled_reader_of_a_campaign_that_failed_is_cancelled(client: FakeClient, journal: Journal) -> None:
    """The error of the run must not take the place of the reader's cancellation."""
    client.plan(1, Step(ZeroDivisionError(), hangs=True))
    sender = make_sender(client, journal)

    async def read() -> None:
        async for _ in sender.stream(texts(1)):
            pass

    task = asyncio.create_task(read())
    await until(lambda: client.in_flight == 1)
    client.gate.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
