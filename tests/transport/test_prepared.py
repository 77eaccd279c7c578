"""Requests that a client has prepared: they leave at once, or there is none."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import traceback
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.lanes import Lane
from tests.transport.tcp import Behaviour, Connection, TCPServer, answer, fine, hang, serving
from wabotick_async import (
    AttemptFinished,
    AuthenticationError,
    Event,
    ExpressPool,
    GuardedRequest,
    Limits,
    ListLabels,
    NotSentError,
    Outcome,
    OutcomeUnknownError,
    PauseBegan,
    RateLimitedError,
    RateLimiter,
    Request,
    RetryPolicy,
    SendTemplate,
    ServerError,
    SessionPool,
    Timeout,
    UnexpectedPageError,
    UploadMedia,
    WabotickClient,
    WabotickError,
)
from wabotick_async.testing import ManualClock, NoLimit
from wabotick_async.transport import Prepared
from wabotick_async.wire.http import HTTPRequest

TOKEN = "1|SECRETSECRETSECRETSECRETSECRET"
NUMBER = "109000000000001"
SEND = SendTemplate(phone_number="919800000000", template_id="48")
LIMITS = Limits(rate=10_000.0, burst=100, pair=None, concurrency=4)
ONCE = RetryPolicy(attempts=1)
FREE = (0, LIMITS.connections)
pytestmark = pytest.mark.usefixtures("lane")


class Stage:
    """A client that has sent a request to a server, and what its observers were told since."""

    def __init__(self, server: TCPServer, client: WabotickClient, events: list[Event], lines: list[Connection]) -> None:
        self.server, self.client, self.events, self.lines = server, client, events, lines

    @property
    def pool(self) -> SessionPool | ExpressPool:
        """Return the pool."""
        pool = self.client._pool
        assert isinstance(pool, SessionPool | ExpressPool)
        return pool

    @property
    def limiter(self) -> RateLimiter:
        """Return the limiter."""
        limiter = self.client.limiter
        assert isinstance(limiter, RateLimiter)
        return limiter

    @property
    def kept(self) -> list[Any]:
        """Return the connections that wait."""
        if isinstance(self.pool, ExpressPool):
            return [connection for idle in self.pool._idle.values() for connection, _ in idle._kept]
        kept = [connection for several in self._connector._conns.values() for connection, _ in several]
        return [connection for connection in kept if connection.is_connected()]

    @property
    def in_use(self) -> int:
        """Return how many connections are open and do not wait."""
        if isinstance(self.pool, ExpressPool):
            return len(self.pool._open) - len(self.kept)
        return len(self._connector._acquired)

    @property
    def free(self) -> int:
        """Return how many places are free."""
        if isinstance(self.pool, ExpressPool):
            return self.pool.places._free
        return self.pool._limits.connections - self.pool._under_way

    @property
    def _connector(self) -> Any:
        assert isinstance(self.pool, SessionPool)
        assert self.pool._session is not None
        return self.pool._session.connector

    @property
    def holds(self) -> tuple[int, int]:
        """Return how many grants are out, and how many places are free: `FREE` when all is given back."""
        return self.limiter.in_flight, self.free

    @property
    def finished(self) -> list[AttemptFinished]:
        """Return the attempts that ended."""
        return [event for event in self.events if isinstance(event, AttemptFinished)]

    def hang_up(self, on: Prepared) -> None:
        """Close the server's end of the connection that one will take, in this very moment."""
        flight: Any = on._flight
        transport = self.kept[0].transport if isinstance(self.pool, SessionPool) else flight._connection._transport
        ours = transport.get_extra_info("sockname")
        (line,) = [one for one in self.lines if one.writer.get_extra_info("peername") == ours]
        line.writer.get_extra_info("socket").shutdown(socket.SHUT_RDWR)

    def prepare(self) -> Prepared:
        """Return what must be there."""
        (prepared,) = self.client.prepare([SEND])
        return prepared


@contextlib.asynccontextmanager
async def staged(
    then: Behaviour = fine,
    *,
    opening: Request[Any] = SEND,
    kept: int = 1,
    first: bytes | None = None,
    **settings: Any,
) -> AsyncIterator[Stage]:
    """Answer the first request of each connection, and go on as told."""

    async def behave(connection: Connection) -> None:
        lines.append(connection)
        await connection.request()
        await connection.write(first or answer())
        await then(connection)

    lines: list[Connection] = []
    events: list[Event] = []
    defaults = {"api_token": TOKEN, "phone_number_id": NUMBER, "limits": LIMITS, "retry": ONCE}
    async with serving(behave) as server:
        client = WabotickClient(base_url=server.url, observers=[events.append], **{**defaults, **settings})
        async with client:
            await asyncio.gather(*(client.send(opening) for _ in range(kept)))
            server.arrived.clear()
            events.clear()
            yield Stage(server, client, events, lines)


