"""`wabotick sandbox` serves until Ctrl-C."""

from __future__ import annotations

import signal
import socket
from pathlib import Path

import pytest

from tests.cli.conftest import Run, start
from wabotick_async.sandbox import TOKEN


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_settings_that_work(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    ledger = tmp_path / "ledger.jsonl"
    with start(None, "sandbox", "--ledger", ledger, "--open-window", "--dialect", "sibling") as process:
        assert process.stdout is not None
        for _ in range(3):
            name, _, value = process.stdout.readline().removeprefix("export ").strip().partition("=")
            monkeypatch.setenv(name, value.strip("'"))
        sent = run("call", "send_text", "phone_number=919812345671", "message=hi")
        process.send_signal(number)
        _, err = process.communicate(timeout=10)

    assert (sent.code, process.returncode) == (0, 0)
    assert err.endswith("1 messages were accepted\n")
    assert len(ledger.read_text().splitlines()) == 1
    assert TOKEN not in ledger.read_text()


def test_a_taken_port_is_one_line(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        code, out, err = run("sandbox", "--port", port, "--faults", "light")

    assert (code, out) == (2, "")
    assert err.startswith(f"wabotick: --port {port}: ")
