"""The exchange: its order, deadlines, hook, paths, observers, and what an error tells."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from wabotick_async import (
    AlreadyExistsError,
    APIError,
    AttemptFinished,
    ConfigurationError,
    CreateLabel,
    CreateSubscriber,
    DecodeError,
    Event,
    GetSubscriber,
    Limits,
    ListLabels,
    NotSentError,
    Outcome,
    OutcomeUnknownError,
    PauseBegan,
    RateLimitedError,
    RateLimiter,
    ResponseError,
    RetryPlanned,
    RetryPolicy,
    SendReceipt,
    SendTemplate,
    ServerError,
    Timeout,
    UnexpectedPageError,
    WabotickClient,
)
from wabotick_async.testing import FakeTransport, ManualClock, NoLimit, fake_client
from wabotick_async.wire import HTTPAnswer

SEND = SendTemplate(phone_number="919800000000", template_id="48")
READ = GetSubscriber(phone_number="919800000000")
WRITE = CreateSubscriber(phone_number="919800000000", name="Ann")
OK = {"status": "1", "message": "done"}
NOT_FOUND = HTTPAnswer(status=404, headers={}, body=b"<html>Not Found</html>")


def http(status: int, body: bytes = b"", **headers: str) -> HTTPAnswer:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return HTTPAnswer(status=status, headers=fields, body=body)


class SlowTransport(FakeTransport):
    """Each request takes some virtual seconds, but no longer than its own limit."""

    def __init__(self, clock: ManualClock, seconds: float, *answers: Any) -> None:
        super().__init__(*answers)
        self.clock, self.seconds = clock, seconds

    async def post(self, call: Any, timeouts: Timeout) -> HTTPAnswer:
        await self.clock.sleep(min(self.seconds, timeouts.total))
        answer = await super().post(call, timeouts)
        if self.seconds > timeouts.total:
            raise OutcomeUnknownError("no answer: TimeoutError")
        return answer


# --- order


async def test_the_order_is_limiter_record_pool_decode() -> None:
    story: list[str] = []

    class Limiter(NoLimit):
        async def acquire(self, *scopes: Any, **how: Any) -> float:
            story.append("limiter")
            return 0.25

    class Pool(FakeTransport):
        async def post(self, call: Any, timeouts: Timeout) -> HTTPAnswer:
            story.append("pool")
            return await super().post(call, timeouts)

    async def record() -> None:
        story.append("record")

    client = fake_client(Pool(OK), limiter=Limiter(), observers=[lambda event: story.append(type(event).__name__)])
    await client.send(SEND, before_sending=record)
    assert story == ["limiter", "record", "pool", "AttemptFinished"]


async def test_the_record_is_made_in_each_attempt() -> None:
    made = []
    transport = FakeTransport(NotSentError("refused"), OK)

    async def record() -> None:
        made.append(len(transport.requests))

    await fake_client(transport).send(SEND, before_sending=record)
    assert made == [0, 1]


@pytest.mark.parametrize("error", [KeyError("disk"), ConfigurationError("no"), asyncio.CancelledError()])
async def test_what_the_record_raises_ends_the_call_with_nothing_sent(error: BaseException) -> None:
    transport = FakeTransport(default=OK)

    async def record() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        await fake_client(transport).send(SEND, before_sending=record)
    assert caught.value is error
    assert transport.requests == []


# --- what answers and errors tell


async def test_an_answer_knows_how_it_came() -> None:
    clock = ManualClock(jump=True)
    transport = FakeTransport(NotSentError("refused"), http(200, b'{"status":"1"}', x_ratelimit_remaining="9"))
    client = fake_client(transport, clock=clock, retry=RetryPolicy(base=2.0))
    receipt = await client.send(SEND)
    assert receipt.response is not None
    assert receipt.response.status == 200
    assert receipt.response.headers["x-ratelimit-remaining"] == "9"
    assert receipt.response.attempts == 2
    assert receipt.response.elapsed == pytest.approx(clock.slept[0])


@pytest.mark.parametrize("group", ["subscribers", "labels", "templates"])
async def test_rows_know_how_they_came(group: str) -> None:
    client = fake_client(FakeTransport({"status": "1", "message": []}))
    rows = await getattr(client, group).list()
    assert rows == []
    assert rows.response.attempts == 1


async def test_an_error_tells_what_was_tried() -> None:
    client = fake_client(FakeTransport(default=NotSentError("refused")))
    with pytest.raises(NotSentError) as caught:
        await client.send(SendTemplate(phone_number="919800000000", template_id="48", variables={"name": "Ann"}))
    error = caught.value
    assert error.endpoint == "send_template"
    assert error.attempts == 4
    assert error.request is not None
    assert "…0000" in error.request
    assert "919800000000" not in error.request
    assert str(error) == "send_template: refused"


async def test_an_error_before_sending_tells_it_too() -> None:
    transport = FakeTransport(default=OK)
    with pytest.raises(ConfigurationError, match="phone_number_id") as caught:
        await fake_client(transport, phone_number_id=None).send(SEND)
    assert caught.value.endpoint == "send_template"
    assert caught.value.attempts == 0
    assert caught.value.outcome is Outcome.NOT_SENT
    assert transport.requests == []


async def test_the_cause_stays_behind_the_error_through_retries() -> None:
    def refused() -> NotSentError:
        error = NotSentError("refused")
        error.__cause__ = ConnectionRefusedError(111, "Connection refused")
        return error

    last = refused()
    client = fake_client(FakeTransport(refused(), refused(), refused(), last))
    with pytest.raises(NotSentError) as caught:
        await client.send(SEND)
    assert caught.value is last
    assert isinstance(last.__cause__, ConnectionRefusedError)
    chain: BaseException | None = last
    while chain is not None:
        assert "tenacity" not in type(chain).__module__
        chain = chain.__cause__ or chain.__context__


# --- an unknown attempt stays unknown


async def test_an_attempt_that_never_left_does_not_settle_an_unknown_one() -> None:
    last = NotSentError("refused")
    client = fake_client(FakeTransport(OutcomeUnknownError("reset"), last), retry=RetryPolicy(attempts=2, base=0))
    with pytest.raises(OutcomeUnknownError, match="earlier attempt may have arrived") as caught:
        await client.send(WRITE)
    assert caught.value.outcome is Outcome.UNKNOWN
    assert caught.value.__cause__ is last
    assert caught.value.attempts == 2


@pytest.mark.parametrize("last", [http(429, retry_after="999"), http(503, retry_after="999")])
async def test_a_refusal_for_pace_does_not_settle_an_unknown_attempt(last: HTTPAnswer) -> None:
    client = fake_client(FakeTransport(http(502), last))
    with pytest.raises((RateLimitedError, ServerError)) as caught:
        await client.send(WRITE)
    assert caught.value.outcome is Outcome.UNKNOWN


async def test_a_refusal_of_the_platform_itself_does() -> None:
    client = fake_client(FakeTransport(OutcomeUnknownError("reset"), {"status": "0", "message": "already exist"}))
    with pytest.raises(AlreadyExistsError) as caught:
        await client.send(WRITE)
    assert caught.value.outcome is Outcome.REFUSED


# --- deadlines


async def test_the_deadline_bounds_the_wait_for_the_limiter() -> None:
    clock = ManualClock()
    limiter = RateLimiter(0.1, clock=clock, call_later=clock.call_later)
    transport = FakeTransport(default=OK)
    client = fake_client(transport, clock=clock, limiter=limiter)
    await client.send(SEND)
    with pytest.raises(NotSentError, match="deadline") as caught:
        await client.send(SEND, deadline=5)
    assert caught.value.outcome is Outcome.NOT_SENT
    assert clock.now == 1000
    assert len(transport.requests) == 1


async def test_the_deadline_bounds_the_attempt_in_flight() -> None:
    clock = ManualClock(jump=True)
    transport = SlowTransport(clock, 60, OK)
    with pytest.raises(OutcomeUnknownError):
        await fake_client(transport, clock=clock).send(SEND, deadline=5)
    assert transport.requests[0].timeouts == Timeout(connect=5, total=5)
    assert clock.now == 1005


async def test_a_long_deadline_leaves_the_timeouts_alone() -> None:
    transport = FakeTransport(OK)
    own = Timeout(connect=1, total=2)
    await fake_client(transport, timeout=own).send(SEND, deadline=500)
    assert transport.requests[0].timeouts is own


async def test_the_deadline_bounds_the_backoff() -> None:
    clock = ManualClock(jump=True)
    transport = FakeTransport(http(503, retry_after="20"), OK)
    with pytest.raises(ServerError) as caught:
        await fake_client(transport, clock=clock).send(SEND, deadline=10)
    assert caught.value.attempts == 1
    assert clock.slept == []


async def test_a_deadline_that_passes_in_the_record_sends_nothing() -> None:
    clock = ManualClock(jump=True)
    transport = FakeTransport(default=OK)

    with pytest.raises(NotSentError, match="deadline"):
        await fake_client(transport, clock=clock).send(SEND, deadline=3, before_sending=lambda: clock.sleep(4))
    assert transport.requests == []


async def test_each_path_gets_what_is_left_of_the_deadline() -> None:
    clock = ManualClock(jump=True)
    transport = SlowTransport(clock, 4, NOT_FOUND, OK)
    await fake_client(transport, clock=clock).send(ListLabels(), deadline=10)
    assert [request.timeouts.total for request in transport.requests] == [10, 6]


# --- alternative paths


async def test_a_path_that_brands_keep_elsewhere_is_found_and_remembered() -> None:
    transport = FakeTransport(NOT_FOUND, default={"status": "1", "message": []})
    client = fake_client(transport)
    for _ in range(3):
        await client.send(ListLabels())
    await client.with_options(retry=RetryPolicy(attempts=1)).send(ListLabels())
    paths = [request.path for request in transport.requests]
    assert paths == ["/api/v1/whatsapp/label/list", *["/api/v1/label/list"] * 4]


async def test_the_first_path_is_remembered_too() -> None:
    transport = FakeTransport({"status": "1", "message": []}, NOT_FOUND)
    client = fake_client(transport)
    await client.send(ListLabels())
    with pytest.raises(UnexpectedPageError):
        await client.send(ListLabels())
    assert len(transport.requests) == 2


@pytest.mark.parametrize("edge", [http(429, retry_after="1"), http(502), http(503, b"<html>"), http(403, b"<html>")])
async def test_an_answer_of_the_edge_proves_no_path(edge: HTTPAnswer) -> None:
    transport = FakeTransport(edge, NOT_FOUND, {"status": "1", "message": []})
    client = fake_client(transport, retry=RetryPolicy(attempts=1))
    with pytest.raises(ResponseError, match="list_labels"):
        await client.send(ListLabels())
    assert await client.send(ListLabels()) == []


async def test_no_path_is_known_anywhere() -> None:
    transport = FakeTransport(default=NOT_FOUND)
    with pytest.raises(UnexpectedPageError, match="create_label: HTTP 404") as caught:
        await fake_client(transport).send(CreateLabel(label_name="VIP"))
    assert caught.value.outcome is Outcome.REFUSED
    assert len(transport.requests) == 2


# --- pauses


async def test_a_429_pauses_once_and_tells_it(caplog: pytest.LogCaptureFixture) -> None:
    clock, limiter = ManualClock(jump=True), NoLimit()
    events: list[Event] = []
    transport = FakeTransport(http(429, retry_after="7"), OK)
    client = fake_client(transport, clock=clock, limiter=limiter, observers=[events.append])
    with caplog.at_level(logging.INFO, "wabotick_async"):
        await client.send(SEND)
    assert limiter.pauses == [1007]
    assert clock.slept == [7]
    assert [type(event) for event in events] == [PauseBegan, AttemptFinished, RetryPlanned, AttemptFinished]
    assert [record.getMessage() for record in caplog.records] == [
        "pause scope=account seconds=7.0 why=too many requests"
    ]


async def test_a_pause_holds_all_calls_of_the_client() -> None:
    clock = ManualClock()
    limiter = RateLimiter(1000, 10, clock=clock, call_later=clock.call_later)
    transport = FakeTransport(http(429, retry_after="30"), default=OK)
    client = fake_client(transport, clock=clock, limiter=limiter)
    tasks = [asyncio.create_task(client.send(SEND))]
    await clock.advance(1)
    tasks.append(asyncio.create_task(client.with_options(timeout=Timeout(total=5)).send(SEND)))
    await clock.advance(28.9)
    assert len(transport.requests) == 1
    await clock.advance(1)
    await asyncio.gather(*tasks)
    assert len(transport.requests) == 3


async def test_a_pause_is_clamped_by_the_policy_of_the_call() -> None:
    limiter = NoLimit()
    client = fake_client(FakeTransport(default=http(429, retry_after="1000000000")), limiter=limiter)
    for retry in (None, RetryPolicy(max_retry_after=5)):
        with pytest.raises(RateLimitedError) as caught:
            await client.send(SEND, retry=retry)
        assert caught.value.retry_after == 1_000_000_000
        assert caught.value.attempts == 1
    assert limiter.pauses == [1300, 1005]


async def test_whether_503_is_trusted_is_a_matter_of_the_calls_policy() -> None:
    transport = FakeTransport(default=http(503, retry_after="1"))
    with pytest.raises(ServerError) as caught:
        await fake_client(transport).send(SEND, retry=RetryPolicy(trust_503=False))
    assert caught.value.outcome is Outcome.UNKNOWN
    assert len(transport.requests) == 1


# --- observers


async def test_observers_are_told_frozen_facts() -> None:
    events: list[Event] = []
    clock = ManualClock(jump=True)
    transport = FakeTransport(DecodeError("too long", status=200), http(504), OK)
    client = fake_client(transport, clock=clock, retry=RetryPolicy(base=1), observers=[events.append])
    with pytest.raises(DecodeError):
        await client.send(WRITE)
    await client.send(WRITE)
    finished = [event for event in events if isinstance(event, AttemptFinished)]
    assert [(event.attempt, event.outcome, event.status) for event in finished] == [
        (1, Outcome.UNKNOWN, 200),
        (1, Outcome.UNKNOWN, 504),
        (2, Outcome.ACCEPTED, 200),
    ]
    (planned,) = [event for event in events if isinstance(event, RetryPlanned)]
    assert planned == RetryPlanned(endpoint="create_subscriber", attempt=1, delay=clock.slept[0], cause="ServerError")
    with pytest.raises(AttributeError, match="immutable"):
        events[0].endpoint = "x"  # type: ignore[misc]  # that is what is tested


async def test_an_observer_that_raises_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[Event] = []

    def broken(event: Event) -> None:
        raise RuntimeError("observer")

    client = fake_client(FakeTransport(http(429, retry_after="1"), OK), observers=[broken, seen.append])
    assert isinstance(await client.send(SEND), SendReceipt)
    assert len(seen) == 4
    assert sum("observer failed" in record.message for record in caplog.records) == 4


async def test_a_cancelled_attempt_is_told_as_unknown() -> None:
    events: list[Event] = []
    client = fake_client(FakeTransport(asyncio.CancelledError()), observers=[events.append])
    with pytest.raises(asyncio.CancelledError):
        await client.send(SEND)
    assert [getattr(event, "outcome", None) for event in events] == [Outcome.UNKNOWN]


# --- shared parts


async def test_other_options_share_everything_but_themselves() -> None:
    transport = FakeTransport(NotSentError("refused"), OK, default=OK)
    client = fake_client(transport)
    other = client.with_options(phone_number_id="200", timeout=Timeout(total=3), retry=RetryPolicy(attempts=1))
    with pytest.raises(NotSentError):
        await other.send(SEND)
    await client.send(SEND)
    assert other.limiter is client.limiter
    assert [request.form["phone_number_id"] for request in transport.requests] == ["200", "100000000000001"]
    assert transport.requests[0].timeouts == Timeout(total=3)
    assert type(other) is WabotickClient


# --- permits


async def test_a_request_takes_its_grant_only_when_it_could_leave() -> None:
    """Else the grants of a whole stall would leave together when the server answers again."""
    answered = asyncio.Event()

    class Stalled(FakeTransport):
        async def post(self, call: Any, timeouts: Timeout) -> HTTPAnswer:
            answer = await super().post(call, timeouts)
            await answered.wait()
            return answer

    transport = Stalled(default=OK)
    client = fake_client(transport, limiter=RateLimiter(1e9), limits=Limits(concurrency=2))
    assert isinstance(client.limiter, RateLimiter)
    sends = [asyncio.create_task(client.send(SEND)) for _ in range(5)]
    for _ in range(20):
        await asyncio.sleep(0)
    assert (len(transport.requests), client.limiter.in_flight, client.limiter.waiting) == (2, 2, 3)
    answered.set()
    await asyncio.gather(*sends)
    assert (len(transport.requests), client.limiter.in_flight) == (5, 0)


async def test_a_deadline_ends_the_wait_for_a_place_in_flight() -> None:
    class Stalled(FakeTransport):
        async def post(self, call: Any, timeouts: Timeout) -> HTTPAnswer:
            await asyncio.Event().wait()
            raise AssertionError

    clock = ManualClock()
    limiter = RateLimiter(1e9, clock=clock, call_later=clock.call_later)
    client = fake_client(Stalled(), clock=clock, limiter=limiter, limits=Limits(concurrency=1))
    first = asyncio.create_task(client.send(SEND))
    await clock.advance()
    late = asyncio.create_task(client.send(SEND, deadline=5))
    await clock.advance(5.1)
    with pytest.raises(NotSentError, match="no grant before the deadline"):
        await late
    first.cancel()
    await asyncio.wait({first})
    assert limiter.in_flight == 0


async def test_what_the_record_raises_is_not_retried() -> None:
    calls = 0

    async def record() -> None:
        nonlocal calls
        calls += 1
        raise NotSentError("the caller's own")

    transport = FakeTransport(default=OK)
    with pytest.raises(NotSentError, match="the caller's own"):
        await fake_client(transport).send(SEND, before_sending=record)
    assert (calls, len(transport.requests)) == (1, 0)


async def test_each_path_needs_a_grant_of_its_own() -> None:
    grants = 0

    class Limiter(NoLimit):
        async def acquire(self, *scopes: Any, **how: Any) -> float:
            nonlocal grants
            grants += 1
            return 0.0

    transport = FakeTransport(NOT_FOUND, {"status": "1", "message": []})
    await fake_client(transport, limiter=Limiter()).send(ListLabels())
    assert (grants, len(transport.requests)) == (2, 2)


@pytest.mark.parametrize(
    ("code", "paused"),
    [
        (130429, [("number 1", 5)]),
        (80007, [("account", 5)]),
        (131057, [("number 1", 60)]),
        (131056, []),
        (131026, []),
    ],
)
async def test_a_refusal_in_words_pauses_as_far_as_its_advice_reaches(
    code: int, paused: list[tuple[str, float]]
) -> None:
    clock = ManualClock()
    client = WabotickClient(
        "1|" + "a" * 40,
        phone_number_id="1",
        pool=FakeTransport({"status": "0", "message": f"refused (#{code})"}),
        clock=clock,
        retry=RetryPolicy(attempts=1),
    )
    with pytest.raises(APIError):
        await client.send(SEND)
    assert isinstance(client.limiter, RateLimiter)
    assert [(str(scope), seconds) for scope, seconds, _ in client.limiter.pauses()] == paused


async def test_a_place_in_flight_is_given_back_once_however_the_search_for_a_path_ends() -> None:
    clock = ManualClock()
    limiter = RateLimiter(
        limits=Limits(rate=0.5, headroom=0.0, concurrency=4), clock=clock, call_later=clock.call_later
    )
    client = fake_client(FakeTransport(default=NOT_FOUND), limiter=limiter, clock=clock)
    for _ in range(3):
        task = asyncio.create_task(client.send(ListLabels()))
        await clock.advance(0.1)  # the first path is answered, and the second waits for its grant
        assert (limiter.in_flight, limiter.waiting) == (0, 1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await clock.advance(10.0)
        assert limiter.in_flight == 0
    task = asyncio.create_task(client.send(ListLabels(), deadline=1.0))
    await clock.advance(10.0)
    with pytest.raises(NotSentError):
        await task
    assert limiter.in_flight == 0
    assert limiter.window == 4
