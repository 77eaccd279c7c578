"""`wabotick reconcile` settles what the conversations show, and says what they do not."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.cli.conftest import TEMPLATE, Run, write_contacts
from wabotick_async import BulkSender, SendText, SQLiteJournal, WabotickClient
from wabotick_async.bulk.journal import Counts
from wabotick_async.cli.exits import ExitCode
from wabotick_async.sandbox import Fault, FaultKind, Sandbox


def broadcast(run: Run, sandbox: Sandbox, contacts: Path, *faults: FaultKind, name: str = "") -> Path:
    """Send to everybody, one after the other, each with its fault."""
    sandbox.script(*(Fault(kind, endpoint="send_template", after_bytes=20) for kind in faults))
    journal = contacts.with_name(f"journal{name}")
    run("broadcast", contacts, *TEMPLATE, "--rate", "500", "--concurrency", "1", "--journal", journal)
    return journal


@pytest.fixture
def journal(sandbox: Sandbox, run: Run, tmp_path: Path) -> Path:
    """Of a campaign with 2 accepted rows, 2 that were accepted but unknown, and 1 that was never accepted."""
    contacts = write_contacts(tmp_path / "contacts.csv", 5)
    kinds = (FaultKind.LATENCY, FaultKind.CUT, FaultKind.RESET_BEFORE, FaultKind.RESET_AFTER)
    return broadcast(run, sandbox, contacts, *kinds)


def test_for_people(journal: Path, sandbox: Sandbox, run: Run) -> None:
    code, out, err = run("reconcile", journal)

    assert (code, err) == (ExitCode.INCOMPLETE, "")
    assert out.splitlines() == [
        "row 4: …0002, too early, not in the conversation yet",
        "accepted               2",
        "ambiguous              0",
        "too early              1",
        "absent                 0",
        "no clock               0",
        "unread                 0",
        "cannot tell            0",
        "still unknown          1",
    ]
    assert SQLiteJournal.inspect(journal).counts == Counts(accepted=4, unknown=1)
    assert sandbox.ledger.total() == 4


def test_after_the_delay_a_row_is_absent(journal: Path, run: Run) -> None:
    code, out, err = run("reconcile", journal, "--settle-after", "0")

    assert code == ExitCode.INCOMPLETE
    assert out.splitlines()[0] == "row 4: …0002, absent, not in the conversation"
    assert err.startswith("absent rows stay unknown")


def test_as_json(journal: Path, sandbox: Sandbox, run: Run) -> None:
    shown = json.loads(run("reconcile", journal, "--json", "--utc-offset", "0", "--rate", "500").out)

    assert (shown["accepted"], shown["unknown"]) == (2, 1)
    assert shown["counts"]["too_early"] == 1
    assert [(row["row"], row["phone_number"], row["finding"]) for row in shown["rows"]] == [
        (3, "…0001", "accepted"),
        (4, "…0002", "too_early"),
        (5, "…0003", "accepted"),
    ]
    assert shown["rows"][0]["message_id"] == sandbox.ledger.entries[1].message_id


def test_a_wrong_offset_settles_nothing(journal: Path, run: Run) -> None:
    code, out, _ = run("reconcile", journal, "--utc-offset", "-8")

    assert code == ExitCode.INCOMPLETE
    assert "ambiguous              2" in out


def test_everything_found_is_success(sandbox: Sandbox, run: Run, tmp_path: Path) -> None:
    contacts = write_contacts(tmp_path / "contacts.csv", 2)
    journal = broadcast(run, sandbox, contacts, FaultKind.LATENCY, FaultKind.CUT)

    assert run("reconcile", journal).code == ExitCode.DONE
    assert run("reconcile", journal).code == ExitCode.DONE  # nothing is unknown any more


def test_the_messages_of_another_campaign_are_left_to_it(sandbox: Sandbox, run: Run, tmp_path: Path) -> None:
    contacts = write_contacts(tmp_path / "contacts.csv", 2)
    ours = broadcast(run, sandbox, contacts, FaultKind.LATENCY, FaultKind.RESET_BEFORE, name="-ours")
    theirs = broadcast(run, sandbox, contacts, name="-theirs")

    code, out, _ = run("reconcile", ours, "--other", theirs, "--settle-after", "0")

    assert code == ExitCode.INCOMPLETE
    assert out.splitlines()[0] == "row 3: …0001, absent, not in the conversation"


async def test_a_journal_of_a_program(sandbox: Sandbox, tmp_path: Path, run: Run) -> None:
    sandbox.script(Fault(FaultKind.LATENCY), Fault(FaultKind.CUT))
    number, url = sandbox.phone_number_id, sandbox.base_url
    async with WabotickClient(sandbox.token, phone_number_id=number, base_url=url) as client:
        sender = BulkSender(client, journal=tmp_path / "j", campaign="spring", concurrency=1)
        await sender.run(SendText(phone_number=f"91981234567{place}", message="hi") for place in range(2))

    result = await asyncio.to_thread(run, "reconcile", tmp_path / "j", "--settle-after", "0")

    assert (result.code, result.err) == (ExitCode.DONE, "")


@pytest.mark.parametrize(
    "arguments",
    [("gone",), ("journal", "--other", "gone"), ("journal", "--pages", "0"), ("journal", "--utc-offset", "15")],
)
def test_bad_input(journal: Path, run: Run, arguments: tuple[str, ...]) -> None:
    paths = {name: journal.with_name(name) for name in ("journal", "gone")}

    code, out, err = run("reconcile", *(paths.get(one, one) for one in arguments))

    assert (code, out) == (ExitCode.INVALID, "")
    assert err.startswith("wabotick: ")


def test_a_platform_that_does_not_answer(journal: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WABOTICK_API_TOKEN", "1|wrong")

    code, out, err = run("reconcile", journal)

    assert (code, out) == (ExitCode.FAILED, "")
    assert "Unauthenticated" in err
