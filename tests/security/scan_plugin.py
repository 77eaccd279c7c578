"""Find API tokens in what the tests leave behind: a pytest plugin that turns a leak into a failed test.

It reads what a token must never reach: log records, warnings, captured and piped output, and files in `tmp_path`; and,
of every error that `pytest.raises` catches, the texts, the attributes, the tracebacks along the chain, and the local
variables of the package's own frames. Under xdist each worker looks for itself.

Tokens are looked for without their digits in front, so raw and percent-encoded are one form, and in base64.
"""

from __future__ import annotations

import inspect
import logging
import subprocess
import traceback
import warnings
from base64 import b64encode
from collections.abc import Callable, Generator, Iterator
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import pytest

import wabotick_async
from wabotick_async.sandbox import TOKEN as SANDBOX_TOKEN
from wabotick_async.testing import fake_client

FAKE_TOKEN: Final[str] = inspect.signature(fake_client).parameters["api_token"].default
TOKENS: Final = (SANDBOX_TOKEN, FAKE_TOKEN, "1|SECRETSECRETSECRETSECRETSECRET")
"""Tokens that the tests use."""

ON_PURPOSE: Final = {
    "tests/security/test_scan_plugin.py::test_every_leak_fails_its_test": "the output of tests that leak",
    "tests/cli/test_sandbox_command.py::test_it_prints_settings_that_work": "the command prints its own made-up token",
    "tests/cli/test_bad_input.py::test_a_token_file_replaces_the_variable": "the test writes a file with the token",
}
"""Tests that show a token, and why that is right."""

_PACKAGE: Final = Path(wabotick_async.__file__).parent
# The server's side knows the token, and the fakes play the server.
_EQUIPMENT: Final = (str(_PACKAGE / "sandbox"), str(_PACKAGE / "testing"))
_LARGEST_FILE: Final = 64 << 20
_KEY: Final = "wabotick_secret_scan"


def forms_of(token: str) -> tuple[str, ...]:
    """Return the texts by which a token is known, whatever stands around it."""
    secret = token.partition("|")[2]
    # In base64 the outermost letters depend on the neighbours, and the others on the place modulo 3.
    encoded = (b64encode(b"\0" * shift + secret.encode())[4:-4].decode() for shift in range(3))
    return (secret, *encoded)


_FORMS: Final = tuple(chain.from_iterable(forms_of(token) for token in TOKENS))
_BYTE_FORMS: Final = tuple(form.encode() for form in _FORMS)


def holds_token(what: object) -> bool:
    """Tell whether a token can be read in a text, in bytes, or in the repr of anything else."""
    if isinstance(what, bytes | bytearray):
        return any(form in what for form in _BYTE_FORMS)
    try:
        text = what if isinstance(what, str) else repr(what)
    except Exception:  # noqa: BLE001 - whatever cannot be shown shows nothing
        return False
    return any(form in text for form in _FORMS)


