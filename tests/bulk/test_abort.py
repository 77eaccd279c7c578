"""Reasons for which a campaign stops itself: the report says so, and what did not leave stays queued."""

from __future__ import annotations

import asyncio

import pytest

from tests.bulk.fakes import HANG, FakeClient, FakeTime, Step, counts, make_sender, phone, rows_of, text, texts, until
from wabotick_async.bulk import BulkResult, Journal
from wabotick_async.bulk.journal import State
from wabotick_async.errors import (
    Advice,
    APIError,
    AuthenticationError,
    CampaignAbortedError,
    ConfigurationError,
    NotFoundError,
    NotSentError,
    OutcomeUnknownError,
    RateLimitedError,
    ServerError,
    SubscriberLimitError,
    UnexpectedPageError,
    WabotickError,
)
from wabotick_async.outcomes import BulkReport, Outcome

FATAL: list[tuple[WabotickError, str]] = [
    (AuthenticationError("no", status=401, advice=Advice.FIX_CREDENTIALS), "not_sent"),
    (APIError("look", status=200, advice=Advice.PAUSE_CAMPAIGN), "not_sent"),
    (SubscriberLimitError("full", status=200, advice=Advice.STOP_ACCOUNT), "not_sent"),
    (NotFoundError("template not found", status=200, advice=Advice.STOP_TEMPLATE), "not_sent"),
    (NotFoundError("wrong path", status=404), "not_sent"),
    (UnexpectedPageError("login", status=302), "unknown"),
    (UnexpectedPageError("not found", status=404, outcome=Outcome.REFUSED), "not_sent"),
    (UnexpectedPageError("edge", status=403, outcome=Outcome.REFUSED), "not_sent"),
    (NotSentError("bad certificate", fatal=True), "not_sent"),
    (ConfigurationError("another event loop"), "not_sent"),
]


def name(case: tuple[WabotickError, str]) -> str:
    return f"{type(case[0]).__name__}-{getattr(case[0], 'advice', None) or getattr(case[0], 'status', '')}"


async def aborted(client: FakeClient, journal: Journal, count: int = 40, **settings: object) -> CampaignAbortedError:
    with pytest.raises(CampaignAbortedError) as caught:
        await make_sender(client, journal, **settings).run(texts(count))  # type: ignore[arg-type]  # settings of a sender
    return caught.value


def report_of(error: CampaignAbortedError) -> BulkReport:
    assert error.report is not None
    assert error.report.stopped == error.message
    return error.report


@pytest.mark.parametrize("early", [False, True], ids=["late", "early"])
@pytest.mark.parametrize("case", FATAL, ids=name)
async def test_fatal(client: FakeClient, journal: Journal, case: tuple[WabotickError, str], early: bool) -> None:
    error, count = case
    client.plan(3, Step(error, early=early))
    caught = await aborted(client, journal)
    report = report_of(caught)
    assert caught.__cause__ is error
    assert error.message in caught.message
    rows = await rows_of(journal)
    assert rows[phone(3)].state == ("queued" if count == "not_sent" else count)
    assert report.not_sent > 0
    assert report.rows == len(rows) < 40
    assert client.asked.count(phone(3)) == 1


async def test_in_flight_is_finished(client: FakeClient, journal: Journal) -> None:
    fatal = AuthenticationError("no", status=401, advice=Advice.FIX_CREDENTIALS)
    client.plan(1, HANG)
    client.plan(2, HANG)
    client.plan(3, fatal)
    task = asyncio.create_task(aborted(client, journal))
    await until(lambda: phone(3) in client.wire and len(client.wire) >= 3)
    await asyncio.sleep(0.02)
    assert not task.done()
    client.gate.set()
    report = report_of(await task)
    assert (report.unknown, report.refused) == (0, 0)
    assert report.accepted == len(client.wire) - 1


async def test_run_again_after_the_repair(client: FakeClient, journal: Journal) -> None:
    client.plan(3, ConfigurationError("wrong"))
    await aborted(client, journal)
    assert counts(await make_sender(client, journal).run(texts(40))) == {"accepted": 40}
    assert sorted(client.wire) == sorted(set(client.wire))


