"""F54: whatever goes wrong, the token is in no log line, error, traceback, journal or report."""

from __future__ import annotations

import base64
import logging
import traceback
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.faults.proxy import CALM, Chaos
from tests.faults.stage import Stage, messages, phones
from wabotick_async import Timeout
from wabotick_async.errors import CampaignAbortedError
from wabotick_async.sandbox import Fault, FaultKind

pytestmark = pytest.mark.usefixtures("bulk_way")


def forms(token: str) -> list[bytes]:
    """Return the token as it is, percent-encoded, and in base64 at each of the three places it may begin at."""
    secret = token.partition("|")[2]
    shifted = [base64.b64encode(b"x" * shift + secret.encode())[4 * bool(shift) : -4] for shift in range(3)]
    return [token.encode(), secret.encode(), quote(token, safe="").encode(), *shifted]


def files_beside(path: Path) -> bytes:
    return b"".join(one.read_bytes() for one in path.parent.iterdir() if one.is_file())


def words_of(error: BaseException) -> str:
    """Return everything that an error may show, its causes and all local variables included."""
    with_locals = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join([repr(error), repr(error.__dict__), *with_locals.format(chain=True)])


def test_each_form_is_known() -> None:
    token = "12|SecretSecretSecretSecretSecret"
    for before in (b"", b"a", b"ab", b"abc"):
        assert any(form in base64.b64encode(before + token.encode() + b"zz") for form in forms(token))


def faults(token: str) -> list[Fault]:
    """Let the platform fail in many ways, and quote the token back at us."""
    says = f'{{"status":"0","message":"no such token {token}, {quote(token, safe="")}"}}'
    return [
        Fault(FaultKind.RESET_AFTER),
        Fault(FaultKind.GARBAGE, body=f"HTTP/1.1 200 OK\r\nX: {token}\r\n\r\n{token}"),
        Fault(FaultKind.HTML, status=200, body=f"<html>{token}</html>", accepted=True),
        Fault(FaultKind.SERVER_ERROR, body=says),
        Fault(FaultKind.HTML, status=200, body=says, accepted=False),
        Fault(FaultKind.HANG_AFTER),
        Fault(FaultKind.HTML, nth=10, times=100, status=401, body=says, accepted=False),
    ]


async def test_f54_the_token_shows_nowhere(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    stage.sandbox.script(*faults(stage.sandbox.token))  # no local variable: this frame is in the traceback, too
    stage.proxy.plan = lambda number: Chaos(cut_answer=30) if number == 1 else CALM
    seen: list[str] = []
    with caplog.at_level(logging.DEBUG):
        async with stage.client(concurrency=4, keep_alive=False, timeout=Timeout(total=0.3)) as client:
            sender = stage.open_sender(client)
            try:
                async for result in sender.stream(messages(100)):
                    seen.append(repr(result) + (words_of(result.error) if result.error else ""))
            except CampaignAbortedError as error:
                seen.append(words_of(error))
            seen += [repr(client), repr(sender), repr(sender.report)]
    assert len(seen) > 10
    assert sender.report is not None
    found = "\n".join([*seen, caplog.text]).encode() + files_beside(stage.path)
    assert b"hello" in found, "the journal was not looked at"
    assert [form for form in forms(stage.sandbox.token) if form in found] == []
    await stage.judge(phones(sender.report.rows))
