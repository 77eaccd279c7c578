"""The token in a traceback with local variables, as error trackers and debuggers write it: not in any frame of ours."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final

import pytest

from tests.security.scan_plugin import FAKE_TOKEN, places_in
from tests.transport.tcp import SOON, Connection, answer, serving
from wabotick_async import (
    BulkSender,
    CampaignAbortedError,
    ConfigurationError,
    RetryPolicy,
    SendText,
    UploadMedia,
    WabotickClient,
    WabotickError,
)
from wabotick_async.testing import FakeTransport, fake_client
from wabotick_async.values import Secret
from wabotick_async.wire import HTTPAnswer

pytestmark = pytest.mark.usefixtures("lane")

SEND: Final = SendText(phone_number="919800000001", message="hi")
ONCE: Final = RetryPolicy(attempts=1)
QUOTE: Final = f"refused: apiToken={FAKE_TOKEN}".encode()


def shown(error: BaseException) -> str:
    """Return the traceback with locals, but for the frames of this file, which hold the token by right."""
    parts: list[str] = []
    link: BaseException | None = error
    while link is not None:
        report = traceback.TracebackException.from_exception(link, capture_locals=True, lookup_lines=False)
        report.__cause__ = report.__context__ = None
        report.stack = traceback.StackSummary.from_list([one for one in report.stack if one.filename != __file__])
        parts += report.format()
        link = link.__cause__ or link.__context__
    return "".join(parts)


WRONG: Final[dict[str, dict[str, Any]]] = {
    "token with blanks": {"api_token": FAKE_TOKEN + " x"},
    "token of letters": {"api_token": FAKE_TOKEN.partition("|")[2]},
    "token as Secret": {"api_token": Secret(FAKE_TOKEN + " x")},
    "token of bytes": {"api_token": FAKE_TOKEN.encode()},
    "base URL": {"base_url": "http://platform.example"},
    "base URL of another type": {"base_url": 5},
    "team base URL": {"team_base_url": "ftp://platform.example"},
    "number id": {"phone_number_id": "x"},
    "trust settings": {"ssl_context": False},
    "limits": {"limits": 5},
    "retry": {"retry": 5},
}


@pytest.mark.parametrize("settings", WRONG.values(), ids=WRONG)
def test_a_constructor_that_fails(settings: dict[str, Any]) -> None:
    with pytest.raises((ConfigurationError, AttributeError)) as caught:
        WabotickClient(**{"api_token": FAKE_TOKEN, **settings})
    assert FAKE_TOKEN.partition("|")[2] not in shown(caught.value)
    assert not list(places_in(caught.value))


@pytest.mark.parametrize(
    "environ",
    [
        {"WABOTICK_API_TOKEN": FAKE_TOKEN + " x"},
        {"WABOTICK_API_TOKEN": FAKE_TOKEN, "WABOTICK_BASE_URL": "http://platform.example"},
        {"WABOTICK_API_TOKEN": "", "WABOTICK_OLD_TOKEN": FAKE_TOKEN},
    ],
)
def test_an_environment_that_is_wrong(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as caught:
        WabotickClient.from_env()
    assert FAKE_TOKEN.partition("|")[2] not in shown(caught.value)


def test_a_client_that_is_half_made_can_be_shown() -> None:
    made: list[WabotickClient] = []

    class Watched(WabotickClient):
        def __new__(cls, *_: object, **__: object) -> Watched:
            made.append(super().__new__(cls))
            return made[0]  # type: ignore[return-value]  # it is one

    with pytest.raises(ConfigurationError):
        Watched("x")
    assert repr(made[0]) == "Watched(base_url=None, phone_number_id=None)"


ANSWERS: Final = {
    "refusal": HTTPAnswer(status=200, headers={}, body=b'{"status":"0","message":"%s"}' % QUOTE),
    "validation": HTTPAnswer(status=422, headers={}, body=b'{"errors":{"a":["%s"]}}' % QUOTE),
    "page": HTTPAnswer(status=200, headers={}, body=b"<html>%s</html>" % QUOTE),
    "server error": HTTPAnswer(status=500, headers={}, body=QUOTE),
    "another shape": HTTPAnswer(status=200, headers={}, body=b'["%s"]' % QUOTE),
    "neither": HTTPAnswer(status=200, headers={}, body=b'{"a":"%s"}' % QUOTE),
    "cut": HTTPAnswer(status=200, headers={}, body=b'{"status":"1","message":"%s' % QUOTE),
    "defect": KeyError("a defect"),
}


@pytest.mark.parametrize("reply", ANSWERS.values(), ids=ANSWERS)
async def test_a_send_that_fails_although_the_server_quotes_the_request(reply: Any) -> None:
    client = fake_client(FakeTransport(default=reply))
    with pytest.raises((WabotickError, KeyError)) as caught:
        await client.send(SEND)
    assert FAKE_TOKEN.partition("|")[2] not in shown(caught.value).replace(_of_the_fake(client), "")
    assert not list(places_in(caught.value))


def _of_the_fake(client: WabotickClient) -> str:
    return repr(vars(client._pool)["_default"])


async def echo(connection: Connection) -> None:
    _, body = await connection.request()
    await connection.write(answer(body, status="400 Bad"))


async def echo_in_status(connection: Connection) -> None:
    _, body = await connection.request()
    await connection.write(b"HTTP/1.1 " + body + b"\r\n\r\n")


async def echo_in_header(connection: Connection) -> None:
    _, body = await connection.request()
    await connection.write(answer(b"x", status="302 Found", head=b"Location: /?" + body[:200] + b"\r\n"))


async def cut(connection: Connection) -> None:
    _, body = await connection.request()
    await connection.write(answer(body)[:-3])


async def reset(connection: Connection) -> None:
    await connection.request()
    connection.reset()


async def silence(connection: Connection) -> None:
    await connection.request()


async def stream() -> AsyncIterator[bytes]:
    yield b"x"
    raise ValueError("a source that fails")


@pytest.mark.parametrize("behave", [echo, echo_in_status, echo_in_header, cut, reset, silence])
@pytest.mark.parametrize("kind", ["form", "bytes", "path", "stream"])
async def test_a_send_over_http_that_fails(behave: Callable[[Connection], Any], kind: str, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    requests: dict[str, Any] = {
        "form": SEND,
        "bytes": UploadMedia(file=b"x", file_name="a.png"),
        "path": UploadMedia(file=tmp_path / "a.png"),
        "stream": UploadMedia(file=stream(), file_name="a.png"),
    }
    async with (
        serving(behave) as server,
        WabotickClient(FAKE_TOKEN, phone_number_id="1", base_url=server.url, retry=ONCE, timeout=SOON) as client,
    ):
        with pytest.raises(WabotickError) as caught:
            await client.send(requests[kind])
    assert not list(places_in(caught.value))


async def test_a_send_that_is_cancelled() -> None:
    async def hang(connection: Connection) -> None:
        await connection.request()
        await asyncio.sleep(30)

    async with (
        serving(hang) as server,
        WabotickClient(FAKE_TOKEN, phone_number_id="1", base_url=server.url) as client,
    ):
        task = asyncio.create_task(client.send(SEND))
        await server.arrival()
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
    assert not list(places_in(caught.value))


@pytest.mark.parametrize("reply", [ANSWERS["refusal"], ANSWERS["page"], ANSWERS["defect"]])
async def test_a_campaign_that_fails(reply: Any, tmp_path: Path) -> None:
    refusal = HTTPAnswer(status=401, headers={}, body=b'{"message":"%s"}' % QUOTE)
    client = fake_client(FakeTransport(reply, default=refusal))
    with pytest.raises(CampaignAbortedError) as caught:
        await BulkSender(client, journal=tmp_path / "a.journal").run(
            [SEND, SendText(phone_number="919800000002", message="b")]
        )
    assert not list(places_in(caught.value))