@pytest.mark.parametrize("allowed", [0, 1, 5])
async def test_too_many_unknown(journal: Journal, allowed: int) -> None:
    client = FakeClient(concurrency=1)
    for number in range(1, 40):
        client.plan(number, OutcomeUnknownError("cut"))
    caught = await aborted(client, journal, max_unknown=allowed)
    assert counts(report_of(caught))["unknown"] == allowed + 1
    assert f"more than {allowed} messages have an unknown outcome" in caught.message


async def test_as_many_unknown_as_allowed(client: FakeClient) -> None:
    for number in range(1, 4):
        client.plan(number, ServerError("broken", status=500))
    assert (await make_sender(client, max_unknown=3).run(texts(9))).unknown == 3


async def test_unknown_of_earlier_runs_does_not_count(client: FakeClient, journal: Journal) -> None:
    for number in (1, 2):
        client.plan(number, OutcomeUnknownError("cut"))
        await make_sender(client, journal, max_unknown=1).run(texts(number))
    assert (await make_sender(client, journal, max_unknown=0).run(texts(5))).unknown == 2


async def test_patience(client: FakeClient, journal: Journal, time: FakeTime) -> None:
    for number in range(1, 41):
        client.plan(number, *(NotSentError("refused") for _ in range(200)))
    with pytest.raises(CampaignAbortedError, match=r"no message got an outcome for \d+ s: refused") as caught:
        await make_sender(client, journal, time, patience=60.0).run(texts(40))
    assert report_of(caught.value).rows == report_of(caught.value).not_sent
    assert 60.0 < time.now - 1_000_000.0 < 130.0


async def test_patience_begins_anew_with_a_success(client: FakeClient, time: FakeTime) -> None:
    client = FakeClient(concurrency=1)
    for number in range(1, 30):
        client.plan(number, *(NotSentError("refused") for _ in range(4)))
    report = await make_sender(client, time=time, patience=20.0).run(texts(30))
    assert report.accepted == 30
    assert sum(time.slept) > 100.0


async def test_slow_server_does_not_try_the_patience(client: FakeClient, time: FakeTime) -> None:
    slow = RateLimitedError("slow", status=429, retry_after=50.0)
    client.plan(1, NotSentError("down"), slow, NotSentError("down"), slow, NotSentError("down"))
    assert (await make_sender(client, time=time, patience=200.0).run([text(1)])).accepted == 1


@pytest.mark.parametrize("early", [False, True], ids=["late", "early"])
async def test_client_that_breaks(client: FakeClient, journal: Journal, early: bool) -> None:
    broken = ZeroDivisionError("division by zero")
    client.plan(3, Step(broken, early=early))
    caught = await aborted(client, journal)
    report = report_of(caught)
    assert caught.__cause__ is broken
    assert caught.message == "stopped by ZeroDivisionError: division by zero"
    assert report.causes == ({} if early else {"unexpected_error": 1})
    assert report.unknown == (0 if early else 1)
    row = (await rows_of(journal))[phone(3)]
    assert row.state == (State.QUEUED if early else State.UNKNOWN)


async def test_result_of_what_broke_is_streamed(client: FakeClient, journal: Journal) -> None:
    client.plan(1, ZeroDivisionError())
    sender, results = make_sender(client, journal), list[BulkResult]()

    async def read() -> None:
        async for result in sender.stream(texts(1)):
            results.append(result)

    with pytest.raises(CampaignAbortedError):
        await read()
    assert [result.outcome for result in results] == [Outcome.UNKNOWN]
    assert sender.progress.unknown == 1


async def test_first_reason_counts(client: FakeClient, journal: Journal) -> None:
    client.plan(1, Step(AuthenticationError("no", status=401, advice=Advice.FIX_CREDENTIALS), hangs=True))
    sender = make_sender(client, journal)
    task = asyncio.create_task(sender.run(texts(1)))
    await until(lambda: client.in_flight == 1)
    sender.stop("first")
    client.gate.set()
    report = await task
    assert (counts(report), report.stopped) == ({"not_sent": 1}, "first")
