"""Requests on the express lane that nobody waits for in a task."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import http_parser

from tests.transport.tcp import CALL, SOON, Behaviour, Connection, TCPServer, answer, fine, hang, serving
from wabotick_async import DecodeError, ExpressPool, Limits, NotSentError, OutcomeUnknownError, Timeout
from wabotick_async.transport.express.connection import ExpressConnection
from wabotick_async.transport.express.flight import ExpressFlight
from wabotick_async.wire import HTTPAnswer, HTTPRequest, Multipart

LIMITS = Limits(concurrency=4, max_answer_bytes=1024)
BRIEF = Timeout(connect=1.0, total=0.01)
FILE = Multipart(fields={}, file_field="f", file=b"x", file_name="a", content_type="image/png")
NAMED = answer(b'{"status":"1","message_id":"wamid.HBgLOTE5"}')


def reserved(pool: ExpressPool, call: HTTPRequest, timeouts: Timeout) -> ExpressFlight | None:
    """Return what a pool has for a request at this moment."""
    reserve = pool.runway(timeouts)
    return None if reserve is None else reserve(call)


def connection_of(flight: ExpressFlight) -> ExpressConnection:
    """Return the connection that a flight has."""
    assert flight._connection is not None
    return flight._connection


class Stage:
    """A server, a pool that keeps connections to it, and what the loop complained of."""

    def __init__(self, server: TCPServer, pool: ExpressPool, lines: list[Connection]) -> None:
        self.server, self.pool, self.lines = server, pool, lines
        self.complaints: list[Any] = []

    @property
    def kept(self) -> list[Any]:
        """Return the connections that wait, the freshest last."""
        return [connection for connection, _ in next(iter(self.pool._idle.values()))._kept]

    @property
    def places(self) -> int:
        """Return how many places are free."""
        return self.pool.places._free

    def reserve(self, timeouts: Timeout = SOON, call: HTTPRequest = CALL) -> ExpressFlight:
        """Return what must be there."""
        flight = reserved(self.pool, call, timeouts)
        assert flight is not None
        return flight

    def hang_up(self, on: Any) -> None:
        """Close the server's end of a connection, in this very moment."""
        ours = on._transport.get_extra_info("sockname")
        (line,) = [one for one in self.lines if one.writer.get_extra_info("peername") == ours]
        line.writer.get_extra_info("socket").shutdown(socket.SHUT_RDWR)


@contextlib.asynccontextmanager
async def staged(then: Behaviour = fine, *, kept: int = 1, first: bytes | None = None) -> AsyncIterator[Stage]:
    """Answer the first request of each connection, and go on as told."""
    lines: list[Connection] = []

    async def behave(connection: Connection) -> None:
        lines.append(connection)
        await connection.request()
        await connection.write(first or answer())
        await then(connection)

    async with serving(behave) as server:
        pool = ExpressPool(server.url, limits=LIMITS)
        stage = Stage(server, pool, lines)
        asyncio.get_running_loop().set_exception_handler(lambda _, context: stage.complaints.append(context))
        try:
            await asyncio.gather(*(pool.post(CALL, SOON) for _ in range(kept)))
            server.requests.clear()
            server.arrived.clear()
            yield stage
        finally:
            await pool.close()
    assert stage.complaints == []


async def landed(flight: ExpressFlight) -> HTTPAnswer:
    """Let it leave, and return what was answered."""
    await left(flight)
    return flight.answer()


async def left(flight: ExpressFlight) -> None:
    """Let it leave, and see that it says once that it has ended."""
    told: list[None] = []
    done = asyncio.Event()

    def tell() -> None:
        told.append(None)
        done.set()

    flight.leave(tell)
    async with asyncio.timeout(5):
        await done.wait()
    await asyncio.sleep(0)
    assert len(told) == 1


async def closing(connection: Connection) -> None:
    """Read a request, and close."""
    await connection.request()


# --- there is none


async def test_none_for_an_address_that_is_none() -> None:
    pool = ExpressPool("http://127.0.0.1:99999", limits=LIMITS)
    assert reserved(pool, CALL, SOON) is None
    assert pool.places._free == LIMITS.connections
    await pool.close()


async def test_none_where_all_places_are_taken() -> None:
    async with staged() as stage:
        while stage.pool.places.take():
            pass
        assert reserved(stage.pool, CALL, SOON) is None
        assert len(stage.kept) == 1
        stage.pool.places.give_back()
        stage.reserve().call_off()


async def test_none_for_an_upload() -> None:
    async with staged() as stage:
        assert reserved(stage.pool, HTTPRequest(path=CALL.path, body=FILE), SOON) is None
        assert (stage.places, len(stage.kept)) == (LIMITS.connections, 1)


