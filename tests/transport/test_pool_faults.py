"""What becomes of a request when the network fails, each fault made on loopback with a raw server."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
import ssl
import time
import traceback
from collections.abc import Callable

import aiohttp
import msgspec
import pytest
import trustme
from aiohttp.http_exceptions import HttpProcessingError

from tests.lanes import SESSION_ONLY
from tests.transport.tcp import CALL, SOON, Behaviour, Connection, answer, fine, hang, pooled, serving
from wabotick_async import (
    ConfigurationError,
    DecodeError,
    GuardedRequest,
    Limits,
    NotSentError,
    OutcomeUnknownError,
    Timeout,
)
from wabotick_async.transport import ExpressPool, SessionPool, guard
from wabotick_async.transport.express.connection import ExpressConnection
from wabotick_async.wire import HTTPRequest, Multipart

pytestmark = pytest.mark.usefixtures("way")

SHORT = Timeout(connect=2.0, total=0.1)
FAST = Timeout(connect=0.1, total=2.0)


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def trust(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def serve_as(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


# --- before the first byte


async def not_sent(pool: SessionPool | ExpressPool, timeouts: Timeout = SOON) -> NotSentError:
    with pytest.raises(NotSentError) as caught:
        await pool.post(CALL, timeouts)
    assert caught.value.__cause__ is not None
    return caught.value


async def test_dns_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", fails)
    async with pooled("https://no-such-host.invalid") as pool:
        error = await not_sent(pool)
    assert isinstance(error.__cause__, aiohttp.ClientConnectorDNSError)
    assert not error.fatal


async def test_refused() -> None:
    async with pooled(f"http://127.0.0.1:{free_port()}") as pool:
        error = await not_sent(pool)
    assert isinstance(error.__cause__, aiohttp.ClientConnectorError)
    assert not error.fatal


@pytest.mark.parametrize("timeouts", [FAST, SHORT], ids=["connect", "total"])
async def test_nobody_takes_the_connection(timeouts: Timeout) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fill = [socket.socket() for _ in range(4)]
        for sock in fill:
            sock.setblocking(False)
            sock.connect_ex(listener.getsockname())
        async with pooled(f"http://127.0.0.1:{listener.getsockname()[1]}") as pool:
            error = await not_sent(pool, timeouts)
        for sock in fill:
            sock.close()
    assert isinstance(error.__cause__, TimeoutError)


@pytest.mark.parametrize("timeouts", [FAST, SHORT], ids=["connect", "total"])
async def test_the_pool_is_full(timeouts: Timeout) -> None:
    async with serving(hang) as server, pooled(server.url, limits=Limits(concurrency=1)) as pool:
        busy = [asyncio.create_task(pool.post(CALL, SOON)) for _ in range(Limits(concurrency=1).connections)]
        for _ in busy:
            await server.arrival()
        error = await not_sent(pool, timeouts)
        for one in busy:
            one.cancel()
        await asyncio.wait(busy)
    assert isinstance(error.__cause__, TimeoutError)
    assert len(server.requests) == len(busy)


@pytest.mark.parametrize(("name", "trusted"), [("localhost", False), ("wrong.example", True)])
async def test_a_certificate_is_bad(authority: trustme.CA, trust: ssl.SSLContext, name: str, trusted: bool) -> None:
    async with (
        serving(fine, serve_as(authority, name)) as server,
        pooled(server.url, ssl_context=trust if trusted else None) as pool,
    ):
        error = await not_sent(pool)
        assert server.requests == []
    assert error.fatal


async def test_tls_meets_a_plain_port() -> None:
    async def plain(connection: Connection) -> None:
        await connection.reader.read(100)
        await connection.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with serving(plain) as server, pooled(server.url.replace("http:", "https:")) as pool:
        error = await not_sent(pool)
    assert error.fatal


async def tls_fin(connection: Connection) -> None:
    await connection.reader.read(100)


async def tls_reset(connection: Connection) -> None:
    await connection.reader.read(100)
    connection.reset()


async def tls_hang(connection: Connection) -> None:
    await asyncio.sleep(30)


@pytest.mark.parametrize("behave", [tls_fin, tls_reset, tls_hang])
@pytest.mark.parametrize("timeouts", [FAST, SHORT], ids=["connect", "total"])
async def test_a_handshake_breaks_off(behave: Behaviour, timeouts: Timeout) -> None:
    async with serving(behave) as server, pooled(server.url.replace("http:", "https:")) as pool:
        error = await not_sent(pool, timeouts)
    assert not error.fatal


async def test_the_proxy_is_away() -> None:
    async with serving(fine) as server, pooled(server.url, proxy=f"http://127.0.0.1:{free_port()}") as pool:
        await not_sent(pool)
        assert server.requests == []


async def tunnel(connection: Connection) -> None:
    """Do as a proxy does when it is asked for a tunnel."""
    head = await connection.reader.readuntil(b"\r\n\r\n")
    connection.server.requests.append((head, b""))
    reader, writer = await asyncio.open_connection("127.0.0.1", int(head.split(b" ")[1].rpartition(b":")[2]))

    async def carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65_536):
                target.write(data)
        finally:
            target.close()

    await connection.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
    await asyncio.gather(carry(connection.reader, writer), carry(reader, connection.writer))


@pytest.mark.parametrize("known", [True, False], ids=["trusted", "not trusted"])
async def test_tls_goes_through_a_proxy_unseen(authority: trustme.CA, trust: ssl.SSLContext, known: bool) -> None:
    async with (
        serving(fine, serve_as(authority, "localhost")) as server,
        serving(tunnel) as proxy,
        pooled(
            server.url,
            proxy=proxy.url.replace("//", "//user:word@") if known else proxy.url,
            ssl_context=trust if known else None,
        ) as pool,
    ):
        if not known:
            assert (await not_sent(pool)).fatal
        else:
            for _ in range(2):
                assert (await pool.post(CALL, SOON)).status == 200
        assert len(server.requests) == 2 * known
        assert len(proxy.requests) == 1
        assert (b"Proxy-Authorization: Basic" in proxy.requests[0][0]) is known
        assert b"apiToken" not in proxy.requests[0][0]


async def test_no_file_descriptor_is_left() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with serving(fine) as server, pooled(server.url) as pool:
        lowest = os.open(os.devnull, os.O_RDONLY)
        os.close(lowest)
        used = max(int(name) for name in os.listdir("/proc/self/fd"))
        holes = [os.open(os.devnull, os.O_RDONLY) for _ in range(used - lowest)]
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
        try:
            await not_sent(pool)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            for descriptor in holes:
                os.close(descriptor)
        assert (await pool.post(CALL, SOON)).status == 200


# --- after the first byte


async def fin_unread(connection: Connection) -> None:
    await connection.reader.read(1)  # a connection that is closed before anything left carries nothing


async def reset_unread(connection: Connection) -> None:
    await connection.reader.read(1)
    connection.reset()


async def fin_read(connection: Connection) -> None:
    await connection.request()


async def reset_read(connection: Connection) -> None:
    await connection.request()
    connection.reset()


async def half_close(connection: Connection) -> None:
    await connection.request()
    connection.writer.write_eof()
    await asyncio.sleep(0.3)


async def drip(connection: Connection) -> None:
    await connection.request()
    for byte in answer():
        await connection.write(bytes([byte]))
        await asyncio.sleep(0.02)


def saying(data: bytes) -> Behaviour:
    async def say(connection: Connection) -> None:
        await connection.request()
        await connection.write(data)
        await asyncio.sleep(0.02)

    return say


UNREADABLE = (aiohttp.ClientResponseError, HttpProcessingError)  # the session's word for it, and the parser's own
AFTER: dict[str, tuple[Behaviour, Timeout, type[Exception] | tuple[type[Exception], ...]]] = {
    "fin, unread": (fin_unread, SOON, aiohttp.ClientError),
    "reset, unread": (reset_unread, SOON, aiohttp.ClientError),
    "fin": (fin_read, SOON, aiohttp.ServerDisconnectedError),
    "reset": (reset_read, SOON, aiohttp.ClientOSError),
    "half-close": (half_close, SOON, aiohttp.ServerDisconnectedError),
    "silence": (hang, SHORT, TimeoutError),
    "drip": (drip, SHORT, TimeoutError),
    "half a status line": (saying(b"HTTP/1.1 20"), SOON, aiohttp.ServerDisconnectedError),
    "cut header": (saying(b"HTTP/1.1 200 OK\r\nContent-Ty"), SOON, aiohttp.ServerDisconnectedError),
    "cut body": (saying(answer(b"x" * 50)[:-10]), SOON, aiohttp.ClientPayloadError),
    "cut chunk": (
        saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1f\r\n{"),
        SOON,
        aiohttp.ClientPayloadError,
    ),
    "broken gzip": (saying(answer(b"hello", head=b"Content-Encoding: gzip\r\n")), SOON, aiohttp.ClientPayloadError),
    "garbage": (saying(b"\x16\x03\x01garbage\r\n\r\n"), SOON, UNREADABLE),
    "a long header": (
        saying(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 20_000 + b"\r\n\r\n"),
        SOON,
        UNREADABLE,
    ),
    "many headers": (saying(answer(head=b"X: 1\r\n" * 500)), SOON, UNREADABLE),
    "two lengths": (saying(answer(b"{}", head=b"Content-Length: 5\r\n")), SOON, UNREADABLE),
}


@pytest.mark.parametrize(("behave", "timeouts", "cause"), AFTER.values(), ids=AFTER)
async def test_after_the_first_byte_the_outcome_is_unknown(
    behave: Behaviour, timeouts: Timeout, cause: type[Exception] | tuple[type[Exception], ...]
) -> None:
    async with serving(behave) as server, pooled(server.url) as pool:
        with pytest.raises(OutcomeUnknownError) as caught:
            await pool.post(CALL, timeouts)
        assert len(server.requests) <= 1, "sent twice"
        assert server.connections == 1
    assert isinstance(caught.value.__cause__, cause)


WHOLE = answer(b'{"status":"1","wa_message_id":"wamid.1"}', head=b"Content-Type: application/json\r\n")


async def test_wherever_an_answer_is_cut_it_is_never_taken_for_whole_or_sent_twice() -> None:
    for length in range(0, len(WHOLE), 3):
        async with serving(saying(WHOLE[:length])) as server, pooled(server.url) as pool:
            with pytest.raises(OutcomeUnknownError):
                await pool.post(CALL, SOON)
            assert len(server.requests) == 1


async def test_the_pool_closes_in_flight() -> None:
    async with serving(hang) as server, pooled(server.url) as pool:
        task = asyncio.create_task(pool.post(CALL, SOON))
        await server.arrival()
        await pool.close()
        with pytest.raises(OutcomeUnknownError):
            await task


async def test_a_cancelled_request_is_cancelled() -> None:
    async with serving(hang) as server, pooled(server.url) as pool:
        task = asyncio.create_task(pool.post(CALL, SOON))
        await server.arrival()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_refusal_with_a_cut_text_is_a_refusal_still() -> None:
    cut = answer(b"x" * 50, status="422 Unprocessable")[:-10]
    async with serving(saying(cut)) as server, pooled(server.url) as pool:
        assert (await pool.post(CALL, SOON)).status == 422


def upload(file: bytes) -> HTTPRequest:
    body = Multipart(
        fields={"apiToken": "1|x"}, file_field="media_file", file=file, file_name="a.bin", content_type="image/png"
    )
    return HTTPRequest(path="/api/v1/whatsapp/upload/media", body=body)


async def early_413(connection: Connection) -> None:
    await connection.reader.readuntil(b"\r\n\r\n")
    await connection.write(answer(b"", status="413 Too Large", head=b"Connection: close\r\n"))
    await asyncio.sleep(0.05)
    connection.reset()


async def reset_in_upload(connection: Connection) -> None:
    await connection.reader.readuntil(b"\r\n\r\n")
    await connection.reader.read(1000)
    connection.reset()


async def never_read(connection: Connection) -> None:
    connection.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a socket's transport can
    await asyncio.sleep(30)


async def test_an_upload_is_refused_early() -> None:
    async with serving(early_413) as server, pooled(server.url) as pool:
        assert (await pool.post(upload(b"x" * 8_000_000), SOON)).status == 413


@pytest.mark.parametrize(("behave", "timeouts"), [(reset_in_upload, SOON), (never_read, SHORT)])
async def test_an_upload_breaks_off(behave: Behaviour, timeouts: Timeout) -> None:
    async with serving(behave) as server, pooled(server.url) as pool:
        with pytest.raises(OutcomeUnknownError):
            await pool.post(upload(b"x" * 8_000_000), timeouts)


# --- kept connections


def after_one(deed: str) -> Behaviour:
    """Answer the first request of the first connection, then misbehave while it is idle."""

    async def behave(connection: Connection) -> None:
        await connection.request()
        await connection.write(answer(b'{"id":"%d"}' % len(connection.server.requests)))
        if connection.number == 1:
            await asyncio.sleep(0.01)
            if deed == "fin":
                return
            if deed == "reset":
                connection.reset()
                return
            if deed == "stray":
                await connection.write(answer(b'{"id":"stray"}'))
            if deed.startswith("408"):
                await connection.write(answer(b"", status="408 Request Timeout", head=b"Connection: close\r\n"))
                if deed == "408 fin":
                    return
        while True:
            await connection.request()
            await connection.write(answer(b'{"id":"%d"}' % len(connection.server.requests)))

    return behave


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("deed", ["fin", "reset", "stray", "408", "408 fin", "nothing"])
async def test_an_idle_connection_that_misbehaves_is_never_used(
    deed: str, tls: bool, authority: trustme.CA, trust: ssl.SSLContext
) -> None:
    context = serve_as(authority, "localhost") if tls else None
    async with serving(after_one(deed), context) as server, pooled(server.url, ssl_context=trust) as pool:
        first = await pool.post(CALL, SOON)
        await asyncio.sleep(0.04)
        second = await pool.post(CALL, SOON)
        third = await pool.post(CALL, SOON)
        assert [one.body for one in (first, second, third)] == [b'{"id":"1"}', b'{"id":"2"}', b'{"id":"3"}']
        assert server.connections == (1 if deed == "nothing" else 2)


@pytest.mark.parametrize("end", ["fin", "reset"])
async def test_a_kept_connection_dies_as_the_request_arrives(end: str) -> None:
    async def behave(connection: Connection) -> None:
        await connection.request()
        await connection.write(answer())
        await connection.reader.readuntil(b"\r\n\r\n")
        if end == "reset":
            connection.reset()

    async with serving(behave) as server, pooled(server.url) as pool:
        await pool.post(CALL, SOON)
        with pytest.raises(OutcomeUnknownError):
            await pool.post(CALL, SOON)
        assert server.connections == 1


async def test_all_kept_connections_died() -> None:
    async with serving(after_one("nothing")) as server, pooled(server.url) as pool:
        await asyncio.gather(*(pool.post(CALL, SOON) for _ in range(4)))
        server.end()
        await asyncio.sleep(0.01)
        assert (await pool.post(CALL, SOON)).status == 200


async def test_a_server_that_always_speaks_out_of_turn_ends_in_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "_readable", lambda _: False)
    monkeypatch.setattr(guard, "_poll_of", lambda _: lambda _: True)
    monkeypatch.setattr(ExpressConnection, "is_silent", lambda connection: connection._new)
    async with serving(fine) as server, pooled(server.url) as pool:
        pool._limits = Limits(concurrency=1)
        await pool.post(CALL, SOON)
        assert (await pool.post(CALL, SOON)).status == 200  # by a new connection
        assert server.connections == 2


# --- a session of the user's own, which is no matter of the express lane


@SESSION_ONLY
async def test_without_the_guard_only_the_type_proves_that_nothing_was_sent() -> None:
    async with serving(hang) as server, aiohttp.ClientSession() as session:
        async with pooled(server.url, session=session) as pool:
            with pytest.raises(OutcomeUnknownError):
                await pool.post(CALL, SHORT)
        async with pooled(f"http://127.0.0.1:{free_port()}", session=session) as pool:
            await not_sent(pool)
        assert not session.closed


@SESSION_ONLY
@pytest.mark.parametrize("guarded", [True, False])
async def test_with_the_guard_a_bare_timeout_in_the_pool_is_proved(guarded: bool) -> None:
    request_class = GuardedRequest if guarded else aiohttp.ClientRequest
    connector = aiohttp.TCPConnector(limit=1)
    async with (
        serving(hang) as server,
        aiohttp.ClientSession(connector=connector, request_class=request_class) as session,
        pooled(server.url, session=session) as pool,
    ):
        first = asyncio.create_task(pool.post(CALL, SOON))
        await server.arrival()
        with pytest.raises(NotSentError if guarded else OutcomeUnknownError):
            await pool.post(CALL, SHORT)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first


@SESSION_ONLY
@pytest.mark.parametrize("guarded", [True, False])
async def test_a_closed_session_sends_nothing(guarded: bool) -> None:
    session = aiohttp.ClientSession(request_class=GuardedRequest if guarded else aiohttp.ClientRequest)
    await session.close()
    async with pooled("http://127.0.0.1:9", session=session) as pool:
        with pytest.raises(ConfigurationError, match="closed by its owner"):
            await pool.post(CALL, SOON)


@SESSION_ONLY
async def test_an_answer_of_the_users_strict_session_is_read_all_the_same() -> None:
    async with (
        serving(saying(answer(b"{}", status="429 Too Many"))) as server,
        aiohttp.ClientSession(raise_for_status=True) as session,
        pooled(server.url, session=session) as pool,
    ):
        assert (await pool.post(CALL, SOON)).status == 429


async def test_an_answer_that_is_too_long_is_cut_off() -> None:
    async with (
        serving(saying(answer(b"x" * 5000))) as server,
        pooled(server.url, limits=Limits(max_answer_bytes=1024)) as pool,
    ):
        with pytest.raises(DecodeError, match="longer than 1024 bytes") as caught:
            await pool.post(CALL, SOON)
    assert caught.value.status == 200


# --- answers that nobody asked for


async def test_an_answer_on_a_new_connection_before_the_request_is_not_ours() -> None:
    async def eager(connection: Connection) -> None:
        await connection.write(answer(b'{"status":"1","wa_message_id":"wamid.eager"}'))
        await asyncio.sleep(1)

    async with serving(eager) as server, pooled(server.url) as pool:
        readable, is_silent = guard._readable, ExpressConnection.is_silent

        def patiently(spoken: Callable[[], bool]) -> bool:
            deadline = time.monotonic() + 1.0
            while not (said := spoken()) and time.monotonic() < deadline:
                time.sleep(0.001)
            return said

        with pytest.MonkeyPatch.context() as patch:  # the answer is to be there, however slow the machine
            patch.setattr(guard, "_readable", lambda conn: patiently(lambda: readable(conn)))
            patch.setattr(ExpressConnection, "is_silent", lambda one: not patiently(lambda: not is_silent(one)))
            with pytest.raises(NotSentError, match="before it was asked"):
                await pool.post(CALL, SOON)
        assert server.requests == []


async def test_a_late_copy_of_an_earlier_answer_is_not_taken_for_ours() -> None:
    async def stutter(connection: Connection) -> None:
        number = 0
        while True:
            await connection.request()
            number += 1
            sent = answer(b'{"status":"1","wa_message_id":"wamid.%d.%d=="}' % (connection.number, number))
            if number == 2:  # the copy of the first answer comes while the second request is under way
                await connection.write(answer(b'{"status":"1","wa_message_id":"wamid.%d.1=="}' % connection.number))
            await connection.write(sent)

    call = msgspec.structs.replace(CALL, unsafe=True)
    async with serving(stutter) as server, pooled(server.url) as pool:
        assert b"wamid.1.1" in (await pool.post(call, SOON)).body
        with pytest.raises(OutcomeUnknownError, match="repeats an earlier one"):
            await pool.post(call, SOON)
        assert b"wamid.2.1" in (await pool.post(call, SOON)).body  # by a new connection: the shift ends here


async def test_reads_may_repeat_message_ids() -> None:
    async def same(connection: Connection) -> None:
        while True:
            await connection.request()
            await connection.write(answer(b'{"status":"1","message":[{"wa_message_id":"wamid.1=="}]}'))

    async with serving(same) as server, pooled(server.url) as pool:
        for _ in range(2):
            assert (await pool.post(CALL, SOON)).status == 200


async def test_another_aiohttp_proves_nothing_but_by_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aiohttp, "__version__", "3.99.0")
    async with serving(fine) as server, pooled(server.url) as pool:
        for _ in range(2):
            await pool.post(CALL, SOON)
        assert server.connections == 2  # and keeps no connection that could bring a stray answer
    async with serving(hang) as server, pooled(server.url) as pool:
        with pytest.raises(OutcomeUnknownError):
            await pool.post(CALL, SHORT)


async def test_closing_tells_those_who_wait_for_a_connection_that_nothing_left() -> None:
    limits = Limits(concurrency=1)
    async with serving(hang) as server, pooled(server.url, limits=limits) as pool:
        busy = [asyncio.create_task(pool.post(CALL, SOON)) for _ in range(limits.connections)]
        for _ in busy:
            await server.arrival()
        last = asyncio.create_task(pool.post(CALL, SOON))
        await asyncio.sleep(0.01)
        await pool.close()
        with pytest.raises(NotSentError, match="closed"):
            await last
        for one in busy:
            with pytest.raises(OutcomeUnknownError):
                await one


async def test_a_cause_that_quotes_the_token_is_left_out() -> None:
    async def echo(connection: Connection) -> None:
        _, body = await connection.request()
        await connection.write(b"HTTP/1.1 " + body + b"\r\n\r\n")

    call = msgspec.structs.replace(CALL, body=b"apiToken=1%7C" + b"SECRET" * 5)
    async with serving(echo) as server, pooled(server.url) as pool:
        with pytest.raises(OutcomeUnknownError) as caught:
            await pool.post(call, SOON)
    assert "SECRET" not in "".join(traceback.format_exception(caught.value))
