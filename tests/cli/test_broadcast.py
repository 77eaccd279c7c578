"""`wabotick broadcast` sends what it was told to send."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import TEMPLATE, LiveSandbox, Run, settings_of, write_contacts
from wabotick_async import SQLiteJournal
from wabotick_async.bulk.journal import State
from wabotick_async.sandbox import Fault, FaultKind, Sandbox

FAST = ("--rate", "1000")


def journal_of(contacts: Path) -> Path:
    return contacts.with_name(contacts.name + ".wabotick-journal")


def fields_of_the_first(sandbox: Sandbox) -> dict[str, str]:
    """Return what was sent to the lowest phone number; two that are in flight may arrive in any order."""
    return min((entry.fields for entry in sandbox.ledger.entries), key=lambda fields: fields["phone_number"])


def test_each_recipient_gets_the_template_once(run: Run, sandbox: Sandbox, contacts: Path) -> None:
    result = run("broadcast", contacts, *TEMPLATE, *FAST)

    assert result.code == 0
    assert {entry.phone_number: entry.fields for entry in sandbox.ledger.entries} == {
        "919812345671": sent_fields("919812345671", "Ada", "A-1"),
        "919812345672": sent_fields("919812345672", "محمد 🎉", "A-2"),
    }
    assert sandbox.ledger.total() == 2
    assert sandbox.oddities == {}


def sent_fields(phone: str, name: str, code: str) -> dict[str, str]:
    return {
        "phone_number_id": "100000000000001",
        "phone_number": phone,
        "template_id": "101",
        "templateVariable-name-1": name,
        "templateVariable-order-code-2": code,
    }


def test_the_report_counts_every_row(run: Run, sandbox: Sandbox, contacts: Path) -> None:
    lines = run("broadcast", contacts, *TEMPLATE, *FAST).out.splitlines()

    counts = {line[:9].strip(): line[9:].strip() for line in lines}
    assert [counts[name] for name in ("accepted", "refused", "unknown", "skipped", "not sent", "rows")] == [
        *("2", "0", "0", "1", "0", "3")
    ]
    assert counts["causes"] == "duplicate 1"


def test_positions_come_from_the_templates_own_map(run: Run, sandbox: Sandbox, contacts: Path) -> None:
    swapped = ("--template", "101", "--var", "order-code=code", "--var", "name=first name")

    run("broadcast", contacts, *swapped, *FAST)

    assert fields_of_the_first(sandbox) == sent_fields("919812345671", "Ada", "A-1")


def test_without_a_check_the_order_of_the_options_counts(run: Run, sandbox: Sandbox, contacts: Path) -> None:
    run("broadcast", contacts, *TEMPLATE, "--no-check", *FAST)

    assert fields_of_the_first(sandbox) == sent_fields("919812345671", "Ada", "A-1")
    assert len(sandbox.requests) == 2


def test_a_bom_and_empty_lines_at_the_end_do_no_harm(run: Run, sandbox: Sandbox, contacts: Path) -> None:
    contacts.write_bytes(b"\xef\xbb\xbf" + contacts.read_bytes() + b"\n\n")

    assert run("broadcast", contacts, *TEMPLATE, *FAST).code == 0
    assert sandbox.ledger.total() == 2


def test_other_names_and_delimiters(run: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "kunden.csv"
    path.write_text("Mobil;Vorname\n919812345671;Ada\n", encoding="utf-8")

    result = run("broadcast", path, "--text", "Hi {Vorname} {{}}", "--phone-column", "Mobil", "--delimiter", ";", *FAST)

    assert result.code == 0
    assert fields_of_the_first(sandbox)["message"] == "Hi Ada {}"


def test_a_local_file_is_uploaded_once(run: Run, sandbox: Sandbox, contacts: Path) -> None:
    picture = contacts.with_name("a.png")
    picture.write_bytes(b"pixels")

    result = run("broadcast", contacts, "--media", picture, "--caption-column", "first name", *FAST)

    assert result.code == 0
    [upload] = sandbox.state.uploads
    assert {entry.fields["media_id"] for entry in sandbox.ledger.entries} == {upload}
    assert [entry.fields["media_caption_text"] for entry in sandbox.ledger.entries] == ["Ada", "محمد 🎉"]
    plan = SQLiteJournal.inspect(journal_of(contacts)).meta["plan"]
    assert upload in plan


def test_a_document_is_sent_under_its_name(run: Run, sandbox: Sandbox, contacts: Path) -> None:
    document = contacts.with_name("price list.pdf")
    document.write_bytes(b"%PDF")

    run("broadcast", contacts, "--media", document, "--caption", "New", *FAST)

    fields = fields_of_the_first(sandbox)
    assert (fields["media_type"], fields["media_name"]) == ("document", "price list.pdf")


@pytest.mark.parametrize("media", ["https://files.test/a.pdf?x=1", "link"])
def test_a_link_may_be_fixed_or_in_a_column(run: Run, sandbox: Sandbox, tmp_path: Path, media: str) -> None:
    path = tmp_path / "contacts.csv"
    path.write_text("phone,link\n919812345671,https://files.test/a.pdf?x=1\n")

    assert run("broadcast", path, "--media", media, "--media-type", "document", *FAST).code == 0

    fields = fields_of_the_first(sandbox)
    assert (fields["media_url"], fields["media_name"]) == ("https://files.test/a.pdf?x=1", "a.pdf")


def test_a_header_may_come_from_a_column(run: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "contacts.csv"
    path.write_text("phone,picture\n919812345671,https://files.test/a.jpg\n")

    run("broadcast", path, "--template", "102", "--header-media-column", "picture", *FAST)

    assert fields_of_the_first(sandbox)["template_header_media_url"] == "https://files.test/a.jpg"


def test_a_dry_run_sends_nothing(run: Run, sandbox: Sandbox, contacts: Path) -> None:
    picture = contacts.with_name("a.png")
    picture.write_bytes(b"pixels")

    results = [run("broadcast", contacts, *what, "--dry-run") for what in (TEMPLATE, ("--media", picture))]

    assert [result.code for result in results] == [0, 0]
    assert (sandbox.ledger.total(), len(sandbox.state.uploads)) == (0, 0)
    assert not journal_of(contacts).exists()


@pytest.mark.parametrize("answer", [True, False])
def test_a_terminal_is_asked(
    run: Run, sandbox: Sandbox, contacts: Path, monkeypatch: pytest.MonkeyPatch, *, answer: bool
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.confirm", lambda *_, **__: answer)

    assert run("broadcast", contacts, *TEMPLATE, *FAST).code == (0 if answer else 2)
    assert sandbox.ledger.total() == (2 if answer else 0)


def test_refused_rows_make_the_campaign_incomplete(run: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "contacts.csv"
    path.write_text("phone,first name,code\n919812345671,A,B\n919812990002,A,B\n")

    result = run("broadcast", path, *TEMPLATE, *FAST)

    assert result.code == 4
    assert "complete, but 1 refused; see: wabotick status" in result.err


def test_unknown_rows_make_the_campaign_incomplete(run: Run, sandbox: Sandbox, contacts: Path) -> None:
    sandbox.script(Fault(FaultKind.RESET_AFTER, endpoint="send_template"))

    result = run("broadcast", contacts, *TEMPLATE, *FAST)

    assert result.code == 4
    assert "complete, but 1 of unknown outcome" in result.err


def test_too_many_unknown_rows_stop_it(run: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    path = write_contacts(tmp_path / "contacts.csv", 50)
    sandbox.script(Fault(FaultKind.RESET_AFTER, endpoint="send_template", times=50))

    result = run("broadcast", path, *TEMPLATE, *FAST, "--max-unknown", "2", "--concurrency", "1")

    assert result.code == 3
    assert f"go on with: wabotick resume {journal_of(path)}" in result.err
    assert sandbox.ledger.total() == 3
    assert sum(1 for _ in SQLiteJournal.read_rows(journal_of(path), State.UNKNOWN)) == 3


def test_an_unreachable_platform_is_one_line(run: Run, contacts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with LiveSandbox() as sandbox:
        settings = settings_of(sandbox)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)

    result = run("broadcast", contacts, *TEMPLATE, *FAST)

    assert result.code == 1
    assert result.err.splitlines()[-1].startswith("wabotick: list_templates: ")


def test_the_plan_never_holds_the_token(run: Run, sandbox: Sandbox, contacts: Path) -> None:
    run("broadcast", contacts, *TEMPLATE, *FAST)

    files = [path.read_bytes() for path in contacts.parent.iterdir()]
    assert not any(sandbox.token.encode() in content for content in files)