async def test_none_while_sessions_are_mocked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged() as stage:
        monkeypatch.setattr(aiohttp.ClientSession, "_request", lambda *_: None)
        assert reserved(stage.pool, CALL, SOON) is None
        monkeypatch.undo()
        stage.reserve().call_off()


async def test_none_without_what_the_lane_was_tested_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_parser, "HttpResponseParser", http_parser.HttpResponseParserPy)
    async with serving(fine) as server:
        pool = ExpressPool(server.url, limits=LIMITS)
        await pool.post(CALL, SOON)
        assert reserved(pool, CALL, SOON) is None
        await pool.close()


# --- an answer


async def test_it_sends_what_a_post_sends_and_keeps_the_connection() -> None:
    async with staged() as stage:
        await stage.pool.post(CALL, SOON)
        (connection,) = stage.kept
        for _ in range(3):
            assert (await landed(stage.reserve())).status == 200
            assert stage.kept == [connection]
        assert stage.server.requests == stage.server.requests[:1] * 4
        assert stage.places == LIMITS.connections


async def test_nothing_leaves_before_it_is_told() -> None:
    async with staged() as stage:
        flight = stage.reserve()
        await asyncio.sleep(0.002)
        assert stage.server.requests == []
        flight.call_off()


async def test_an_answer_that_ends_the_connection_is_one() -> None:
    async def last(connection: Connection) -> None:
        await connection.request()
        await connection.write(answer(head=b"Connection: close\r\n"))

    async with staged(last) as stage:
        assert (await landed(stage.reserve())).status == 200
        assert (stage.places, stage.kept) == (LIMITS.connections, [])


async def test_a_post_that_waits_for_a_place_gets_that_of_a_flight() -> None:
    async with staged(kept=LIMITS.connections) as stage:
        flights = [stage.reserve() for _ in range(LIMITS.connections)]
        waiting = asyncio.create_task(stage.pool.post(CALL, SOON))
        await asyncio.sleep(0)
        flights.pop().call_off()
        assert (await waiting).status == 200
        for flight in flights:
            flight.call_off()
        assert stage.places == LIMITS.connections


# --- no answer


async def twice(connection: Connection) -> None:
    """Answer once more than asked."""
    await connection.request()
    await connection.write(answer() + answer(b'{"status":"0"}'))
    await asyncio.sleep(1)


async def endless(connection: Connection) -> None:
    """Answer more than anybody reads."""
    await connection.request()
    await connection.write(answer(b"x" * 5000))
    await asyncio.sleep(1)


async def resetting(connection: Connection) -> None:
    """Read a request, and reset."""
    await connection.request()
    connection.reset()


@pytest.mark.parametrize(
    ("then", "error"),
    [
        (closing, OutcomeUnknownError),
        (resetting, OutcomeUnknownError),
        (twice, OutcomeUnknownError),
        (endless, DecodeError),
    ],
)
async def test_what_left_and_was_not_answered_is_unknown_and_takes_no_other(
    then: Behaviour, error: type[Exception]
) -> None:
    async with staged(then, kept=2) as stage:
        other = stage.kept[:1]
        await left(flight := stage.reserve())
        with pytest.raises(error):
            flight.answer()
        await asyncio.sleep(0)
        assert len(stage.server.requests) == 1
        assert (stage.places, stage.kept, list(stage.pool._open)) == (LIMITS.connections, other, other)


async def test_its_time_is_bounded() -> None:
    async with staged(hang, kept=2) as stage:
        other = stage.kept[:1]
        with pytest.raises(OutcomeUnknownError, match="time for the whole attempt"):
            await landed(stage.reserve(BRIEF))
        await asyncio.sleep(0)
        assert (stage.places, stage.kept, list(stage.pool._open)) == (LIMITS.connections, other, other)


async def test_what_was_answered_cannot_expire() -> None:
    async with staged() as stage:
        await left(flight := stage.reserve())
        assert stage.pool.deadlines._waiting == {}
        assert flight.answer().status == 200


async def test_an_answer_that_repeats_a_message_id_is_none() -> None:
    unsafe = msgspec.structs.replace(CALL, unsafe=True)

    async def repeats(connection: Connection) -> None:
        while True:
            await connection.request()
            await connection.write(NAMED)

    async with staged(repeats) as stage:
        assert (await landed(stage.reserve(call=unsafe))).status == 200
        with pytest.raises(OutcomeUnknownError, match="repeats an earlier one"):
            await landed(stage.reserve(call=unsafe))
        assert (stage.places, stage.kept) == (LIMITS.connections, [])


