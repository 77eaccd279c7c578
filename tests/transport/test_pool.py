"""Both pools when the network is well: what it sends, what it refuses to do, and who closes what."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import os
import ssl
import subprocess
import sys
import traceback
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.lanes import SESSION_ONLY, pool_of_the_lane
from tests.transport.tcp import CALL, SOON, Connection, answer, fine, pooled, serving
from wabotick_async import (
    ConfigurationError,
    DecodeError,
    ExpressPool,
    Limits,
    NotSentError,
    OutcomeUnknownError,
    SendReceipt,
    Timeout,
    UploadMedia,
    WabotickClient,
)
from wabotick_async.transport import home
from wabotick_async.wire import HTTPRequest, Multipart

pytestmark = pytest.mark.usefixtures("way")

TOKEN = "1|SECRETSECRETSECRETSECRETSECRET"


async def test_headers() -> None:
    async with serving(fine) as server, pooled(server.url) as pool:
        await pool.post(CALL, SOON)
        head = server.requests[0][0].lower()
        assert head.startswith(b"post /api/v1/whatsapp/send http/1.1\r\n")
        assert b"accept: application/json\r\n" in head
        assert b"user-agent: wabotick-async/" in head
        assert b"content-type: application/x-www-form-urlencoded\r\n" in head
        assert server.requests[0][1] == CALL.body


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(status: int) -> None:
    async with serving(fine) as other:

        async def redirect(connection: Connection) -> None:
            await connection.request()
            head = f"Location: {other.url}/login\r\n".encode()
            await connection.write(answer(b"", status=f"{status} Moved", head=head))

        async with serving(redirect) as server, pooled(server.url) as pool:
            assert (await pool.post(CALL, SOON)).status == status
        assert other.connections == 0


async def test_cookies_are_not_kept() -> None:
    async def cookie(connection: Connection) -> None:
        while True:
            await connection.request()
            await connection.write(answer(head=b"Set-Cookie: laravel_session=a; Path=/\r\n"))

    async with serving(cookie) as server, pooled(server.url.replace("127.0.0.1", "localhost")) as pool:
        await pool.post(CALL, SOON)
        await pool.post(CALL, SOON)
        assert len(server.requests) == 2
        assert not any(b"cookie" in head.lower() for head, _ in server.requests)


async def test_the_environments_proxy_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(fine) as proxy, serving(fine) as server, pooled(server.url) as pool:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        await pool.post(CALL, SOON)
        assert proxy.connections == 0


async def test_a_proxy_that_is_named_is_used() -> None:
    async with serving(fine) as proxy, pooled("http://127.0.0.1:9", proxy=proxy.url) as pool:
        assert (await pool.post(CALL, SOON)).status == 200
        assert proxy.requests[0][0].startswith(b"POST http://127.0.0.1:9/api/v1/")


async def test_team_calls_go_to_the_team_host() -> None:
    async with serving(fine) as server, serving(fine) as team:
        async with pooled(server.url, team_base_url=team.url) as pool:
            await pool.post(HTTPRequest(path="/a", body=b"", team_host=True), SOON)
            await pool.post(HTTPRequest(path="/a", body=b""), SOON)
        assert (len(team.requests), len(server.requests)) == (1, 1)


@pytest.mark.parametrize("status", ["200 OK", "500 Oops"])
async def test_a_gzip_bomb_does_not_explode(status: str) -> None:
    bomb = gzip.compress(b"\0" * 64_000_000)

    async def throw(connection: Connection) -> None:
        await connection.request()
        await connection.write(answer(bomb, status=status, head=b"Content-Encoding: gzip\r\n"))

    async with serving(throw) as server, pooled(server.url) as pool:
        tracemalloc.start()
        try:
            if status == "200 OK":
                with pytest.raises(DecodeError, match="longer"):
                    await pool.post(CALL, SOON)
            else:
                assert len((await pool.post(CALL, SOON)).body) == 1 << 20
            assert tracemalloc.get_traced_memory()[1] < 8_000_000
        finally:
            tracemalloc.stop()


# --- life


async def test_it_opens_late_and_closes_twice() -> None:
    pool = pool_of_the_lane("http://127.0.0.1:9", limits=Limits())
    assert repr(pool) == f"{type(pool).__name__}('http://127.0.0.1:9', 35 connections, not opened yet)"
    with pytest.raises(NotSentError):
        await pool.post(CALL, SOON)
    assert "open)" in repr(pool)
    await pool.close()
    await pool.close()
    assert "closed)" in repr(pool)
    with pytest.raises(ConfigurationError, match="closed"):
        await pool.post(CALL, SOON)


@SESSION_ONLY
async def test_a_session_passed_in_stays_open() -> None:
    async with serving(fine) as server, aiohttp.ClientSession() as session:
        async with WabotickClient(TOKEN, phone_number_id="1", base_url=server.url, session=session) as client:
            await client.messages.send_template(phone_number="919800000000", template_id="4")
        assert not session.closed


def test_a_second_loop_is_told() -> None:
    pool = pool_of_the_lane("http://127.0.0.1:9", limits=Limits())

    async def first() -> None:
        with pytest.raises(NotSentError):
            await pool.post(CALL, SOON)
        await (pool._opener if isinstance(pool, ExpressPool) else pool._session_here()).close()

    async def second() -> None:
        with pytest.raises(ConfigurationError, match="another event loop"):
            await pool.post(CALL, SOON)

    asyncio.run(first())
    asyncio.run(second())


async def test_a_forked_process_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(fine) as server, pooled(server.url) as pool:
        await pool.post(CALL, SOON)
        monkeypatch.setattr(home.PROCESS, "id", home.PROCESS.id + 1)
        with pytest.raises(ConfigurationError, match="fork"):
            await pool.post(CALL, SOON)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_process_has_a_number_of_its_own() -> None:
    # In a process of its own, as one that has threads should not be forked.
    code = (
        "import os; from wabotick_async.transport.home import PROCESS\n"
        "if (child := os.fork()) == 0: os._exit(PROCESS.id != os.getpid())\n"
        "assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0 and PROCESS.id == os.getpid()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_trust_cannot_be_switched_off() -> None:
    wrong: Any = False
    with pytest.raises(ConfigurationError, match="ssl_context"):
        pool_of_the_lane("https://localhost", limits=Limits(), ssl_context=wrong)


@SESSION_ONLY
async def test_trust_settings_beside_a_session_would_be_lost() -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(ConfigurationError, match="ssl_context"):
            WabotickClient(TOKEN, session=session, ssl_context=ssl.create_default_context())


# --- uploads


class Sink:
    """Reads an upload slowly, and keeps its size and hash only."""

    def __init__(self, pause: float = 0.0) -> None:
        self.pause, self.size, self.head = pause, 0, b""
        self.tail = b""

    async def __call__(self, connection: Connection) -> None:
        self.head = await connection.reader.readuntil(b"\r\n\r\n")
        while not self.tail.rstrip(b"\r\n0").endswith(b"--"):
            chunk = await connection.reader.read(1 << 18)
            self.size += len(chunk)
            self.tail = (self.tail + chunk)[-200:]
            await asyncio.sleep(self.pause)
        await connection.write(answer(b'{"status":"1","media_id":"9"}'))


async def test_a_big_file_is_streamed(tmp_path: Path) -> None:
    path = tmp_path / "video.mp4"
    path.write_bytes(b"v" * 30_000_000)
    sink = Sink(0.0005)
    async with serving(sink) as server, WabotickClient(TOKEN, phone_number_id="1", base_url=server.url) as client:
        tracemalloc.start()
        try:
            media = await client.send(UploadMedia(file=path))
            assert tracemalloc.get_traced_memory()[1] < 5_000_000
        finally:
            tracemalloc.stop()
    assert media.media_id == "9"
    assert 30_000_000 < sink.size < 30_002_000


async def source() -> AsyncIterator[bytes]:
    for letter in b"abcdef":
        yield bytes([letter]) * 1000


@pytest.mark.parametrize("kind", ["bytes", "path", "stream"])
async def test_what_is_uploaded_arrives(kind: str, tmp_path: Path) -> None:
    whole = b"".join(bytes([letter]) * 1000 for letter in b"abcdef")
    path = tmp_path / "a.png"
    path.write_bytes(whole)
    seen: dict[str, Any] = {}

    async def handle(request: web.BaseRequest) -> web.Response:
        async for part in await request.multipart():
            assert isinstance(part, aiohttp.BodyPartReader)
            seen[str(part.name)] = await part.read()
            seen[f"{part.name}/type"] = part.headers.get("Content-Type")
        return web.json_response({"status": "1", "media_id": "9"})

    server = web.Server(handle)
    listener = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    async with WabotickClient(TOKEN, phone_number_id="1", base_url=url) as client:
        file: Any = {"bytes": whole, "path": path, "stream": source()}[kind]
        await client.send(UploadMedia(file=file, file_name="a.png"))
    listener.close()
    await server.shutdown()
    assert hashlib.sha256(seen["media_file"]).digest() == hashlib.sha256(whole).digest()
    assert seen["media_file/type"] == "image/png"
    assert seen["apiToken"].decode() == TOKEN


async def test_a_source_that_fails_leaves_the_outcome_unknown() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * 100_000
        raise RuntimeError("disk")

    async with serving(fine) as server, WabotickClient(TOKEN, phone_number_id="1", base_url=server.url) as client:
        with pytest.raises(OutcomeUnknownError) as caught:
            await client.send(UploadMedia(file=broken(), file_name="a.png"))
    assert caught.value.attempts == 1


async def test_a_file_that_went_away_is_not_sent(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"x")
    request = UploadMedia(file=path)
    path.unlink()
    async with WabotickClient(TOKEN, phone_number_id="1", base_url="http://127.0.0.1:9") as client:
        with pytest.raises(NotSentError, match="No such file") as caught:
            await client.send(request)
    assert caught.value.fatal
    assert caught.value.attempts == 1


# --- what may be seen of the token


@pytest.mark.parametrize("file", [None, b"data"])
async def test_a_traceback_with_locals_does_not_show_the_token(file: bytes | None) -> None:
    async def fin(connection: Connection) -> None:
        await connection.request()

    body: bytes | Multipart = b"apiToken=1%7CSECRETSECRETSECRETSECRETSECRET"
    if file:
        fields = {"apiToken": TOKEN}
        body = Multipart(fields=fields, file_field="f", file=file, file_name="a", content_type="image/png")
    call = HTTPRequest(path="/a", body=body)
    del body
    async with serving(fin) as server, pooled(server.url) as pool:
        with pytest.raises(OutcomeUnknownError) as caught:
            await pool.post(call, Timeout(total=1))
    error: BaseException | None = caught.value
    shown = ""
    while error is not None:
        frames = [one for one in traceback.walk_tb(error.__traceback__) if one[0].f_code.co_filename != __file__]
        shown += "".join(traceback.format_exception(error))
        shown += "".join(repr(frame.f_locals) for frame, _ in frames)
        error = error.__cause__ or error.__context__
    assert "Pool(" in shown
    assert "SECRETSECRET" not in shown


# --- aioresponses, as a user's tests may use it; the express lane has nothing that it could mock


@SESSION_ONLY
async def test_a_send_is_mocked_with_aioresponses(mocked_http: Any) -> None:
    async with WabotickClient(TOKEN, phone_number_id="1") as client:
        url = "https://app.wabotick.com/api/v1/whatsapp/send/template"
        mocked_http.post(url, payload={"status": "1", "wa_message_id": "wamid.1"})
        receipt = await client.messages.send_template(phone_number="919800000000", template_id="4")
        assert receipt == SendReceipt(message_id="wamid.1")
        mocked_http.post(url, exception=aiohttp.ServerDisconnectedError())
        with pytest.raises(OutcomeUnknownError):
            await client.messages.send_template(phone_number="919800000000", template_id="4")


@pytest.mark.parametrize(("keep_alive", "connections"), [(True, 1), (False, 3)])
async def test_connections_are_kept_unless_told_otherwise(keep_alive: bool, connections: int) -> None:
    async with serving(fine) as server, pooled(server.url, limits=Limits(keep_alive=keep_alive)) as pool:
        for _ in range(3):
            await pool.post(CALL, SOON)
        assert server.connections == connections
