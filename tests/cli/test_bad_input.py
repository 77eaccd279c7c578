"""Bad input is named in one line, before anything is sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import TEMPLATE, Run, settings_of
from wabotick_async.sandbox import Sandbox

HEADER = b"phone,first name,code\n"
GOOD = HEADER + b"919812345671,Ada,A-1\n"

FILES = {
    "empty": (b"", "contacts.csv: expected a header row, the file is empty"),
    "blank header": (b"\n919812345671,Ada,A\n", "contacts.csv: row 1: expected a header row"),
    "no rows": (HEADER, "contacts.csv: expected rows below the header, there are none"),
    "no header": (
        b"919812345671,Ada,A-1\n",
        "contacts.csv: row 1: --phone-column: no column 'phone', the header has: ",
    ),
    "column twice": (b"phone,code,phone\n1,2,3\n", "contacts.csv: row 1: expected each column once, got 'phone' twice"),
    "nameless column": (b"phone,,code\n1,2,3\n", "contacts.csv: row 1: expected a name for each column, column 2"),
    "unknown column": (b"phone,name\n1,2\n", "contacts.csv: row 1: --var name=first name: no column 'first name'"),
    "semicolons": (b"phone;first name;code\n1;2;3\n", "is it --delimiter ';'?"),
    "tabs": (b"phone\tfirst name\n1\t2\n", "is it --delimiter $'\\t'?"),
    "latin-1": (
        GOOD + b"919812345672,Zo\xeb,A\n",
        "contacts.csv: line 3: expected UTF-8, got the byte 0xeb at place 16",
    ),
    "utf-16": (
        GOOD.decode().encode("utf-16"),
        "line 1: expected UTF-8, got the byte 0xff at place 1; it looks like UTF-16",
    ),
    "nul": (GOOD + b"91981234567\x00,Ada,A\n", "contacts.csv: line 3: expected UTF-8, got the byte 0x00 at place 12"),
    "open quote": (GOOD + b'919812345672,"Ada,A\n', "contacts.csv: line 3: expected CSV: unexpected end of data"),
    "endless line": (HEADER + b"9" * (1 << 20), "contacts.csv: line 2: expected a line shorter than 1,048,576 bytes"),
    "bad phone": (GOOD + b"12,Ada,A\n", "contacts.csv: row 3: phone: expected 7 to 15 digits with the country code"),
    "national phone": (GOOD + b"09812345671,Ada,A\n", "contacts.csv: row 3: phone: expected the country code first"),
    "no phone": (GOOD + b",Ada,A\n", "contacts.csv: row 3: phone: expected a phone number with country code"),
    "no value": (
        GOOD + b"919812345672,,A\n",
        "row 3: first name: expected a value for the variable 'name', the cell is",
    ),
    "too few cells": (GOOD + b"919812345672,Ada\n", "contacts.csv: row 3: expected 3 cells as in the header, got 2"),
    "too many cells": (GOOD + b"919812345672,A,B,C\n", "contacts.csv: row 3: expected 3 cells as in the header, got 4"),
    "empty row": (GOOD + b"\n919812345672,Ada,A\n", "contacts.csv: row 3: expected a recipient, the row is empty"),
}


def refuses(run: Run, sandbox: Sandbox, *arguments: object) -> list[str]:
    """Run a command that finds bad input, and return what it says."""
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert "Traceback" not in err
    assert sandbox.token not in err
    assert sandbox.ledger.total() == 0
    return err.splitlines()


@pytest.mark.parametrize(("content", "expected"), FILES.values(), ids=FILES)
def test_a_bad_file_is_one_line(run: Run, sandbox: Sandbox, tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "contacts.csv"
    path.write_bytes(content)

    [line] = refuses(run, sandbox, "broadcast", path, *TEMPLATE)

    assert expected in line
    assert len(sandbox.requests) == 0
    assert [*tmp_path.iterdir()] == [path]


def test_a_missing_file_is_one_line(run: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    assert refuses(run, sandbox, "broadcast", tmp_path / "gone.csv", *TEMPLATE) == [
        "gone.csv: expected a readable file: No such file or directory"
    ]


def test_twenty_problems_are_listed_and_the_rest_is_counted(run: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "contacts.csv"
    path.write_bytes(HEADER + b"1,Ada,A\n" * 25)

    lines = refuses(run, sandbox, "broadcast", path, *TEMPLATE)

    assert [line.split(":")[1] for line in lines[:-1]] == [f" row {number}" for number in range(2, 22)]
    assert lines[-1] == "contacts.csv: and 5 more rows with problems"


def test_a_bad_number_is_not_shown_whole(run: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "contacts.csv"
    path.write_bytes(HEADER + b"09812345671,Ada,A\n")

    [line] = refuses(run, sandbox, "broadcast", path, *TEMPLATE)

    assert "…5671" in line


OPTIONS = {
    "nothing to send": ([], "expected exactly one of --template, --media and --text"),
    "two things": (["--template", "101", "--text", "x"], "expected exactly one of --template, --media and --text"),
    "foreign option": (["--text", "x", "--var", "a=b"], "--var: goes with --template, not with --text"),
    "long id": (
        ["--template", "437509121867801"],
        "--template: expected the short id of the template list, got Meta's",
    ),
    "name": (["--template", "greeting"], "--template: expected the template's short number"),
    "var": (["--template", "101", "--var", "name"], "--var: expected name=column, got 'name'"),
    "var twice": (["--template", "101", "--var", "a=code", "--var", "a=code"], "--var: expected each variable once"),
    "header": (
        ["--template", "102", "--header-media-url", "ftp://x"],
        "--header-media-url: expected a public https or",
    ),
    "headers": (
        ["--template", "102", "--header-media-url", "https://x.test/a.jpg", "--header-media-column", "code"],
        "expected one of --header-media-url and --header-media-column, not both",
    ),
    "header column": (
        ["--template", "102", "--header-media-column", "code"],
        "contacts.csv: row 2: code: expected a public https or http link",
    ),
    "media": (
        ["--media", "gone.png"],
        "--media: expected a readable file, an https:// link or a column, got 'gone.png'",
    ),
    "http media": (["--media", "http://x.test/a.jpg"], "--media: expected a public https link"),
    "media type": (["--media", "https://x.test/a.jpg", "--media-type", "gif"], "--media-type: expected one of image"),
    "media without type": (["--media", "https://x.test/a"], "--media-type: expected one of image"),
    "captions": (["--media", "code", "--caption", "a", "--caption-column", "code"], "expected one of --caption and"),
    "caption column": (["--media", "code", "--caption-column", "x"], "row 1: --caption-column: no column 'x'"),
    "sound": (["--media", "https://x.test/a.mp3", "--media-type", "audio", "--caption", "a"], "--caption: expected no"),
    "media column": (["--media", "code"], "contacts.csv: row 2: code: expected a public https link"),
    "empty text": (["--text", " "], "--text: expected a text that is not empty"),
    "braces": (["--text", "{"], "--text: "),
    "attribute": (["--text", "{code.x}"], "--text: expected the name of a column in each pair of braces"),
    "unknown place": (["--text", "Hi {nick}"], "contacts.csv: row 1: --text: no column 'nick'"),
    "long text": (["--text", "{code}" * 2000], "contacts.csv: row 2: message: expected at most 4096 characters"),
    "delimiter": (["--text", "x", "--delimiter", "ab"], "--delimiter: expected one character, got 'ab'"),
    "phone column": (["--text", "x", "--phone-column", "tel"], "contacts.csv: row 1: --phone-column: no column 'tel'"),
    "no directory": (["--text", "x", "--journal", "gone/j"], "--journal: expected a directory that exists, got gone"),
}


@pytest.mark.parametrize(("options", "expected"), OPTIONS.values(), ids=OPTIONS)
def test_a_bad_option_is_one_line(
    run: Run, sandbox: Sandbox, contacts: Path, options: list[str], expected: str
) -> None:
    contacts.write_text("phone,first name,code\n919812345671,Ada,A-1\n")

    [line] = refuses(run, sandbox, "broadcast", contacts, *options)

    assert expected in line
    assert len(sandbox.requests) == 0


SETTINGS = {
    "no token": ("WABOTICK_API_TOKEN", "", "no API token: set WABOTICK_API_TOKEN or name a file with --token-file"),
    "token form": ("WABOTICK_API_TOKEN", "secretwithoutbar", "api_token: expected an API token of the form"),
    "http": ("WABOTICK_BASE_URL", "http://app.wabotick.test", "base_url: expected https:// for app.wabotick.test"),
    "no number": ("WABOTICK_PHONE_NUMBER_ID", "", "no sending number: set WABOTICK_PHONE_NUMBER_ID"),
    "number": ("WABOTICK_PHONE_NUMBER_ID", "12a", "phone_number_id: expected the digits"),
}


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_a_bad_setting_is_one_line(
    run: Run, sandbox: Sandbox, contacts: Path, monkeypatch: pytest.MonkeyPatch, setting: tuple[str, str, str]
) -> None:
    name, value, expected = setting
    monkeypatch.setenv(name, value)

    [line] = refuses(run, sandbox, "broadcast", contacts, *TEMPLATE)

    assert expected in line
    assert "secretwithoutbar" not in line


TEMPLATES = {
    "unknown": (["--template", "999"], ["no such template, the sending number has: 101, 102"]),
    "pending": (["--template", "104"], ["expected an approved template, its status is Pending"]),
    "not mapped": (["--template", "106", "--var", "name=code"], ["its variables are not mapped"]),
    "carousel": (["--template", "107"], ["a carousel cannot be sent through the API"]),
    "missing": (["--template", "101", "--var", "name=code"], ["expected --var order-code=COLUMN"]),
    "surplus": ([*TEMPLATE, "--var", "x=code"], ["--var x: no such variable, it has: name, order-code"]),
    "header": (
        ["--template", "102"],
        ["expected --header-media-url or --header-media-column: it has a header of the kind"],
    ),
    "no header": ([*TEMPLATE, "--header-media-url", "https://x.test/a.jpg"], ["it has no media header"]),
    "two": (["--template", "101"], ["expected --var name=COLUMN", "expected --var order-code=COLUMN"]),
}


@pytest.mark.parametrize(("options", "expected"), TEMPLATES.values(), ids=TEMPLATES)
def test_a_template_that_cannot_be_sent_is_found_first(
    run: Run, sandbox: Sandbox, contacts: Path, options: list[str], expected: list[str]
) -> None:
    _fine, *lines = refuses(run, sandbox, "broadcast", contacts, *options)

    assert len(lines) == len(expected)
    assert all(part in line for part, line in zip(expected, lines, strict=True))
    assert not contacts.with_name("contacts.csv.wabotick-journal").exists()


def test_a_refused_token_is_found_first(
    run: Run, sandbox: Sandbox, contacts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WABOTICK_API_TOKEN", "1|" + "Wrong" * 8)

    _fine, line = refuses(run, sandbox, "broadcast", contacts, *TEMPLATE)

    assert line == "wabotick: list_templates: Unauthenticated.; nothing was sent"


def test_an_existing_journal_is_not_touched(run: Run, sandbox: Sandbox, contacts: Path) -> None:
    journal = contacts.with_name("contacts.csv.wabotick-journal")
    journal.touch()

    [line] = refuses(run, sandbox, "broadcast", contacts, *TEMPLATE)

    assert line.endswith(f"exists already; go on with: wabotick resume {journal}")


@pytest.mark.parametrize("content", [b"\xff\xfe", None], ids=["no text", "no file"])
def test_a_bad_token_file_is_one_line(run: Run, sandbox: Sandbox, contacts: Path, content: bytes | None) -> None:
    path = contacts.with_name("token")
    if content is not None:
        path.write_bytes(content)

    [line] = refuses(run, sandbox, "broadcast", contacts, *TEMPLATE, "--token-file", path)

    assert line.startswith("wabotick: --token-file: expected ")


def test_a_token_file_replaces_the_variable(
    run: Run, sandbox: Sandbox, contacts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = settings_of(sandbox)["WABOTICK_API_TOKEN"]
    monkeypatch.delenv("WABOTICK_API_TOKEN")
    contacts.with_name("token").write_text(token + "\n")

    result = run("broadcast", contacts, *TEMPLATE, "--token-file", contacts.with_name("token"), "--dry-run")

    assert result.code == 0
    assert token not in result.out + result.err
