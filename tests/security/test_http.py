"""What a hostile server, proxy or address can make the client do, seen from the client's own door."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib
from collections.abc import Callable
from typing import Any, Final

import pytest

from tests.security.scan_plugin import FAKE_TOKEN, holds_token
from tests.transport.tcp import SOON, Connection, answer, fine, serving
from wabotick_async import (
    Acknowledgement,
    ConfigurationError,
    DecodeError,
    EndpointRegistry,
    GetSubscriber,
    ListLabels,
    Outcome,
    Request,
    RetryPolicy,
    Safety,
    SendText,
    Timeout,
    UnexpectedPageError,
    UploadMedia,
    WabotickClient,
    WabotickError,
    registry,
)
from wabotick_async.testing import FakeTransport, fake_client
from wabotick_async.wire import HTTPAnswer

pytestmark = pytest.mark.usefixtures("lane")

SEND: Final = SendText(phone_number="919800000001", message="hi")
ONCE: Final = RetryPolicy(attempts=1)


def client_of(base_url: str, **settings: Any) -> WabotickClient:
    return WabotickClient(
        FAKE_TOKEN, **{"phone_number_id": "1", "base_url": base_url, "timeout": SOON, "retry": ONCE, **settings}
    )


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 305, 307, 308])
@pytest.mark.parametrize("request_", [SEND, ListLabels(), UploadMedia(file=b"x", file_name="a.png")], ids=type)
async def test_no_redirect_brings_the_token_or_the_answer_to_another_host(status: int, request_: Any) -> None:
    async with serving(fine) as other:

        async def redirect(connection: Connection) -> None:
            await connection.request()
            head = f"Location: {other.url}{request_.endpoint.path}\r\nRefresh: 0; url={other.url}\r\n".encode()
            body = b"" if status == 304 else b'{"status":"1"}'
            await connection.write(answer(body, status=f"{status} Away", head=head))

        async with serving(redirect) as server, client_of(server.url) as client:
            with pytest.raises(UnexpectedPageError) as caught:
                await client.send(request_)
        assert caught.value.outcome is Outcome.UNKNOWN
        assert caught.value.status == status
        assert (other.connections, len(server.requests)) == (0, 1)


async def test_a_login_of_a_proxy_is_in_no_error() -> None:
    async def closed(connection: Connection) -> None:
        await connection.reader.readuntil(b"\r\n\r\n")
        await connection.write(answer(b"", status="407 Proxy Authentication Required"))

    async with serving(closed) as proxy:
        address = proxy.url.replace("http://", "http://user:PASSWORD@")
        async with client_of("https://localhost:9", proxy=address) as client:
            with pytest.raises(WabotickError, match="407") as caught:
                await client.send(SEND)
    links: list[BaseException | None] = [caught.value, caught.value.__cause__, caught.value.__context__]
    assert "PASSWORD" not in " ".join(f"{link} {link!r} {getattr(link, '__dict__', '')}" for link in links)


def deflated(data: bytes) -> bytes:
    return zlib.compress(data)


def raw_deflated(data: bytes) -> bytes:
    return zlib.compress(data)[2:-4]


BOMBS: Final = {"gzip": gzip.compress, "deflate": deflated, "deflate, raw": raw_deflated}


@pytest.mark.parametrize("compress", BOMBS.values(), ids=BOMBS)
@pytest.mark.parametrize("status", [200, 400, 500])
async def test_a_bomb_takes_little_memory(compress: Callable[[bytes], bytes], status: int) -> None:
    coding = "gzip" if compress is gzip.compress else "deflate"
    bomb = compress(b'{"status":"1","message":"' + b"0" * 64_000_000 + b'"}')

    async def throw(connection: Connection) -> None:
        await connection.request()
        head = f"Content-Encoding: {coding}\r\nContent-Type: application/json\r\n".encode()
        await connection.write(answer(bomb, status=f"{status} Said", head=head))

    async with serving(throw) as server, client_of(server.url) as client:
        tracemalloc.start()
        try:
            with pytest.raises(WabotickError) as caught:
                await client.send(SEND)
            assert tracemalloc.get_traced_memory()[1] < 16_000_000
        finally:
            tracemalloc.stop()
    assert caught.value.outcome is (Outcome.REFUSED if status == 400 else Outcome.UNKNOWN)
    assert len(str(caught.value)) < 1_000


async def test_a_bomb_in_a_bomb_is_unpacked_once() -> None:
    inner = gzip.compress(b"0" * 1_000_000)

    async def throw(connection: Connection) -> None:
        await connection.request()
        await connection.write(answer(gzip.compress(inner), head=b"Content-Encoding: gzip, gzip\r\n"))

    async with serving(throw) as server, client_of(server.url) as client:
        with pytest.raises(WabotickError) as caught:
            await client.send(SEND)
    assert caught.value.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("announced", [True, False])
async def test_an_endless_answer_is_cut_off(announced: bool) -> None:
    async def pour(connection: Connection) -> None:
        await connection.request()
        length = b"Content-Length: 300000000\r\n" if announced else b""
        await connection.write(b"HTTP/1.1 200 OK\r\n" + length + b"\r\n")
        for _ in range(1_200):
            await connection.write(b"0" * 250_000)

    async with serving(pour) as server, client_of(server.url) as client:
        tracemalloc.start()
        try:
            with pytest.raises(DecodeError, match="longer than 1048576 bytes"):
                await client.send(SEND)
            assert tracemalloc.get_traced_memory()[1] < 8_000_000
        finally:
            tracemalloc.stop()


DEEP: Final = 20_000
NOT_JSON: Final = {
    "empty": b"",
    "blank": b" \r\n",
    "null": b"null",
    "empty list": b"[]",
    "text": b'"1"',
    "number": b"1",
    "not a number": b'{"status":NaN}',
    "infinity": b'{"status":"1","message":-Infinity}',
    "deep list": b"[" * DEEP + b"]" * DEEP,
    "deep object": b'{"status":' * DEEP + b'"1"' + b"}" * DEEP,
    "deep message": b'{"status":"1","message":' + b"[" * DEEP + b"]" * DEEP + b"}",
    "two marks": b'\xef\xbb\xbf\xef\xbb\xbf{"status":"1"}',
    "UTF-16": '{"status":"1"}'.encode("utf-16"),
    "half a surrogate pair": b'{"status":"1","message":"\\ud800"}',
    "no UTF-8": b'{"status":"1","message":"\xff"}',
    "no status": b"{}",
    "status of a list": b'{"status":["1"]}',
    "status of an object": b'{"status":{"1":1}}',
    "two documents": b'{"status":"1"}{"status":"1"}',
    "comment": b'{"status":"1"/**/}',
}


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON)
@pytest.mark.parametrize("request_", [SEND, GetSubscriber(phone_number="919800000001"), ListLabels()], ids=type)
async def test_a_strange_answer_is_no_success_and_no_crash(body: bytes, request_: Any) -> None:
    transport = FakeTransport(default=HTTPAnswer(status=200, headers={}, body=body))
    with pytest.raises(WabotickError) as caught:
        await fake_client(transport, retry=ONCE).send(request_)
    assert caught.value.outcome is Outcome.UNKNOWN
    assert len(str(caught.value)) < 600


async def test_one_byte_order_mark_is_no_obstacle() -> None:
    client = fake_client(FakeTransport(b'\xef\xbb\xbf{"status":"1","wa_message_id":"wamid.1"}'))
    assert (await client.send(SEND)).message_id == "wamid.1"


PATHS: Final = [
    "/..",
    "/../../admin",
    "/whatsapp/../../../admin",
    "/whatsapp/./send",
    "/whatsapp/%2e%2e/send",
    "/whatsapp/send?apiToken=1",
    "/whatsapp/send#x",
    "/whatsapp//send",
    "//other.example/send",
    "/whatsapp\\..\\send",
    "/whatsapp/send\r\nX-Evil: 1",
    "/whatsapp/se nd",
    "/whatsapp/sénd",
    "/@other.example",
    "/",
    "",
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("alternative", [False, True])
def test_a_path_that_means_another_one_is_refused(path: str, alternative: bool) -> None:
    class Own(Request[Acknowledgement], frozen=True, kw_only=True):
        """An endpoint."""

    own = EndpointRegistry()
    first, *others = ("/whatsapp/send", path) if alternative else (path,)
    with pytest.raises(ConfigurationError, match="expected a plain path"):
        own.endpoint("own", first, Safety.SAFE, alternative_paths=tuple(others))(Own)
    assert not own


def test_no_part_of_a_path_comes_from_a_value() -> None:
    for endpoint in registry.values():
        assert all(part.replace("-", "").replace("_", "").isalnum() for part in endpoint.path.split("/")[1:])


@pytest.mark.parametrize("mark", ["\r", "\n", "\0", "\v", "\x7f", " ", "é", "\u2028"])
def test_no_header_can_be_injected_by_a_token(mark: str) -> None:
    with pytest.raises(ConfigurationError, match="expected an API token"):
        WabotickClient(f"1|Secret{mark}X-Evil: 1")


async def test_a_text_cannot_leave_the_body() -> None:
    evil = "a\r\nX-Evil: 1\r\n\r\nPOST /admin HTTP/1.1"
    async with serving(fine) as server, client_of(server.url) as client:
        await client.send(SendText(phone_number="919800000001", message=evil))
    assert b"Evil" not in server.requests[0][0]
    assert b"\r\n" not in server.requests[0][1]


@pytest.mark.parametrize(
    "upload",
    [
        {"file_name": "a\r\nX-Evil: 1.png"},
        {"file_name": 'a"\r\nX-Evil: 1.png'},
        {"file_name": "a.png", "content_type": "image/png\r\nX-Evil: 1"},
    ],
)
async def test_the_name_of_a_file_cannot_leave_its_header(upload: dict[str, str]) -> None:
    received = bytearray()

    async def read(connection: Connection) -> None:
        while chunk := await connection.reader.read(65_536):
            received.extend(chunk)

    async with serving(read) as server, client_of(server.url, timeout=Timeout(total=0.2)) as client:
        with pytest.raises(WabotickError) as caught:
            await client.send(UploadMedia(file=b"x", **upload))
    assert b"X-Evil" not in received
    assert caught.value.outcome is not Outcome.ACCEPTED


async def test_the_token_travels_in_the_body_alone() -> None:
    async with serving(fine) as server, client_of(server.url) as client:
        await client.send(SEND)
    head, body = server.requests[0]
    assert not holds_token(head)
    assert body.count(FAKE_TOKEN.partition("|")[2].encode()) == 1
    assert json.dumps(FAKE_TOKEN) not in body.decode()