# --- a connection that died


async def test_another_kept_connection_carries_what_was_not_written() -> None:
    async with staged(kept=3) as stage:
        oldest, *dead = stage.kept
        flight = stage.reserve()
        for connection in dead:
            stage.hang_up(connection)
        assert (await landed(flight)).status == 200
        assert len(stage.server.requests) == 1
        assert (stage.places, stage.kept) == (LIMITS.connections, [oldest])


async def test_without_another_nothing_was_sent() -> None:
    async with staged(kept=2) as stage:
        flight = stage.reserve()
        for connection in (flight._connection, *stage.kept):
            stage.hang_up(connection)
        with pytest.raises(NotSentError, match="nothing was sent") as caught:
            await landed(flight)
        assert not caught.value.fatal
        await asyncio.sleep(0)
        assert stage.server.requests == []
        assert (stage.places, stage.kept, stage.pool._open) == (LIMITS.connections, [], {})


# --- called off and abandoned


async def test_what_was_called_off_leaves_its_connection_to_the_next() -> None:
    async with staged() as stage:
        flight = stage.reserve()
        flight.call_off()
        assert (await landed(stage.reserve())).status == 200
        assert (stage.server.connections, len(stage.server.requests)) == (1, 1)
        assert stage.places == LIMITS.connections


async def just_left(stage: Stage, flight: ExpressFlight, tell: Callable[[], None]) -> None:
    flight.leave(tell)


async def under_way(stage: Stage, flight: ExpressFlight, tell: Callable[[], None]) -> None:
    flight.leave(tell)
    await stage.server.arrival()


async def over(stage: Stage, flight: ExpressFlight, tell: Callable[[], None]) -> None:
    await left(flight)


@pytest.mark.parametrize(
    ("when", "then"),
    [(just_left, fine), (under_way, hang), (over, fine), (over, closing)],
    ids=lambda one: one.__name__,
)
async def test_what_is_abandoned_frees_its_place_and_says_nothing_more(when: Any, then: Behaviour) -> None:
    told: list[None] = []
    async with staged(then) as stage:
        flight = stage.reserve()
        connection: Any = flight._connection
        await when(stage, flight, lambda: told.append(None))
        flight.abandon()
        assert connection.is_closing
        assert stage.places == LIMITS.connections
        del flight, connection
        await asyncio.sleep(0.002)
        gc.collect()
        assert (stage.complaints, told, stage.kept, stage.pool._open) == ([], [], [], {})
        assert stage.pool.deadlines._waiting == {}


# --- the end of the pool


async def test_a_flight_on_a_closed_pool_sends_nothing() -> None:
    async with staged() as stage:
        flight = stage.reserve()
        await stage.pool.close()
        with pytest.raises(NotSentError, match="nothing was sent"):
            await landed(flight)
        assert stage.server.requests == []


async def test_closing_ends_what_is_not_written_yet() -> None:
    told: list[None] = []
    async with staged() as stage:
        flight = stage.reserve()
        flight.leave(lambda: told.append(None))
        await stage.pool.close()
        assert told == [None]
        with pytest.raises(NotSentError, match="client was closed"):
            flight.answer()
        assert (stage.places, stage.server.requests) == (LIMITS.connections, [])


async def test_closing_ends_what_is_under_way() -> None:
    async with staged(hang) as stage:
        ended = asyncio.create_task(left(flight := stage.reserve()))
        await stage.server.arrival()
        await stage.pool.close()
        await ended
        with pytest.raises(OutcomeUnknownError, match="client was closed"):
            flight.answer()


# --- another event loop


def test_it_flies_on_uvloop() -> None:
    uvloop = pytest.importorskip("uvloop")

    async def play() -> None:
        async with staged() as stage:
            for _ in range(3):
                assert (await landed(stage.reserve())).status == 200
            assert stage.server.connections == 1

    uvloop.run(play())


# --- where no connection is kept


@contextlib.asynccontextmanager
async def alone(url: str) -> AsyncIterator[ExpressPool]:
    """Make a pool that has no connection yet."""
    pool = ExpressPool(url, limits=LIMITS)
    yield pool
    await pool.close()


def first_of(pool: ExpressPool, timeouts: Timeout = SOON, call: HTTPRequest = CALL) -> ExpressFlight:
    """Return a flight that opens its connection as it leaves."""
    flight = reserved(pool, call, timeouts)
    assert flight is not None
    assert flight._connection is None
    return flight


