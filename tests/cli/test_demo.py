"""`wabotick demo`, in its short form."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from tests.cli.conftest import Run, start
from wabotick_async.cli.audit import Audit
from wabotick_async.sandbox import TOKEN

SHORT = ("--messages", "200", "--media", "20")


def test_the_report_equals_the_ledger(run: Run) -> None:
    code, out, err = run("demo", *SHORT)

    assert code == 0
    assert len(re.findall(r"^(?:lost|twice|falsely accepted|falsely refused|strangers) +0$", out, re.MULTILINE)) == 10
    assert "the report equals the ledger" in out
    assert TOKEN not in out + err


def test_every_unknown_row_is_named(run: Run) -> None:
    out = run("demo", "--messages", "600", "--media", "0", "--seed", "3").out

    count = int(re.findall(r"^unknown +(\d+)", out, re.MULTILINE)[0])
    named = re.findall(r"^  unknown: row \d+, …\d{4}, \w+: the sandbox had (?:not )?accepted it$", out, re.MULTILINE)
    assert count == len(named) > 0


def test_files_are_kept_on_demand(run: Run, tmp_path: Path) -> None:
    kept = tmp_path / "new" / "demo"

    assert run("demo", "--messages", "20", "--media", "0", "--keep", kept).code == 0
    names = {path.name for path in kept.iterdir()}
    assert {"template.csv", "template.csv.wabotick-journal", "ledger.jsonl"} <= names

    again = run("demo", "--keep", kept)
    assert (again.code, again.out) == (2, "")
    assert "another demo" in again.err


def test_an_untruthful_report_fails(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Audit(lost=("919812345671",), miscounted="the report counts 1 rows, the file has 2")
    monkeypatch.setattr("wabotick_async.cli.demo.audit", lambda *_, **__: found)

    code, out, _ = run("demo", "--messages", "20", "--media", "5")

    assert code == 1
    assert "lost              1 …5671" in out
    assert "miscounted        the report counts 1 rows, the file has 2" in out
    assert "THE REPORT DIFFERS FROM THE LEDGER" in out


def test_ctrl_c_ends_it_with_a_report() -> None:
    with start(None, "demo", "--rate", "50") as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)

    assert process.returncode in {3, 130}, err
    assert "Traceback" not in err


def test_the_temporary_directory_is_gone(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    run("demo", "--messages", "10", "--media", "0")

    assert [*tmp_path.iterdir()] == []