async def left(prepared: Prepared) -> None:
    """Let it leave, and see that it says once that it has ended."""
    told: list[None] = []
    done = asyncio.Event()

    def tell(_: Prepared) -> None:
        told.append(None)
        done.set()

    prepared.leave(tell)
    async with asyncio.timeout(5):
        await done.wait()
    await asyncio.sleep(0)
    assert len(told) == 1


async def landed(prepared: Prepared) -> Any:
    """Let it leave, and return its receipt."""
    await left(prepared)
    return prepared.result()


def saying(reply: bytes) -> Behaviour:
    """Answer every request with the same."""

    async def say(connection: Connection) -> None:
        while True:
            await connection.request()
            await connection.write(reply)

    return say


async def closing(connection: Connection) -> None:
    """Read a request, and close."""
    await connection.request()


# --- there is none, and nothing is held


@pytest.mark.parametrize(
    "request_", [ListLabels(), UploadMedia(file=b"x", file_name="a.png")], ids=["other paths", "upload"]
)
async def test_none_for_a_request_of_another_kind(request_: Request[Any]) -> None:
    opening = request_ if isinstance(request_, ListLabels) else SEND
    async with staged(opening=opening, first=answer(b'{"status":"1","message":[]}')) as stage:
        assert stage.client.prepare([request_]) == []
        assert (stage.holds, len(stage.kept)) == (FREE, 1)


async def test_none_for_what_cannot_be_encoded() -> None:
    complete = SendTemplate(phone_number="919800000000", template_id="48", phone_number_id=NUMBER)
    async with staged(opening=complete, phone_number_id=None) as stage:
        assert stage.client.prepare([SEND]) == []
        assert (stage.holds, len(stage.kept)) == (FREE, 1)


@pytest.mark.parametrize("lane", ["express"], indirect=True)
async def test_none_while_sessions_are_mocked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged() as stage:
        monkeypatch.setattr(aiohttp.ClientSession, "_request", lambda *_: None)
        assert stage.client.prepare([SEND]) == []
        assert (stage.holds, len(stage.kept)) == (FREE, 1)


async def test_none_over_a_session_of_the_users_own() -> None:
    async with aiohttp.ClientSession(request_class=GuardedRequest) as session, staged(session=session) as stage:
        assert stage.client.prepare([SEND]) == []
        assert stage.holds == FREE


@pytest.mark.parametrize("lane", ["session"], indirect=True)
async def test_none_over_a_session_where_all_places_are_taken() -> None:
    async with staged(limits=Limits(rate=10_000.0, burst=100, pair=None, concurrency=1)) as stage:
        http = HTTPRequest(path="/api/v1/x", body=b"")
        reserve = stage.pool.runway(Timeout())
        assert reserve is not None
        flights = [reserve(http) for _ in range(stage.pool._limits.connections)]
        assert stage.client.prepare([SEND]) == []
        assert stage.limiter.in_flight == 0
        for flight in flights:
            assert flight is not None
            flight.call_off()
        stage.prepare().call_off()


async def test_it_opens_the_connection_that_is_missing() -> None:
    async with staged(first=answer(head=b"Connection: close\r\n")) as stage:
        await landed(stage.prepare())
        assert (stage.holds, stage.server.connections, len(stage.server.requests)) == (FREE, 2, 2)


async def test_what_finds_no_server_has_sent_nothing() -> None:
    client = WabotickClient(TOKEN, phone_number_id=NUMBER, base_url="http://127.0.0.1:9", limits=LIMITS)
    async with client:
        (prepared,) = client.prepare([SEND])
        with pytest.raises(NotSentError, match="nothing was sent"):
            await landed(prepared)
        assert Stage(TCPServer(fine), client, [], []).holds == FREE


async def test_none_with_a_limiter_that_only_waits() -> None:
    async with staged(limiter=NoLimit()) as stage:
        assert stage.client.prepare([SEND]) == []
        assert (stage.free, len(stage.kept)) == (LIMITS.connections, 1)


async def test_none_where_the_limiter_waits_and_what_was_asked_in_vain_costs_nothing() -> None:
    clock = ManualClock()
    async with staged(clock=clock, limits=Limits(rate=1.0, headroom=0.0, pair=None, concurrency=4)) as stage:
        for _ in range(3):
            assert stage.client.prepare([SEND]) == []
        assert (stage.holds, len(stage.kept)) == (FREE, 1)
        clock.now += 1.0
        stage.prepare().call_off()


