"""Each answer of a client ends in the right state of the journal and in the right count."""

from __future__ import annotations

import pytest

from tests.bulk.fakes import FakeClient, FakeTime, Step, counts, make_sender, phone, phones, rows_of, text, texts
from wabotick_async.bulk import Journal
from wabotick_async.bulk.journal import State
from wabotick_async.config import RetryPolicy
from wabotick_async.errors import (
    Advice,
    AlreadyExistsError,
    APIError,
    DecodeError,
    NotSentError,
    OutcomeUnknownError,
    RateLimitedError,
    RequestInvalidError,
    ResponseError,
    ServerError,
    SessionWindowClosedError,
    TransportError,
    UnexpectedPageError,
    ValidationError,
    WabotickError,
)
from wabotick_async.outcomes import Outcome

FINAL: list[tuple[WabotickError, State, str, int | None]] = [
    (APIError("no", status=200), State.REFUSED, "refused", 200),
    (
        APIError("no", status=200, code=131026, advice=Advice.SKIP_RECIPIENT),
        State.REFUSED,
        "skip_recipient:131026",
        200,
    ),
    (APIError("no", status=200, code=7), State.REFUSED, "refused:7", 200),
    (SessionWindowClosedError("24", status=200, advice=Advice.USE_TEMPLATE), State.REFUSED, "use_template", 200),
    (AlreadyExistsError("already exist", status=200), State.REFUSED, "refused", 200),
    (ValidationError("bad", status=422, fields={"x": ["y"]}), State.REFUSED, "refused", 422),
    (
        APIError("?", status=200, advice=Advice.UNKNOWN_OUTCOME, outcome=Outcome.UNKNOWN),
        State.UNKNOWN,
        "unknown_outcome",
        200,
    ),
    (OutcomeUnknownError("reset"), State.UNKNOWN, "outcome_unknown", None),
    (ServerError("broken", status=500), State.UNKNOWN, "server", 500),
    (UnexpectedPageError("page", status=200), State.UNKNOWN, "unexpected_page", 200),
    (DecodeError("cut", status=200), State.UNKNOWN, "decode", 200),
    (ResponseError("odd", status=302), State.UNKNOWN, "response", 302),
    (RequestInvalidError("bad", field="x"), State.SKIPPED, "request_invalid", None),
]

FOR_LATER: list[WabotickError] = [
    NotSentError("refused"),
    TransportError("no byte left, says its outcome"),
    RateLimitedError("slow", status=429, advice=Advice.SLOW_NUMBER),
    ServerError("maintenance", status=503, outcome=Outcome.REFUSED, retry_after=7.0),
    *(APIError("slow", status=200, advice=advice) for advice in (Advice.SLOW_ACCOUNT, Advice.SLOW_NUMBER)),
    *(APIError("slow", status=200, advice=advice) for advice in (Advice.SLOW_PAIR, Advice.PAUSE_NUMBER)),
]


def name(value: object) -> str | None:
    advice = getattr(value, "advice", None)
    return f"{type(value).__name__}-{advice or ''}" if isinstance(value, WabotickError) else None


@pytest.mark.parametrize("early", [False, True], ids=["late", "early"])
@pytest.mark.parametrize("case", FINAL, ids=lambda case: name(case[0]))
async def test_final(
    client: FakeClient, journal: Journal, case: tuple[WabotickError, State, str, int | None], early: bool
) -> None:
    error, state, code, http = case
    client.plan(2, Step(error, early=early))
    report = await make_sender(client, journal).run(texts(3))
    assert counts(report) == {"accepted": 2, state.value: 1}
    assert report.causes == {code: 1}
    row = (await rows_of(journal))[phone(2)]
    assert (row.state, row.code, row.http, row.note) == (state, code, http, error.message)
    assert client.asked.count(phone(2)) == 1


@pytest.mark.parametrize("early", [False, True], ids=["late", "early"])
@pytest.mark.parametrize("error", FOR_LATER, ids=name)
async def test_for_later(client: FakeClient, journal: Journal, error: WabotickError, early: bool) -> None:
    client.plan(2, *[Step(error, early=early)] * 3)
    report = await make_sender(client, journal).run(texts(3))
    assert counts(report) == {"accepted": 3}
    assert report.causes == {}
    row = (await rows_of(journal))[phone(2)]
    assert row.attempts == (1 if early else 4)
    assert client.asked.count(phone(2)) == 4


async def test_accepted_row(client: FakeClient, journal: Journal) -> None:
    report = await make_sender(client, journal).run([text(1)])
    assert (report.complete, report.stopped, report.rows) == (True, None, 1)
    row = (await rows_of(journal))[phone(1)]
    assert (row.state, row.message_id, row.attempts) == (State.ACCEPTED, f"wamid.{phone(1)}=", 1)


async def test_nothing_to_send(client: FakeClient, journal: Journal) -> None:
    report = await make_sender(client, journal).run([])
    assert (counts(report), report.complete, report.stopped) == ({}, True, None)


async def test_client_does_not_repeat_by_itself(client: FakeClient) -> None:
    await make_sender(client).run(texts(2))
    assert client.retries == [RetryPolicy(attempts=1)] * 2


async def test_all_together(client: FakeClient, journal: Journal) -> None:
    client.plan(1, APIError("no", status=200))
    client.plan(2, OutcomeUnknownError("cut"))
    client.plan(3, NotSentError("down"))
    client.plan(4, Step(RequestInvalidError("bad"), early=True))
    report = await make_sender(client, journal).run([*texts(7), text(6)])
    assert counts(report) == {"accepted": 4, "refused": 1, "unknown": 1, "skipped": 2}
    assert report.rows == 8
    assert report.causes == {"duplicate": 1, "outcome_unknown": 1, "refused": 1, "request_invalid": 1}


async def test_backoff_doubles_up_to_a_cap(client: FakeClient, time: FakeTime) -> None:
    client.plan(1, *(NotSentError("down") for _ in range(9)))
    await make_sender(client, time=time, patience=1_000.0).run([text(1)])
    assert time.slept == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]


@pytest.mark.parametrize(
    ("error", "wait"),
    [
        (RateLimitedError("slow", status=429, retry_after=12.0), 12.0),
        (ServerError("back soon", status=503, outcome=Outcome.REFUSED, retry_after=20.0), 20.0),
        (RateLimitedError("slow", status=429, retry_after=0.0), 0.5),
        (RateLimitedError("slow", status=429, retry_after=1e9), 300.0),
    ],
    ids=["429", "503", "zero", "absurd"],
)
async def test_server_says_how_long(client: FakeClient, time: FakeTime, error: WabotickError, wait: float) -> None:
    client.plan(1, error)
    await make_sender(client, time=time).run([text(1)])
    assert time.slept == [wait]


async def test_waiting_row_is_due_when_the_wait_is_over(client: FakeClient, journal: Journal, time: FakeTime) -> None:
    time.stands_still = True
    client.plan(1, RateLimitedError("slow", status=429, retry_after=12.0))
    sender = make_sender(client, journal, time)
    async for result in sender.stream([text(2), text(1), *texts(9, start=3)]):
        if time.slept:
            assert result.outcome is Outcome.ACCEPTED
            sender.stop()
    row = (await rows_of(journal))[phone(1)]
    assert (row.state, row.not_before, row.attempts) == (State.QUEUED, time.now + 12.0, 1)


async def test_others_go_on_while_one_waits(client: FakeClient) -> None:
    client.plan(1, *(NotSentError("down") for _ in range(3)))
    await make_sender(client, concurrency=1).run(texts(3))
    assert client.wire == phones([2, 3, 1])
