"""`wabotick sandbox` serves until Ctrl-C."""

from __future__ import annotations

import signal
import socket
import urllib.request
from pathlib import Path

import msgspec
import pytest

from tests.cli.conftest import Run, start
from wabotick_async.sandbox import TOKEN, Quotas


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
        _, err = process.communicate(timeout=60)

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


@pytest.mark.parametrize(
    ("options", "quotas"),
    [
        ([], Quotas()),
        (
            ["--rate-limit=50", "--number-limit=20", "--pair-seconds=0.5", "--pair-burst=3", "--daily-limit=250"],
            Quotas(account=50, number=20, pair=0.5, pair_burst=3, daily=250),
        ),
    ],
)
def test_the_limits_are_options(options: list[str], quotas: Quotas) -> None:
    with start(None, "sandbox", *options) as process:
        assert process.stdout is not None
        # Read to the end of the settings, or the scan of what is left finds the made-up token that they hold.
        settings = [process.stdout.readline() for _ in range(3)]
        base_url = settings[0].partition("=")[2].strip("'\n")
        with urllib.request.urlopen(f"{base_url}/_sandbox/quotas", timeout=60) as answer:
            served = msgspec.json.decode(answer.read(), type=Quotas)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)

    assert served == quotas