async def test_none_in_a_pause() -> None:
    clock = ManualClock()
    async with staged(clock=clock) as stage:
        stage.limiter.pause(clock() + 5.0)
        assert stage.client.prepare([SEND]) == []
        assert (stage.holds, len(stage.kept)) == (FREE, 1)
        clock.now += 5.0
        stage.prepare().call_off()


async def test_none_where_no_more_may_be_in_flight() -> None:
    async with staged(limits=Limits(rate=10_000.0, burst=100, pair=None, concurrency=1)) as stage:
        first = stage.prepare()
        assert stage.client.prepare([SEND]) == []
        first.call_off()
        stage.prepare().call_off()


async def test_the_urgent_have_a_place_of_their_own() -> None:
    async with staged(limits=Limits(rate=10_000.0, burst=100, pair=None, concurrency=1)) as stage:
        urgent = stage.client.with_options(urgent=True)
        await asyncio.gather(urgent.send(SEND), urgent.send(SEND))
        first, (second,) = stage.prepare(), urgent.prepare([SEND])
        for one in (first, second):
            one.call_off()


# --- an answer


async def test_it_sends_what_send_sends_over_the_same_connection() -> None:
    async with staged() as stage:
        for _ in range(3):
            await landed(stage.prepare())
            assert (stage.holds, len(stage.kept)) == (FREE, 1)
        assert stage.server.connections == 1
        assert stage.server.requests == stage.server.requests[:1] * 4


async def test_while_it_is_there_it_holds_a_grant_and_a_place() -> None:
    async with staged() as stage:
        prepared = stage.prepare()
        assert stage.holds == (1, LIMITS.connections - 1)
        await left(prepared)
        assert stage.holds == (1, LIMITS.connections - 1)
        prepared.result()
        assert stage.holds == FREE


async def test_the_receipt_knows_how_it_came() -> None:
    clock = ManualClock()
    async with staged(saying(answer(b'{"status":"1","message":"done"}')), clock=clock) as stage:
        prepared = stage.prepare()
        clock.now += 2.0
        await left(prepared)
        clock.now += 7.0  # what it waits for being read is nobody's
        receipt = prepared.result()
    assert receipt.text == "done"
    assert (receipt.response.status, receipt.response.attempts, receipt.response.elapsed) == (200, 1, 2.0)
    assert receipt.response.headers["content-length"] == "31"


async def test_observers_are_told_of_one_attempt() -> None:
    clock = ManualClock()
    async with staged(clock=clock) as stage:
        prepared = stage.prepare()
        assert stage.events == []
        await left(prepared)
        clock.now += 7.0
        prepared.result()
    finished = AttemptFinished(
        endpoint="send_template", attempt=1, outcome=Outcome.ACCEPTED, status=200, waited=0.0, elapsed=0.0
    )
    assert stage.events == [finished]


async def test_a_success_gives_a_token_of_the_budget_back() -> None:
    async with staged() as stage:
        budget = stage.client._exchange.retry.budget
        assert budget.spend()
        before = budget.tokens
        await landed(stage.prepare())
        assert budget.tokens == before + 1


# --- refusals


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (answer(b'{"status":"0","message":"Invalid API token"}', status="401 Unauthorized"), AuthenticationError),
        (answer(b'{"status":"0","message":"no such template for %b"}' % TOKEN.encode()), WabotickError),
        (answer(b"", status="502 Bad Gateway"), ServerError),
        (answer(b"<html>Not Found</html>", status="404 Not Found"), UnexpectedPageError),
        (answer(b'{"status":'), WabotickError),
    ],
    ids=["401", "words that quote the token", "502", "page", "cut"],
)
async def test_a_refusal_is_the_same_error_as_from_send(reply: bytes, kind: type[WabotickError]) -> None:
    async with staged(saying(reply)) as stage:
        with pytest.raises(kind) as sent:
            await stage.client.send(SEND)
        with pytest.raises(kind) as prepared:
            await landed(stage.prepare())
        assert (stage.holds, stage.server.connections) == (FREE, 1)
        finished = [(one.attempt, one.outcome, one.status) for one in stage.finished]
        assert finished == finished[:1] * 2
    assert type(prepared.value) is type(sent.value)
    assert str(prepared.value) == str(sent.value)
    assert vars(prepared.value) == vars(sent.value)