def places_in(error: BaseException) -> Iterator[str]:
    """Yield where a token can be read in an error, in those it came from, and in the frames of the package."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        link = waiting.pop()
        if link is None or id(link) in seen:
            continue
        seen.add(id(link))
        waiting += [link.__cause__, link.__context__, *getattr(link, "exceptions", ())]
        if holds_token(link) or holds_token(_text_of(link)) or any(map(holds_token, vars(link).values())):
            yield f"text of {type(link).__name__}"
        yield from _places_in_frames(link.__traceback__)


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - some errors of other packages cannot be shown when they are half made
        return ""


def _places_in_frames(trace: TracebackType | None) -> Iterator[str]:
    for frame, _ in traceback.walk_tb(trace):
        file = frame.f_code.co_filename
        if file.startswith(str(_PACKAGE)) and not file.startswith(_EQUIPMENT):
            for name, value in frame.f_locals.items():
                if holds_token(value):
                    yield f"local variable {name} of {frame.f_code.co_qualname} in {Path(file).name}"


class SecretScan(logging.Handler):
    """Notes where a token was seen, and fails the test during which it was."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.found: list[str] = []
        """Places since the last test ended; never the token itself."""
        self.outside: list[str] = []
        """Places that belong to no test, or to one that has ended."""
        self._restore: list[Callable[[], None]] = []

    def look(self, where: str, *things: object) -> None:
        """Note a place where one of the things holds a token."""
        if any(map(holds_token, things)):
            self.found.append(where)

    def emit(self, record: logging.LogRecord) -> None:
        """Look at a log record, as every formatter could show it."""
        shown = [record.getMessage(), record.args, *vars(record).values()]
        if record.exc_info and record.exc_info[1]:
            shown += traceback.format_exception(record.exc_info[1])
            self.found += places_in(record.exc_info[1])
        self.look(f"log of {record.name}", *shown)

    def watch(self) -> None:
        """Look from now on at logs, and at what tests take from pipes and from `pytest.raises`."""
        package = logging.getLogger("wabotick_async")
        level = package.level
        logging.getLogger().addHandler(self)
        package.setLevel(logging.DEBUG)
        self._restore += [lambda: logging.getLogger().removeHandler(self), lambda: package.setLevel(level)]
        self._after(pytest.CaptureFixture, "readouterr", lambda output: self.look("captured output", *output))
        self._after(subprocess.Popen, "communicate", lambda output: self.look("output of a process", *output))
        exit_raises = pytest.RaisesExc.__exit__

        def leave(context: Any, kind: Any, error: BaseException | None, trace: Any) -> bool:
            if error is not None:
                self.found += places_in(error)
            return exit_raises(context, kind, error, trace)

        pytest.RaisesExc.__exit__ = leave  # type: ignore[method-assign]  # put back by unwatch
        self._restore.append(lambda: setattr(pytest.RaisesExc, "__exit__", exit_raises))

    def _after(self, owner: type, name: str, look: Callable[[Any], None]) -> None:
        original = getattr(owner, name)

        def wrapper(*args: Any, **kwargs: Any) -> Any:
            result = original(*args, **kwargs)
            look(result)
            return result

        setattr(owner, name, wrapper)
        self._restore.append(lambda: setattr(owner, name, original))

    def unwatch(self) -> None:
        """Leave everything as it was."""
        while self._restore:
            self._restore.pop()()

    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage, nodeid: str) -> None:
        """Look at a warning, which is told when its test has ended."""
        if holds_token(str(warning_message.message)):
            self.outside.append(f"warning of {nodeid}")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Fail the end of a test during which a token was seen."""
        report = yield
        if report.when != "teardown":
            return report
        for name, text in report.sections:
            self.look(name, text)
        self._look_at_files(getattr(item, "funcargs", {}).get("tmp_path"))
        found, self.found = sorted(set(self.found)), []
        if found and item.nodeid.partition("[")[0] not in ON_PURPOSE:
            report.outcome = "failed"
            report.longrepr = "an API token was seen in:\n" + "\n".join(found)
        return report

    def _look_at_files(self, folder: object) -> None:
        for path in sorted(folder.rglob("*")) if isinstance(folder, Path) else ():
            if path.is_file() and not path.is_symlink() and path.stat().st_size <= _LARGEST_FILE:
                try:
                    content = path.read_bytes()
                except OSError:  # a test took the right to read it away
                    continue
                self.look(f"file {path.name}", content)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail the session for what was seen outside of the tests; a worker of xdist hands it on."""
        self.outside += self.found
        of_worker: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
        if of_worker is not None:
            of_worker[_KEY] = self.outside
        elif self.outside:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take over what a worker of xdist has seen."""
        self.outside += getattr(node, "workeroutput", {}).get(_KEY, ())

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what was seen outside of the tests."""
        for place in sorted(set(self.outside)):
            terminalreporter.write_line(f"ERROR an API token was seen in: {place}")


def pytest_configure(config: pytest.Config) -> None:
    """Begin to look."""
    scan = SecretScan()
    config.pluginmanager.register(scan, "wabotick-secret-scan")
    scan.watch()
    config.add_cleanup(scan.unwatch)
