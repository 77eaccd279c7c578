"""What the server says cannot forge a line of a log, nor command the terminal that shows it."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any, Final

import pytest

from tests.cli.conftest import Run, no_settings, run, sandbox
from wabotick_async import SendText, WabotickError
from wabotick_async.redaction import one_line
from wabotick_async.sandbox import Fault, FaultKind, Sandbox
from wabotick_async.testing import FakeTransport, fake_client
from wabotick_async.wire import HTTPAnswer

__all__ = ["no_settings", "run", "sandbox"]  # fixtures

EVIL: Final = "no\x1b]0;owned\x07\x1b[2J\r\nINFO all sent\x9b2J\u202eabc\x00\u2028"
SEND: Final = SendText(phone_number="919800000001", message="hi")
# What moves the cursor, ends a line, or turns the direction of reading.
COMMANDS: Final = set("\x1b\x07\x08\x00\r\x9b\x85\u202e\u2028\u2066")


def commands_in(text: str) -> set[str]:
    return COMMANDS & set(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("نص 👍 é", "نص 👍 é"),
        ("a\nb", r"a\nb"),
        ("a\x1b[2J", r"a\x1b[2J"),
        ("a\x9b2J", r"a\x9b2J"),
        ("\u202e", r"\u202e"),
        ("\U000e0001", r"\U000e0001"),
    ],
)
def test_one_line(text: str, shown: str) -> None:
    assert one_line(text) == shown


@pytest.mark.parametrize("status", [200, 400, 401, 422, 429, 500, 503])
@pytest.mark.parametrize("raw", [False, True], ids=["in words", "as body"])
async def test_an_error_is_one_line_wherever_it_is_written(
    status: int, raw: bool, caplog: pytest.LogCaptureFixture
) -> None:
    body = EVIL.encode() if raw else json.dumps({"status": "0", "message": EVIL, "errors": {EVIL: [EVIL]}}).encode()
    client = fake_client(FakeTransport(default=HTTPAnswer(status=status, headers={}, body=body)))
    with pytest.raises(WabotickError) as caught:
        await client.send(SEND)
    logging.getLogger("wabotick_async.transport").error("failed: %s", caught.value)
    for text in (str(caught.value), repr(caught.value), caplog.messages[-1]):
        assert not commands_in(text)
        assert "\n" not in text


def test_the_servers_own_words_stay_in_the_error() -> None:
    error = WabotickError("a\nb")
    assert (error.message, str(error)) == ("a\nb", r"a\nb")


def refuse(sandbox: Sandbox, text: str = EVIL) -> None:
    body = json.dumps({"status": "0", "message": text})
    sandbox.script(Fault(FaultKind.SERVER_ERROR, status=400, body=body, times=9, endpoint="send_text"))


def test_call_shows_a_refusal_as_one_line(sandbox: Sandbox, run: Run) -> None:
    refuse(sandbox)
    result = run("call", "send_text", "phone_number=919800000001", "message=hi")
    assert result.code == 1
    assert "owned" in result.err
    assert not commands_in(result.out + result.err)
    assert result.err.count("\n") == 1


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_call_shows_an_answer_without_commands(sandbox: Sandbox, run: Run, form: tuple[str, ...]) -> None:
    sandbox.add_subscriber("919800000001", EVIL)
    result = run("call", "get_subscriber", "phone_number=919800000001", *form)
    assert result.code == 0
    assert "owned" in result.out
    assert not commands_in(result.out + result.err)
    if form:
        said = json.loads(result.out)
        assert EVIL.startswith(said["first_name"])
        assert said["last_name"] in EVIL


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_status_shows_notes_without_commands(sandbox: Sandbox, run: Run, tmp_path: Path, form: tuple[str, ...]) -> None:
    refuse(sandbox)
    path = tmp_path / "contacts.csv"
    path.write_text("phone\n919800000001\n919800000002\n")
    shown = run("broadcast", path, "--text", "hi", "--no-check")
    assert shown.code == 4, shown
    assert not commands_in(shown.out + shown.err)
    result: Any = run("status", f"{path}.wabotick-journal", "--refused", *form)
    assert "owned" in result.out
    assert not commands_in(result.out + result.err)
    if form:
        assert "INFO all sent\x9b2J\u202eabc" in json.loads(result.out)["refused"][0]["note"]