async def test_an_error_names_endpoint_and_recipient_and_no_token() -> None:
    async with staged(saying(answer(b'{"status":"0","message":"no, %b"}' % TOKEN.encode()))) as stage:
        with pytest.raises(WabotickError) as caught:
            await landed(stage.prepare())
    error = caught.value
    assert (error.endpoint, error.attempts, error.outcome) == ("send_template", 1, Outcome.REFUSED)
    assert error.request is not None
    assert "…0000" in error.request
    assert "919800000000" not in error.request
    told = traceback.TracebackException.from_exception(error, capture_locals=True).format()
    assert "SECRET" not in f"{error!r} {vars(error)} {''.join(told)}"


async def test_an_error_hides_a_token_that_nobody_would_know_by_its_form() -> None:
    async with staged(saying(answer(b'{"status":"0","message":"no, 1|UNUSUAL"}')), api_token="1|UNUSUAL") as stage:
        with pytest.raises(WabotickError, match=r"no, \*\*\*") as caught:
            await landed(stage.prepare())
    assert "UNUSUAL" not in f"{caught.value!r} {vars(caught.value)}"


async def test_refusals_for_pace_pause_once_and_tell_it_once() -> None:
    clock = ManualClock()
    refusing = saying(answer(b"", status="429 Too Many Requests", head=b"Retry-After: 7\r\n"))
    async with staged(refusing, kept=2, clock=clock) as stage:
        two = [stage.prepare(), stage.prepare()]
        await asyncio.gather(*(left(one) for one in two))
        for one in two:
            with pytest.raises(RateLimitedError):
                one.result()
        assert [type(event) for event in stage.events] == [PauseBegan, AttemptFinished, AttemptFinished]
        assert stage.limiter.paused_for == 7.0
        assert stage.client.prepare([SEND]) == []
        assert stage.holds == FREE
        clock.now += 7.0
        stage.prepare().call_off()


# --- no answer


async def test_another_kept_connection_carries_what_was_not_written() -> None:
    async with staged(kept=2) as stage:
        prepared = stage.prepare()
        stage.hang_up(prepared)
        assert (await landed(prepared)).response.attempts == 1
        assert (stage.holds, len(stage.server.requests)) == (FREE, 3)
        assert [event.outcome for event in stage.finished] == [Outcome.ACCEPTED]


@pytest.mark.parametrize("lane", ["express"], indirect=True)
async def test_without_another_nothing_was_sent() -> None:
    async with staged() as stage:
        prepared = stage.prepare()
        stage.hang_up(prepared)
        with pytest.raises(NotSentError, match="send_template: nothing was sent") as caught:
            await landed(prepared)
        assert (caught.value.outcome, caught.value.attempts) == (Outcome.NOT_SENT, 1)
        assert (stage.holds, len(stage.server.requests)) == (FREE, 1)
        assert [(event.outcome, event.status) for event in stage.finished] == [(Outcome.NOT_SENT, None)]


@pytest.mark.parametrize("lane", ["session"], indirect=True)
async def test_a_session_without_another_opens_one() -> None:
    async with staged() as stage:
        prepared = stage.prepare()
        stage.hang_up(prepared)
        assert (await landed(prepared)).response.attempts == 1
        assert (stage.holds, len(stage.server.requests)) == (FREE, 2)


@pytest.mark.parametrize("then", [closing, hang], ids=["closed", "too late"])
async def test_what_left_and_was_not_answered_is_unknown(then: Behaviour) -> None:
    timeout = Timeout(connect=1.0, total=5.0 if then is closing else 0.01)
    async with staged(then) as stage:
        hurried = stage.client.with_options(timeout=timeout)
        (prepared,) = hurried.prepare([SEND])
        with pytest.raises(OutcomeUnknownError) as caught:
            await landed(prepared)
        assert (caught.value.endpoint, caught.value.attempts) == ("send_template", 1)
        assert (stage.holds, stage.kept) == (FREE, [])
        assert [(event.outcome, event.status) for event in stage.finished] == [(Outcome.UNKNOWN, None)]


async def test_an_answer_that_repeats_a_message_id_is_none() -> None:
    named = answer(b'{"status":"1","data":{"message_id":"wamid.HBgLOTE5"}}')
    async with staged(saying(named), first=named) as stage:
        with pytest.raises(OutcomeUnknownError, match="repeats an earlier one"):
            await landed(stage.prepare())
        assert (stage.holds, stage.kept) == (FREE, [])


# --- called off and abandoned


async def test_what_was_called_off_never_was() -> None:
    async with staged() as stage:
        stage.prepare().call_off()
        assert (stage.holds, len(stage.kept), stage.events) == (FREE, 1, [])
        await landed(stage.prepare())
        assert (stage.server.connections, len(stage.server.requests)) == (1, 2)


