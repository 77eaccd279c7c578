"""A later run on the same journal: nothing twice, nothing forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.bulk.fakes import (
    FINGERPRINT,
    HANG,
    WAIT,
    FakeClient,
    FakeTime,
    counts,
    make_sender,
    phone,
    phones,
    rows_of,
    text,
    texts,
    until,
)
from wabotick_async.bulk import BulkSender, Journal, SQLiteJournal
from wabotick_async.bulk.journal import State
from wabotick_async.bulk.message import to_row
from wabotick_async.errors import (
    APIError,
    CampaignConflictError,
    ConfigurationError,
    JournalError,
    OutcomeUnknownError,
    RateLimitedError,
)


async def stop_after_three(client: FakeClient, sender: BulkSender) -> None:
    """Accept three messages of thirty; the next four wait for the limiter when the run is stopped."""
    for number in range(4, 8):
        client.plan(number, WAIT)
    task = asyncio.create_task(sender.run(texts(30)))
    await until(lambda: len(client.wire) == 3 and len(client.asked) == 7)
    sender.stop()
    assert (await task).accepted == 3


async def test_same_source_again(client: FakeClient, journal: Journal) -> None:
    client.plan(2, APIError("no", status=200))
    client.plan(3, OutcomeUnknownError("cut"))
    source = [*texts(9), text(4), text(4)]
    sender = make_sender(client, journal)
    first = await sender.run(source)
    sent = list(client.asked)
    for _ in range(2):
        again = await sender.run(source)
        assert sender.report == again
        assert (counts(again), again.causes) == (counts(first), first.causes)
        assert (sender.progress.known, sender.progress.skipped, sender.progress.done) == (9, 2, 2)
    assert client.asked == sent


async def test_longer_source(client: FakeClient, journal: Journal) -> None:
    await make_sender(client, journal).run(texts(5))
    report = await make_sender(client, journal).run(texts(12))
    assert counts(report) == {"accepted": 12}
    assert sorted(client.wire) == phones(range(1, 13))


async def test_resume_sends_what_is_left(client: FakeClient, journal: Journal) -> None:
    await stop_after_three(client, make_sender(client, journal))
    left = await queued(journal)
    assert len(left) >= 4
    report = await make_sender(client, journal).resume()
    assert (report.not_sent, report.stopped, report.accepted) == (0, None, 3 + len(left))
    assert not report.complete  # the source was not read to its end, and the journal knows it
    assert sorted(client.wire) == sorted([*phones([1, 2, 3]), *left])
    assert (await make_sender(client, journal).run(texts(30))).complete
    assert sorted(client.wire) == sorted(phones(range(1, 31)))


async def queued(journal: Journal) -> list[str]:
    return [recipient for recipient, row in (await rows_of(journal)).items() if row.state is State.QUEUED]


async def test_same_source_after_a_stop(client: FakeClient, journal: Journal) -> None:
    await stop_after_three(client, make_sender(client, journal))
    report = await make_sender(client, journal).run(texts(30))
    assert counts(report) == {"accepted": 30}
    assert sorted(client.wire) == phones(range(1, 31))


async def test_another_source_does_not_leave_queued_rows_behind(client: FakeClient, journal: Journal) -> None:
    await stop_after_three(client, make_sender(client, journal))
    left = await queued(journal)
    await make_sender(client, journal).run(texts(2, start=101))
    assert set(left) < set(client.wire)
    assert await queued(journal) == []


async def test_resume_of_nothing(client: FakeClient, journal: Journal) -> None:
    assert counts(await make_sender(client, journal).resume()) == {}


async def test_resume_goes_by_pages_in_order(journal: Journal) -> None:
    client = FakeClient(concurrency=1)
    await fill(journal, 20)
    await make_sender(client, journal).resume()
    assert client.wire == phones(range(1, 21))


async def fill(journal: Journal, count: int) -> None:
    """Queue rows, and send none."""
    await journal.open(FINGERPRINT)
    await journal.add([to_row(message, 1)[1] for message in texts(count)])
    await journal.close()


async def test_resume_waits_for_rows_that_are_not_due(client: FakeClient, journal: Journal, time: FakeTime) -> None:
    await fill(journal, 3)
    await journal.open(FINGERPRINT)
    await journal.claim(2)
    await journal.requeue(2, time.now + 40.0)
    await journal.close()
    report = await make_sender(client, journal, time).resume()
    assert counts(report) == {"accepted": 3}
    assert client.wire == phones([1, 3, 2])
    assert sum(time.slept) == pytest.approx(40.0)


async def test_unknown_stays_unknown(client: FakeClient, journal: Journal) -> None:
    client.plan(1, OutcomeUnknownError("cut"))
    await make_sender(client, journal).run(texts(2))
    assert counts(await make_sender(client, journal).resume()) == {"accepted": 1, "unknown": 1}
    assert client.wire.count(phone(1)) == 1


async def test_wait_asked_for_by_the_server_outlives_the_run(
    client: FakeClient, journal: Journal, time: FakeTime
) -> None:
    client.plan(1, RateLimitedError("slow", status=429, retry_after=30.0))
    time.stands_still = True
    sender = make_sender(client, journal, time)
    async for _ in sender.stream(texts(20)):
        if time.slept:
            sender.stop()
    time.stands_still, began = False, time.now
    await make_sender(client, journal, time).resume()
    assert client.wire[-1] == phone(1)
    assert time.now >= began + 30.0


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("campaign", "autumn"),
        ("base_url", "https://elsewhere.test"),
        ("phone_number_id", "100000000000002"),
        ("phone_number_id", None),
    ],
)
async def test_another_campaign(client: FakeClient, journal: Journal, attribute: str, value: str) -> None:
    await make_sender(client, journal).run(texts(2))
    other = FakeClient()
    setattr(other, attribute, value)
    sender = make_sender(other, journal, campaign=getattr(other, "campaign", ""))
    with pytest.raises(CampaignConflictError, match=f"differs in {attribute}$"):
        await sender.run(texts(9))
    assert other.asked == []
    assert counts(await make_sender(client, journal).run(texts(2))) == {"accepted": 2}


@asynccontextmanager
async def running(client: FakeClient, sender: BulkSender) -> AsyncIterator[None]:
    """Have nine messages under way."""
    client.plan(1, HANG)
    task = asyncio.create_task(sender.run(texts(9)))
    await until(lambda: client.in_flight == 1)
    yield
    client.gate.set()
    await task


async def test_two_senders_with_one_file(client: FakeClient, path: Path) -> None:
    first, second = make_sender(client, SQLiteJournal(path)), make_sender(client, SQLiteJournal(path))
    async with running(client, first):
        with pytest.raises(JournalError, match="in use by process"):
            await second.run(texts(9))
    assert (first.report and first.report.accepted, second.report) == (9, None)
    assert len(client.wire) == 9


async def test_two_senders_with_one_journal(client: FakeClient, journal: Journal) -> None:
    first, second = make_sender(client, journal), make_sender(client, journal)
    async with running(client, first):
        with pytest.raises(JournalError, match="open already"):
            await second.run(texts(9))
    assert first.report is not None
    assert counts(first.report) == {"accepted": 9}


@pytest.mark.parametrize("way", ["run", "resume", "stream"])
async def test_second_run_at_the_same_time(client: FakeClient, journal: Journal, way: str) -> None:
    sender = make_sender(client, journal)
    async with running(client, sender):
        again: dict[str, Callable[[], Awaitable[object]]] = {
            "run": lambda: sender.run(texts(9, start=50)),
            "resume": sender.resume,
            "stream": lambda: anext(sender.stream(texts(9, start=50))),
        }
        with pytest.raises(ConfigurationError, match="running already"):
            await again[way]()
    assert sender.report is not None
    assert (sender.report.accepted, sender.report.stopped) == (9, None)


async def test_journal_by_its_path(client: FakeClient, path: Path) -> None:
    for journal in (str(path), path):
        report = await BulkSender(client, journal=journal).run(texts(3))
    assert counts(report) == {"accepted": 3}
    assert len(client.wire) == 3
    assert SQLiteJournal.inspect(path).counts.accepted == 3


async def test_no_journal(client: FakeClient) -> None:
    sender = BulkSender(client)
    await sender.run(texts(3))
    assert counts(await sender.run(texts(4))) == {"accepted": 4}


@pytest.mark.parametrize(
    ("settings", "problem"),
    [({"concurrency": 0}, "concurrency"), ({"max_unknown": -1}, "max_unknown"), ({"patience": -1.0}, "patience")],
)
def test_settings_out_of_range(client: FakeClient, settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        make_sender(client, **settings)
