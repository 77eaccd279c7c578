"""A sandbox in a thread of its own, and the command line in this process or in another one."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from wabotick_async.cli import main
from wabotick_async.sandbox import Sandbox


class LiveSandbox:
    """A sandbox that serves from a thread while a test blocks."""

    def __init__(self, **settings: Any) -> None:
        self._settings = settings
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    def __enter__(self) -> Sandbox:
        self._thread.start()
        assert self._ready.wait(60)
        return self.sandbox

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(60)

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        async with Sandbox(**self._settings) as self.sandbox:
            self._ready.set()
            await self._end.wait()


class Result(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Result]


def settings_of(sandbox: Sandbox) -> dict[str, str]:
    return {
        "WABOTICK_BASE_URL": sandbox.base_url,
        "WABOTICK_API_TOKEN": sandbox.token,
        "WABOTICK_PHONE_NUMBER_ID": sandbox.phone_number_id,
    }


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*os.environ]:
        if name.startswith("WABOTICK_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A sandbox without faults, to which the environment points."""
    with LiveSandbox(auto_window=True) as sandbox:
        for name, value in settings_of(sandbox).items():
            monkeypatch.setenv(name, value)
        yield sandbox


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process."""

    def run(*arguments: object) -> Result:
        code = main([str(one) for one in arguments])
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return run


def start(sandbox: Sandbox | None, *arguments: object) -> subprocess.Popen[str]:
    """Start a command in a process of its own."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("WABOTICK_")}
    environ.update({} if sandbox is None else settings_of(sandbox), PYTHONUNBUFFERED="1")
    return subprocess.Popen(
        [sys.executable, "-m", "wabotick_async", *map(str, arguments)],
        env=environ,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    )


def wait_until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.005)


@pytest.fixture
def contacts(tmp_path: Path) -> Path:
    """Three recipients, the last one a repeat of the first."""
    path = tmp_path / "contacts.csv"
    path.write_text(
        "phone,first name,code\n+91 98123-45671,Ada,A-1\n919812345672,محمد 🎉,A-2\n00919812345671,Ada,A-1\n",
        encoding="utf-8",
    )
    return path


def write_contacts(path: Path, rows: int) -> Path:
    lines = ["phone,first name,code", *(f"91981{place:07},Ada,A-{place}" for place in range(rows))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


TEMPLATE = ("--template", "101", "--var", "name=first name", "--var", "order-code=code")