async def test_what_is_abandoned_is_unknown_and_frees_its_place() -> None:
    told: list[None] = []
    async with staged(hang) as stage:
        prepared = stage.prepare()
        prepared.leave(lambda _: told.append(None))
        await stage.server.arrival()
        prepared.abandon()
        if isinstance(stage.pool, ExpressPool):
            assert stage.holds == FREE
        assert [(event.outcome, event.status) for event in stage.finished] == [(Outcome.UNKNOWN, None)]
        await asyncio.sleep(0.001)
        assert (told, stage.kept, stage.in_use, stage.holds) == ([], [], 0, FREE)


async def test_what_is_abandoned_before_it_could_leave_does_not_leave() -> None:
    async with staged(hang) as stage:
        prepared = stage.prepare()
        prepared.leave(lambda _: None)
        prepared.abandon()
        await stage.client.close()
        assert (stage.holds, len(stage.server.requests)) == (FREE, 1)


@pytest.mark.parametrize("lane", ["session"], indirect=True)
async def test_a_session_that_closes_has_closed_what_was_abandoned() -> None:
    async with staged(hang) as stage:
        prepared = stage.prepare()
        prepared.leave(lambda _: None)
        await stage.server.arrival()
        prepared.abandon()
        await stage.client.close()
        assert stage.holds == FREE


@pytest.mark.parametrize("lane", ["session"], indirect=True)
async def test_what_others_called_off_on_its_way_is_unknown() -> None:
    async with staged(hang) as stage:
        prepared = stage.prepare()
        ended = asyncio.create_task(left(prepared))
        await stage.server.arrival()
        flight: Any = prepared._flight
        flight._carrier._task.cancel()
        await ended
        with pytest.raises(OutcomeUnknownError, match="called off"):
            prepared.result()
        assert (stage.holds, stage.kept) == (FREE, [])


@pytest.mark.parametrize("lane", ["session"], indirect=True)
async def test_what_ends_badly_after_it_was_abandoned_bothers_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    async def carried(*_: object) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise NotSentError("the client was closed") from None

    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    async with staged() as stage:
        monkeypatch.setattr(stage.pool, "carry", carried)
        prepared = stage.prepare()
        prepared.leave(lambda _: None)
        await asyncio.sleep(0)
        prepared.abandon()
        await asyncio.sleep(0.001)
        del prepared
        gc.collect()
        assert (stage.holds, complaints) == (FREE, [])


# --- the end of the client


async def test_a_client_that_was_closed_meanwhile_sends_nothing() -> None:
    async with staged() as stage:
        prepared = stage.prepare()
        await stage.client.close()
        with pytest.raises(NotSentError, match="nothing was sent"):
            await landed(prepared)
        assert (stage.holds, len(stage.server.requests)) == (FREE, 1)


async def test_closing_the_client_ends_what_is_under_way(lane: Lane) -> None:
    async with staged(hang) as stage:
        ended = asyncio.create_task(left(prepared := stage.prepare()))
        await stage.server.arrival()
        await stage.client.close()
        await ended
        with pytest.raises(OutcomeUnknownError, match="client was closed" if lane == "express" else "no answer"):
            prepared.result()
        assert stage.holds == FREE


# --- secrets, and another event loop


async def test_no_repr_shows_the_token() -> None:
    async with staged() as stage:
        prepared: Any = stage.prepare()
        parts = [prepared, *(getattr(prepared, name) for name in Prepared.__slots__)]
        parts += [getattr(prepared._flight, name, None) for name in type(prepared._flight).__slots__]
        assert "SECRET" not in "".join(map(repr, parts))
        prepared.call_off()


def test_it_leaves_on_uvloop() -> None:
    uvloop = pytest.importorskip("uvloop")

    async def play() -> None:
        async with staged() as stage:
            for _ in range(3):
                assert (await landed(stage.prepare())).response.status == 200
            assert (stage.holds, stage.server.connections) == (FREE, 1)

    uvloop.run(play())


@pytest.mark.parametrize("late", [0, 1], ids=["the first", "the second"])
async def test_a_refusal_that_is_read_late_pauses_from_when_it_came(late: int) -> None:
    clock = ManualClock()
    refusing = saying(answer(b"", status="429 Too Many Requests", head=b"Retry-After: 7\r\n"))
    async with staged(refusing, kept=2, clock=clock) as stage:
        two = [stage.prepare(), stage.prepare()]
        await asyncio.gather(*(left(one) for one in two))
        for number, one in enumerate(two):
            if number == late:
                clock.now += (3, 8)[late]
            with pytest.raises(RateLimitedError):
                one.result()
        assert len([event for event in stage.events if isinstance(event, PauseBegan)]) == 1
        assert stage.limiter.paused_for == (4, 0)[late]
