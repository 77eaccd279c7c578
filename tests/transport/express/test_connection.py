"""One connection, step by step, without a network."""

from __future__ import annotations

import asyncio
import select
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest

from tests.transport.express.made import CALL, HEAD, MOST, made
from tests.transport.tcp import answer
from wabotick_async import NotSentError, OutcomeUnknownError
from wabotick_async.transport.express.connection import EAGER, ExpressConnection
from wabotick_async.transport.express.inbox import Inbox
from wabotick_async.transport.express.outbox import Outbox
from wabotick_async.transport.guard import StaleConnectionError
from wabotick_async.wire import HTTPRequest, Multipart

REQUEST = HEAD + b"10\r\n\r\nmessage=hi"


async def test_a_request_is_written_in_one_go() -> None:
    with made() as one:
        waiter = one.ask()
        assert one.transport.written == [REQUEST]
        one.connection.data_received(answer(b"{}"))
        assert (await waiter).body == b"{}"
        assert one.connection.may_be_kept
        assert not one.connection.is_ambiguous


async def test_a_second_request_knows_nothing_of_the_first() -> None:
    with made() as one:
        for body in (b"first", b"second"):
            waiter = one.ask()
            one.connection.data_received(answer(body))
            assert (await waiter).body == body
        assert one.transport.written == [REQUEST] * 2


async def test_an_upload_is_none_of_its_business() -> None:
    body = Multipart(fields={}, file_field="f", file=b"", file_name="a", content_type="image/png")
    with made() as one:
        with pytest.raises(TypeError, match="a form"):
            one.connection.ask(HEAD, HTTPRequest(path="/a", body=body), print)
        assert one.transport.written == []


async def test_bytes_before_any_request_close_it() -> None:
    with made() as one:
        assert one.connection.is_silent()
        one.connection.data_received(answer(b"{}"))
        assert one.transport.aborted
        assert not one.connection.is_silent()


async def test_bytes_after_an_answer_close_it_and_make_that_answer_ambiguous() -> None:
    with made() as one:
        waiter = one.ask()
        one.connection.data_received(answer(b"{}"))
        one.connection.read()
        one.connection.data_received(b"H")
        assert (await waiter).body == b"{}"
        assert one.transport.aborted
        assert one.connection.is_ambiguous
        assert not one.connection.may_be_kept


async def test_bytes_after_an_answer_of_the_same_turn_of_the_loop_make_it_ambiguous() -> None:
    with made() as one:
        waiter = one.ask()
        one.connection.data_received(answer(b"{}"))
        one.connection.data_received(b"H")
        assert (await waiter).body == b"{}"
        assert one.connection.is_ambiguous
        assert not one.connection.may_be_kept


@pytest.mark.parametrize("how", ["expire", "connection_lost", "abort"])
async def test_what_came_before_the_end_is_read(how: str) -> None:
    with made() as one:
        waiter = one.ask()
        one.connection.data_received(answer(b"{}"))
        assert not waiter.done()
        if how == "connection_lost":
            one.connection.connection_lost(None)
        else:
            getattr(one.connection, how)()
        assert (await waiter).body == b"{}"


async def test_answers_of_one_turn_of_the_loop_are_read_together() -> None:
    with made() as one, made() as two:
        waiters = one.ask(), two.ask()
        for each in (one, two):
            each.connection.data_received(answer(b"{}"))
        assert not any(waiter.done() for waiter in waiters)
        await asyncio.sleep(0)
        assert all(waiter.done() for waiter in waiters)