async def test_it_opens_the_connection_that_is_missing_and_keeps_it() -> None:
    async with serving(fine) as server, alone(server.url) as pool:
        flight = first_of(pool)
        assert server.connections == 0
        assert (await landed(flight)).status == 200
        again = reserved(pool, CALL, SOON)
        assert again is not None
        assert (await landed(again)).status == 200
        assert (server.connections, pool.places._free) == (1, LIMITS.connections)


async def test_a_new_path_has_a_flight_of_its_own() -> None:
    async with staged() as stage:
        assert (await landed(stage.reserve(call=msgspec.structs.replace(CALL, path="/api/v1/other")))).status == 200
        assert (stage.server.connections, stage.places) == (1, LIMITS.connections)


async def test_calling_off_before_there_is_a_connection_opens_none() -> None:
    async with serving(fine) as server, alone(server.url) as pool:
        first_of(pool).call_off()
        await asyncio.sleep(0.002)
        assert (server.connections, pool.places._free) == (0, LIMITS.connections)


async def test_a_server_that_cannot_be_reached_has_got_nothing() -> None:
    async with alone("http://127.0.0.1:9") as pool:
        with pytest.raises(NotSentError, match="nothing was sent"):
            await landed(first_of(pool))
        assert pool.places._free == LIMITS.connections


async def test_what_is_abandoned_before_it_is_connected_says_nothing_and_sends_nothing() -> None:
    told: list[None] = []
    async with serving(fine) as server, alone(server.url) as pool:
        flight = first_of(pool)
        flight.leave(lambda: told.append(None))
        await asyncio.sleep(0)
        flight.abandon()
        await asyncio.sleep(0.005)
        assert (told, server.requests, pool.places._free) == ([], [], LIMITS.connections)


async def test_somebody_who_ends_all_tasks_ends_it_unsent() -> None:
    async with serving(fine) as server, alone(server.url) as pool:
        flight = first_of(pool)
        landing = asyncio.create_task(landed(flight))
        await asyncio.sleep(0)
        assert flight._opening is not None
        flight._opening.cancel()
        with pytest.raises(NotSentError, match="called off before there was a connection"):
            await landing
        assert (server.requests, pool.places._free) == ([], LIMITS.connections)


async def test_a_pool_that_is_closed_meanwhile_has_sent_nothing() -> None:
    async with serving(fine) as server:
        pool = ExpressPool(server.url, limits=LIMITS)
        landing = asyncio.create_task(landed(first_of(pool)))
        await asyncio.sleep(0)
        await pool.close()
        with pytest.raises(NotSentError, match="closed"):
            await landing
        assert server.requests == []


# --- between two owners


async def test_what_is_abandoned_in_the_moment_of_its_answer_says_nothing_more() -> None:
    told: list[None] = []
    async with staged(hang) as stage:
        flight = stage.reserve()
        flight.leave(lambda: told.append(None))
        await stage.server.arrival()
        connection_of(flight).data_received(answer())
        connection_of(flight).read()
        assert told == [None]
        flight.abandon()
        await asyncio.sleep(0.002)
        assert told == [None]


async def test_what_is_abandoned_before_its_answer_is_read_says_nothing() -> None:
    told: list[None] = []
    async with staged(hang) as stage:
        flight = stage.reserve()
        flight.leave(lambda: told.append(None))
        await stage.server.arrival()
        connection_of(flight).data_received(answer())
        flight.abandon()
        await asyncio.sleep(0.002)
        assert told == []


async def test_what_is_abandoned_as_its_connection_turns_out_dead_never_leaves() -> None:
    told: list[None] = []
    async with staged(kept=2) as stage:
        flight = stage.reserve()
        stage.hang_up(flight._connection)
        flight.leave(lambda: told.append(None))
        asyncio.get_running_loop().call_soon(flight.abandon)
        await asyncio.sleep(0.005)
        assert (stage.server.requests, told) == ([], [])


async def test_calling_off_keeps_a_connection_no_longer_than_the_server_does() -> None:
    async with staged(first=answer(head=b"Keep-Alive: timeout=3\r\n")) as stage:
        (idle,) = stage.pool._idle.values()
        ((_, until),) = idle._kept
        stage.reserve().call_off()
        ((_, later),) = idle._kept
        assert later <= until


async def test_calling_off_after_the_end_keeps_nothing() -> None:
    async with staged() as stage:
        flight = stage.reserve()
        await stage.pool.close()
        flight.call_off()
        (idle,) = stage.pool._idle.values()
        assert (stage.kept, idle._timer is None or idle._timer.cancelled()) == ([], True)


async def test_none_once_it_is_closed() -> None:
    async with staged() as stage:
        await stage.pool.close()
        assert reserved(stage.pool, CALL, SOON) is None
