"""What is tried again, how often and when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from wabotick_async import (
    AuthenticationError,
    GetSubscriber,
    NotSentError,
    OutcomeUnknownError,
    RateLimitedError,
    RetryPolicy,
    SendTemplate,
    Timeout,
    UpdateSubscriber,
    UploadMedia,
    WabotickError,
)
from wabotick_async.testing import FakeTransport, ManualClock, NoLimit, fake_client
from wabotick_async.transport import Exchange, Observers, Retry, RetryBudget
from wabotick_async.values import Secret
from wabotick_async.wire import DEFAULT_REFUSALS, HTTPAnswer

SAFE = GetSubscriber(phone_number="919800000000")
IDEMPOTENT = UpdateSubscriber(phone_number="919800000000", first_name="Ann")
UNSAFE = SendTemplate(phone_number="919800000000", template_id="48")
OK = {"status": "1", "message": "done"}


def http(status: int, body: bytes = b"", **headers: str) -> HTTPAnswer:
    return HTTPAnswer(status=status, headers={name.replace("_", "-"): one for name, one in headers.items()}, body=body)


def answer_429(**headers: str) -> HTTPAnswer:
    return http(429, b"", **headers)


# What fails -> how many posts SAFE, IDEMPOTENT and UNSAFE calls make of four allowed.
MATRIX: dict[str, tuple[Callable[[], Any], tuple[int, int, int]]] = {
    "not sent": (lambda: NotSentError("refused"), (4, 4, 4)),
    "not sent, fatal": (lambda: NotSentError("bad certificate", fatal=True), (1, 1, 1)),
    "unknown": (lambda: OutcomeUnknownError("reset"), (4, 4, 1)),
    "408": (lambda: http(408), (4, 4, 1)),
    "429": (lambda: http(429, retry_after="1"), (4, 4, 4)),
    "429, too long": (lambda: http(429, retry_after="301"), (1, 1, 1)),
    "500": (lambda: http(500), (4, 4, 1)),
    "502": (lambda: http(502, b"<html>"), (4, 4, 1)),
    "503": (lambda: http(503), (4, 4, 1)),
    "503, come back": (lambda: http(503, retry_after="1"), (4, 4, 4)),
    "503, too long": (lambda: http(503, retry_after="301"), (1, 1, 1)),
    "302": (lambda: http(302), (1, 1, 1)),
    "401": (lambda: http(401, b'{"message":"Unauthenticated."}'), (1, 1, 1)),
    "422": (lambda: http(422, b'{"message":"bad","errors":{"a":["b"]}}'), (1, 1, 1)),
    "refused": (lambda: {"status": "0", "message": "no"}, (1, 1, 1)),
    "a page": (lambda: b"<html>", (1, 1, 1)),
    "garbage": (lambda: b"\xff", (1, 1, 1)),
}


@pytest.mark.parametrize("kind", [0, 1, 2], ids=["safe", "idempotent", "unsafe"])
@pytest.mark.parametrize(("fault", "posts"), MATRIX.values(), ids=MATRIX)
async def test_what_is_tried_again(fault: Callable[[], Any], posts: tuple[int, int, int], kind: int) -> None:
    transport = FakeTransport(*(fault() for _ in range(6)))
    with pytest.raises(WabotickError) as caught:
        await fake_client(transport).send((SAFE, IDEMPOTENT, UNSAFE)[kind])
    assert len(transport.requests) == posts[kind]
    assert caught.value.attempts == posts[kind]


def exchange(transport: FakeTransport, clock: ManualClock, policy: RetryPolicy, wall: float = 0.0) -> Exchange:
    retry = Retry(policy, RetryBudget(policy.budget), clock=clock, sleep=clock.sleep, jitter=lambda: 0.5)
    parts: dict[str, Any] = {"refusals": DEFAULT_REFUSALS, "observers": Observers()}
    return Exchange(transport, NoLimit(), retry, clock=clock, wall_clock=lambda: wall, **parts)


async def slept(*answers: Any, wall: float = 0.0, **policy: Any) -> list[float]:
    clock = ManualClock(jump=True)
    one = exchange(FakeTransport(*answers), clock, RetryPolicy(**policy), wall)
    await one.send(UNSAFE, Secret("1|x"), phone_number_id="1", timeouts=Timeout())
    return clock.slept


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "7"}, 7),
        ({"retry_after": "-7"}, 0),
        ({"retry_after": "Thu, 01 Jan 1970 00:10:30 GMT"}, 30),
        ({"retry_after": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0),
        ({"retry_after": "soon"}, 60),
        ({"x_ratelimit_reset": "612"}, 12),
        ({}, 60),
    ],
)
async def test_the_wait_is_what_the_server_asks(headers: dict[str, str], seconds: float) -> None:
    assert await slept(answer_429(**headers), OK, wall=600.0) == [seconds]


async def test_backoff_doubles_with_full_jitter_up_to_the_cap() -> None:
    faults = [NotSentError("refused") for _ in range(5)]
    assert await slept(*faults, OK, attempts=9, base=1.0, cap=5.0) == [0.5, 1.0, 2.0, 2.5, 2.5]


async def test_no_try_begins_after_give_up() -> None:
    clock = ManualClock(jump=True)
    transport = FakeTransport(default=http(429, retry_after="50"))
    with pytest.raises(RateLimitedError) as caught:
        await fake_client(transport, clock=clock, retry=RetryPolicy(attempts=99, give_up_after=120.0)).send(UNSAFE)
    assert caught.value.attempts == 3
    assert clock.now == 1100


async def test_one_attempt_is_no_retry() -> None:
    transport = FakeTransport(default=NotSentError("refused"))
    with pytest.raises(NotSentError):
        await fake_client(transport).send(SAFE, retry=RetryPolicy(attempts=1))
    assert len(transport.requests) == 1


async def test_all_calls_of_a_client_share_the_budget() -> None:
    transport = FakeTransport(default=NotSentError("refused"))
    client = fake_client(transport, retry=RetryPolicy(base=0, budget=50))
    for one in (client, client.with_options(retry=RetryPolicy(base=0)), client):
        with pytest.raises(NotSentError):
            await one.send(SAFE)
    assert len(transport.requests) == 3 + 5


def test_a_success_gives_a_little_back() -> None:
    budget = RetryBudget(20)
    assert budget.spend()
    assert budget.spend()
    assert not budget.spend()
    for _ in range(10):
        budget.refund()
    assert repr(budget) == "RetryBudget(10 of 20)"
    assert budget.spend()
    for _ in range(30):
        budget.refund()
    assert budget.tokens == 20


async def test_a_stream_cannot_be_sent_again() -> None:
    async def stream() -> AsyncIterator[bytes]:
        yield b"x"

    transport = FakeTransport(default=NotSentError("refused"))
    with pytest.raises(NotSentError):
        await fake_client(transport).send(UploadMedia(file=stream(), file_name="a.png"))
    assert len(transport.requests) == 1
    with pytest.raises(NotSentError):
        await fake_client(transport).send(UploadMedia(file=b"x", file_name="a.png"))
    assert len(transport.requests) == 5


@pytest.mark.parametrize("earlier", [[], [NotSentError("refused")], [NotSentError("a"), NotSentError("b")]])
async def test_a_cancellation_passes_through(earlier: list[Exception]) -> None:
    transport = FakeTransport(*earlier, asyncio.CancelledError(), OK)
    with pytest.raises(asyncio.CancelledError):
        await fake_client(transport).send(SAFE)
    assert len(transport.requests) == len(earlier) + 1


async def test_a_backoff_can_be_cancelled() -> None:
    clock = ManualClock()
    transport = FakeTransport(http(429, retry_after="30"), OK)
    task = asyncio.create_task(fake_client(transport, clock=clock).send(UNSAFE))
    await clock.advance(10)
    task.cancel()
    await clock.advance(100)
    assert task.cancelled()
    assert len(transport.requests) == 1


async def test_another_error_on_the_way_is_raised_as_it_is() -> None:
    transport = FakeTransport(NotSentError("refused"), http(401, b'{"message":"Unauthenticated."}'))
    with pytest.raises(AuthenticationError) as caught:
        await fake_client(transport).send(SAFE)
    assert caught.value.attempts == 2
    transport = FakeTransport(NotSentError("refused"), KeyError("a bug"))
    with pytest.raises(KeyError, match="a bug"):
        await fake_client(transport).send(SAFE)
