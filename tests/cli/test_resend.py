"""Rows of unknown outcome are sent again on somebody's explicit word only."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import TEMPLATE, Run, write_contacts
from tests.cli.test_resume import counts_of, journal_of
from wabotick_async import SQLiteJournal, State
from wabotick_async.bulk.journal import Counts
from wabotick_async.cli.exits import ExitCode
from wabotick_async.sandbox import Fault, FaultKind, Sandbox


@pytest.fixture
def unknown(sandbox: Sandbox, run: Run, tmp_path: Path) -> Path:
    """A campaign of 5, complete, with rows 2 and 3 of the file unknown: both were accepted."""
    contacts = write_contacts(tmp_path / "contacts.csv", 5)
    for _ in range(2):
        sandbox.script(Fault(FaultKind.RESET_AFTER, endpoint="send_template"))
    assert run("broadcast", contacts, *TEMPLATE, "--rate", "500", "--concurrency", "1").code == ExitCode.INCOMPLETE
    assert counts_of(contacts) == Counts(accepted=3, unknown=2)
    assert [row.seq for row in SQLiteJournal.read_rows(journal_of(contacts), State.UNKNOWN)] == [1, 2]
    return contacts


def test_chosen_rows_are_sent_again(unknown: Path, sandbox: Sandbox, run: Run) -> None:
    code, _, err = run("resend", journal_of(unknown), "--row", "3", "--reason", "nothing in her conversation")

    assert code == ExitCode.INCOMPLETE
    assert "1 rows of unknown outcome are queued again" in err
    assert counts_of(unknown) == Counts(accepted=4, unknown=1)
    assert sandbox.ledger.per_recipient()["919810000001"] == 2
    [entry] = map(json.loads, SQLiteJournal.inspect(journal_of(unknown)).resends)
    assert (entry["rows"], entry["reason"]) == (1, "nothing in her conversation")


@pytest.mark.parametrize(("limit", "expected"), [(1, ExitCode.INCOMPLETE), (9, ExitCode.DONE)])
def test_all_of_them_up_to_a_limit(unknown: Path, sandbox: Sandbox, run: Run, limit: int, expected: ExitCode) -> None:
    result = run("resend", journal_of(unknown), "--all-unknown", "--limit", limit, "--reason", "asked")

    assert result.code == expected
    assert sandbox.ledger.total() == 5 + min(limit, 2)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--reason", "x"], "either --row"),
        (["--row", "2", "--all-unknown", "--limit", "1", "--reason", "x"], "either --row"),
        (["--all-unknown", "--reason", "x"], "--limit with --all-unknown"),
        (["--row", "2", "--limit", "1", "--reason", "x"], "--limit with --all-unknown"),
        (["--row", "2"], "--reason"),
        (["--row", "2", "--reason", " "], "some words"),
        (["--row", "2", "--row", "4", "--row", "77", "--reason", "x"], "--row 4, 77: expected rows of unknown outcome"),
    ],
)
def test_less_than_an_explicit_word(
    unknown: Path, sandbox: Sandbox, run: Run, arguments: list[str], expected: str
) -> None:
    code, _, err = run("resend", journal_of(unknown), *arguments)

    assert code == ExitCode.INVALID
    assert expected in err
    assert sandbox.ledger.total() == 5
    assert counts_of(unknown) == Counts(accepted=3, unknown=2)


def test_nothing_is_unknown(unknown: Path, run: Run) -> None:
    options = ("--all-unknown", "--limit", "9", "--reason", "asked")
    run("resend", journal_of(unknown), *options)

    code, _, err = run("resend", journal_of(unknown), *options)

    assert code == ExitCode.INVALID
    assert "no row is of unknown outcome; nothing was sent" in err


def test_the_file_is_not_needed_when_the_journal_holds_every_row(unknown: Path, run: Run) -> None:
    unknown.unlink()

    assert run("resume", journal_of(unknown)).code == ExitCode.INCOMPLETE