@pytest.mark.parametrize("poll", [True, False], ids=["poll", "select"])
async def test_what_the_loop_has_not_read_yet_is_heard(poll: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not poll:
        monkeypatch.delattr(select, "poll")
    with made() as one:
        assert one.connection.is_silent()
        one.server.send(b"H")
        assert not one.connection.is_silent()


async def test_an_end_that_the_loop_has_not_read_yet_is_heard() -> None:
    with made() as one:
        one.server.close()
        assert not one.connection.is_silent()


@pytest.mark.parametrize("how", ["closing", "lost", "no socket"])
async def test_a_closed_connection_is_not_silent(how: str) -> None:
    with made() as one:
        connection = one.connection
        if how == "closing":
            one.transport.closing = True
        elif how == "lost":
            connection.connection_lost(None)
        else:
            loop = asyncio.get_running_loop()
            bare: Any = SimpleNamespace(get_extra_info=lambda _: None, is_closing=lambda: False)
            connection = ExpressConnection(loop, bare, Outbox(loop), Inbox(loop), most=MOST, lost=print)
        assert not connection.is_silent()


async def test_an_answer_before_the_request_has_left_closes_the_connection_behind_it() -> None:
    with made() as one:
        waiter = one.ask()
        one.transport.unsent = 1
        one.connection.data_received(answer(b"", status="413 Too Large"))
        assert (await waiter).status == 413
        assert not one.connection.may_be_kept


async def test_an_end_ends_an_answer_without_a_length() -> None:
    with made() as one:
        waiter = one.ask()
        one.connection.data_received(b"HTTP/1.0 200 OK\r\n\r\n{}")
        assert not waiter.done()
        one.connection.eof_received()
        one.connection.connection_lost(None)
        assert (await waiter).body == b"{}"
        assert not one.connection.may_be_kept


@pytest.mark.parametrize(
    ("error", "cause"),
    [(None, aiohttp.ServerDisconnectedError), (ConnectionResetError(104, "reset"), aiohttp.ClientOSError)],
    ids=["fin", "reset"],
)
async def test_an_end_in_place_of_an_answer(error: Exception | None, cause: type[Exception]) -> None:
    with made() as one:
        waiter = one.ask()
        one.connection.connection_lost(error)
        with pytest.raises(OutcomeUnknownError) as caught:
            await waiter
        assert isinstance(caught.value.__cause__, cause)
        assert one.lost == [one.connection]


async def test_its_time_is_over() -> None:
    with made() as one:
        waiter = one.ask()
        one.connection.data_received(b"HTTP/1.1 200 OK\r\nContent-Le")
        one.connection.expire()
        with pytest.raises(OutcomeUnknownError) as caught:
            await waiter
        assert isinstance(caught.value.__cause__, TimeoutError)
        assert one.transport.aborted


async def test_its_time_is_over_below_a_refusal() -> None:
    with made() as one:
        waiter = one.ask()
        one.connection.data_received(answer(b"x" * 50, status="422 No")[:-10])
        one.connection.expire()
        assert (await waiter).body == b"x" * 40
        assert not one.connection.may_be_kept


async def test_nobody_waits_any_more() -> None:
    with made() as one:
        waiter = one.ask()
        waiter.cancel()
        one.connection.abort()
        one.connection.data_received(answer(b"{}"))
        one.connection.connection_lost(None)
        assert waiter.cancelled()
        assert one.lost == [one.connection]


async def test_a_body_is_not_in_its_frames() -> None:
    with made() as one:
        one.prepare().cancel()
        frames: Any = one.connection.ask.__code__.co_varnames
        assert set(frames) == {"self", "head", "call", "told", "unless"}
        assert "message" not in repr(CALL)


# --- between asking and writing


async def test_nothing_leaves_before_the_turn_of_the_loop_ends() -> None:
    with made() as one, made() as two:
        waiters = one.prepare(), two.prepare()
        assert one.transport.written == two.transport.written == []
        await asyncio.sleep(0)
        assert one.transport.written == two.transport.written == [REQUEST]
        for each in waiters:
            each.cancel()


@pytest.mark.parametrize("new", [True, False], ids=["new", "kept"])
@pytest.mark.parametrize("what", ["spoke", "spoke, not read yet", "closing", "lost"])
async def test_a_connection_that_goes_wrong_before_the_request_is_written_carries_nothing(what: str, new: bool) -> None:
    with made() as one:
        if not new:
            first = one.ask()
            one.connection.data_received(answer(b"{}"))
            await first
        before = len(one.transport.written)
        waiter = one.prepare()
        if what == "spoke":
            one.connection.data_received(answer(b'{"status":"1"}'))
        elif what == "spoke, not read yet":
            one.server.send(answer(b'{"status":"1"}'))
        elif what == "closing":
            one.transport.closing = True
        else:
            one.connection.connection_lost(None)
        await asyncio.sleep(0)
        # The request may go over another kept connection. New ones that speak first would never come to an end.
        with pytest.raises(NotSentError if new else StaleConnectionError, match=EAGER if new else "spoke out of turn"):
            await waiter
        assert len(one.transport.written) == before
        assert what == "lost" or one.transport.is_closing()


async def test_a_request_that_was_called_off_before_it_was_written_never_leaves() -> None:
    with made() as one:
        one.prepare().cancel()
        await asyncio.sleep(0)
        assert one.transport.written == []


async def test_a_request_whose_time_is_over_before_it_was_written_was_not_sent() -> None:
    with made() as one:
        waiter = one.prepare()
        one.connection.expire()
        with pytest.raises(NotSentError, match="time for the whole attempt is over"):
            await waiter
        await asyncio.sleep(0)
        assert one.transport.written == []


async def test_nobody_knows_what_a_broken_transport_has_written_and_the_others_leave() -> None:
    with made() as one, made() as two:
        one.transport.broken = OSError("broken")
        broken, fine = one.prepare(), two.prepare()
        await asyncio.sleep(0)
        with pytest.raises(OutcomeUnknownError):
            await broken
        assert two.transport.written == [REQUEST]
        fine.cancel()
