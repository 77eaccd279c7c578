"""Refused rows of one cause are sent again, as the journal holds them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import TEMPLATE, Run, write_contacts
from tests.cli.test_resume import begin, counts_of, journal_of
from wabotick_async import SQLiteJournal
from wabotick_async.bulk.journal import Counts
from wabotick_async.cli.exits import ExitCode
from wabotick_async.sandbox import Fault, FaultKind, Sandbox

CODES = ("131008", "131008", "131009")


@pytest.fixture
def refused(sandbox: Sandbox, run: Run, tmp_path: Path) -> Path:
    """A campaign of 6, complete, with 3 rows refused."""
    contacts = write_contacts(tmp_path / "contacts.csv", 6)
    for code in CODES:
        body = json.dumps({"status": "0", "message": f"no (#{code})"})
        sandbox.script(Fault(FaultKind.SERVER_ERROR, endpoint="send_template", status=200, body=body))
    assert run("broadcast", contacts, *TEMPLATE, "--rate", "500", "--concurrency", "1").code == ExitCode.INCOMPLETE
    assert counts_of(contacts) == Counts(accepted=3, refused=3)
    return contacts


def test_rows_of_one_code_are_sent_again(refused: Path, sandbox: Sandbox, run: Run) -> None:
    code, out, err = run("retry", journal_of(refused), "--cause", "reject_row:131008")

    assert code == ExitCode.INCOMPLETE
    assert "2 refused rows of the cause" in err
    assert "accepted          5" in out
    assert counts_of(refused) == Counts(accepted=5, refused=1)
    assert set(sandbox.ledger.per_recipient().values()) == {1}


def test_advice_stands_for_all_its_codes(refused: Path, sandbox: Sandbox, run: Run) -> None:
    assert (
        run("retry", journal_of(refused), "--cause", "reject_row", "--reason", "it is mapped now").code == ExitCode.DONE
    )
    assert sandbox.ledger.total() == 6
    [entry] = map(json.loads, SQLiteJournal.inspect(journal_of(refused)).requeues)
    assert (entry["rows"], entry["code"], entry["reason"]) == (3, "reject_row", "it is mapped now")


def test_limit(refused: Path, sandbox: Sandbox, run: Run) -> None:
    assert run("retry", journal_of(refused), "--cause", "reject_row", "--limit", "1").code == ExitCode.INCOMPLETE
    assert sandbox.ledger.total() == 4


def test_a_row_is_sent_as_it_was_first_read(refused: Path, sandbox: Sandbox, run: Run) -> None:
    refused.write_text(refused.read_text().replace("Ada", "Eve").replace("A-", "B-") + "919899999999,Eve,B-9\n")

    assert run("retry", journal_of(refused), "--cause", "reject_row").code == ExitCode.DONE

    sent = [entry.fields for entry in sandbox.ledger.entries]
    assert {fields["templateVariable-name-1"] for fields in sent} == {"Ada"}
    assert {fields["templateVariable-order-code-2"] for fields in sent} == {f"A-{place}" for place in range(6)}


def test_unknown_cause_sends_nothing(refused: Path, sandbox: Sandbox, run: Run) -> None:
    code, _, err = run("retry", journal_of(refused), "--cause", "nonsense")

    assert code == ExitCode.INVALID
    assert "no refused row has this cause; nothing was sent; the causes are: " in err
    assert len(err.splitlines()) == 1
    assert counts_of(refused) == Counts(accepted=3, refused=3)
    assert SQLiteJournal.inspect(journal_of(refused)).open_run is None


def test_cause_is_needed(refused: Path, run: Run) -> None:
    assert run("retry", journal_of(refused)).code == ExitCode.INVALID


async def test_journal_of_another_program(run: Run, tmp_path: Path) -> None:
    await begin(tmp_path / "j", 1)

    code, _, err = run("retry", tmp_path / "j", "--cause", "refused")

    assert code == ExitCode.INVALID
    assert "was not begun by `wabotick broadcast`" in err
