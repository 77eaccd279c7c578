"""Backup and purge from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import TEMPLATE, Run
from tests.cli.test_resume import counts_of, journal_of
from wabotick_async import SQLiteJournal
from wabotick_async.cli.exits import ExitCode
from wabotick_async.sandbox import Sandbox


@pytest.fixture
def done(sandbox: Sandbox, run: Run, contacts: Path) -> Path:
    """A campaign that is over: two accepted, one repeat."""
    assert run("broadcast", contacts, *TEMPLATE, "--rate", "500").code == ExitCode.DONE
    return contacts


def test_backup(done: Path, run: Run, tmp_path: Path) -> None:
    code, out, err = run("backup", journal_of(done), tmp_path / "copy")

    assert (code, out, err) == (ExitCode.DONE, "", f"backup written to {tmp_path / 'copy'}\n")
    assert SQLiteJournal.inspect(tmp_path / "copy").counts == counts_of(done)


def test_backup_onto_a_file(done: Path, run: Run) -> None:
    code, _, err = run("backup", journal_of(done), done)

    assert code == ExitCode.INVALID
    assert "exists already" in err
    assert len(err.splitlines()) == 1


def test_purge(done: Path, run: Run) -> None:
    before = counts_of(done)

    code, out, err = run("purge", journal_of(done), "--older-than", "0")

    assert (code, out, err) == (ExitCode.DONE, "", f"3 finished rows of {journal_of(done)} were forgotten\n")
    assert counts_of(done) == before
    assert b"919812345671" not in journal_of(done).read_bytes()


def test_purge_of_what_is_young(done: Path, run: Run) -> None:
    assert run("purge", journal_of(done), "--older-than", "0.5").err.startswith("0 finished rows")
    assert b"919812345671" in journal_of(done).read_bytes()


@pytest.mark.parametrize("options", [[], ["--older-than", "-1"], ["--older-than", "soon"]])
def test_purge_needs_an_age(done: Path, run: Run, options: list[str]) -> None:
    assert run("purge", journal_of(done), *options).code == ExitCode.INVALID


def test_status_and_resume_after_a_purge(done: Path, sandbox: Sandbox, run: Run) -> None:
    run("purge", journal_of(done), "--older-than", "0")

    assert run("status", journal_of(done)).code == ExitCode.DONE
    assert run("resume", journal_of(done)).code == ExitCode.DONE
    assert sandbox.ledger.total() == 2
