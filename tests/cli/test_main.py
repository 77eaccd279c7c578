"""The frame around the commands: help, usage errors, missing extra, exit codes."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module

import pytest

from tests.cli.conftest import Run
from wabotick_async.cli import main
from wabotick_async.cli.exits import EXIT_CODES, ExitCode

STRUCTURE = {
    "demo": {"--messages", "--media", "--rate", "--seed", "--keep"},
    "broadcast": {
        "--template",
        "--var",
        "--header-media-url",
        "--header-media-column",
        "--media",
        "--media-type",
        "--caption",
        "--caption-column",
        "--text",
        "--phone-column",
        "--delimiter",
        "--journal",
        "--campaign",
        "--rate",
        "--start-rate",
        "--concurrency",
        "--max-unknown",
        "--timeout",
        "--check",
        "--no-check",
        "--dry-run",
        "--yes",
        "--base-url",
        "--phone-number-id",
        "--token-file",
    },
    "resume": {
        "--queued-only",
        "--csv",
        "--rate",
        "--start-rate",
        "--concurrency",
        "--max-unknown",
        "--accept-lost-wal",
        "--base-url",
        "--phone-number-id",
        "--token-file",
    },
    "retry": {
        "--cause",
        "--limit",
        "--reason",
        "--queued-only",
        "--csv",
        "--rate",
        "--start-rate",
        "--concurrency",
        "--max-unknown",
        "--base-url",
        "--phone-number-id",
        "--token-file",
    },
    "reconcile": {
        "--settle-after",
        "--utc-offset",
        "--pages",
        "--other",
        "--rate",
        "--json",
        "--base-url",
        "--phone-number-id",
        "--token-file",
    },
    "resend": {
        "--row",
        "--all-unknown",
        "--limit",
        "--reason",
        "--queued-only",
        "--csv",
        "--rate",
        "--start-rate",
        "--concurrency",
        "--max-unknown",
        "--base-url",
        "--phone-number-id",
        "--token-file",
    },
    "status": {"--unknown", "--refused", "--output", "--json"},
    "backup": set(),
    "purge": {"--older-than"},
    "templates": {"--json", "--timeout", "--base-url", "--phone-number-id", "--token-file"},
    "call": {"--json", "--timeout", "--base-url", "--phone-number-id", "--token-file"},
    "sandbox": {
        "--port",
        "--dialect",
        "--rate-limit",
        "--ledger",
        "--faults",
        "--open-window",
        "--number-limit",
        "--pair-seconds",
        "--pair-burst",
        "--daily-limit",
    },
}


def test_the_help_lists_the_commands(run: Run) -> None:
    commands = re.search(r"Commands:\n(.*?)\n\n", run("--help").out, re.DOTALL)

    assert commands is not None
    assert [line.split()[0] for line in commands[1].splitlines()] == [*STRUCTURE]


@pytest.mark.parametrize("command", STRUCTURE)
def test_the_help_lists_the_options(run: Run, command: str) -> None:
    options = re.findall(r"^  (?:-\w, )?(--[\w-]+)(?: / (--[\w-]+))?", run(command, "--help").out, re.MULTILINE)

    assert {name for pair in options for name in pair if name} - {"--help"} == STRUCTURE[command]


def test_no_command_is_a_request_for_help(run: Run) -> None:
    assert run() == run("--help")


def test_the_help_lists_the_exit_codes(run: Run) -> None:
    text = run("--help").out

    assert all(f"{code:>4}  {meaning}" in text for code, meaning in EXIT_CODES.items())


def test_every_exit_code_has_a_meaning() -> None:
    assert [*EXIT_CODES] == [*ExitCode]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["nonsense"], "nonsense"),
        (["status"], "journal"),
        (["demo", "--messages", "many"], "--messages"),
        (["templates", "--colour"], "--colour"),
        (["status", "gone"], "there is no journal at gone"),
    ],
)
def test_a_wrong_command_line_is_one_line(run: Run, arguments: list[str], expected: str) -> None:
    code, out, err = run(*arguments)

    assert (code, out, err.count("\n")) == (ExitCode.INVALID, "", 1)
    assert err.startswith("wabotick: ")
    assert expected in err.replace("JOURNAL", "journal")


def without(module: str) -> subprocess.CompletedProcess[str]:
    """Ask for help in a process that has not got a module."""
    code = (
        f"import sys; sys.modules[{module!r}] = None; from wabotick_async.cli import main; sys.exit(main(['--help']))"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("module", ["typer", "rich"])
def test_a_missing_extra_is_one_helpful_line(module: str) -> None:
    done = without(module)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "wabotick: the command line needs typer and rich: pip install 'wabotick-async[cli]'\n"


def test_another_missing_module_is_a_defect() -> None:
    assert "ModuleNotFoundError" in without("wabotick_async.cli.loop").stderr


@pytest.mark.parametrize(
    ("error", "code", "expected"),
    [
        (KeyboardInterrupt(), 130, ""),
        (FileNotFoundError(2, "No such file", "a.csv"), 2, "wabotick: a.csv: No such file\n"),
        (OSError("odd"), 2, "wabotick: system: odd\n"),
    ],
    ids=["interrupted", "no file", "no name"],
)
def test_no_error_becomes_a_traceback(
    monkeypatch: pytest.MonkeyPatch, run: Run, error: BaseException, code: int, expected: str
) -> None:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr("wabotick_async.cli.call._list_endpoints", fail)

    result = run("call")

    assert result.code == code
    assert result.err == expected or code == 130


def test_a_reader_who_leaves_is_no_error() -> None:
    command = f"{sys.executable} -m wabotick_async call | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)

    assert done.stderr == ""
    assert done.returncode in {0, 1}


def test_python_m_runs_it() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "wabotick_async", "call", "x"], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (2, "wabotick: call: no endpoint 'x'; `wabotick call` lists them\n")


def test_the_main_module_imports_without_running() -> None:
    assert import_module("wabotick_async.__main__").main is main
