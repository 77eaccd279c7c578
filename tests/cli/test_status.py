"""`wabotick status` says what the journal knows."""

from __future__ import annotations

import asyncio
import csv
import json
import stat
from pathlib import Path

import pytest

from tests.cli.conftest import TEMPLATE, Run, write_contacts
from wabotick_async import Outcome, SQLiteJournal
from wabotick_async.bulk.journal import Finish, NewRow
from wabotick_async.cli.row_files import harmless
from wabotick_async.sandbox import Fault, FaultKind, Sandbox


@pytest.fixture
def journal(sandbox: Sandbox, run: Run, tmp_path: Path) -> Path:
    """Of a complete campaign: 2 accepted, 1 refused, 1 unknown, 1 repeat."""
    path = tmp_path / "contacts.csv"
    path.write_text(
        "phone,first name,code\n919812345671,A,B\n919812345672,A,B\n"
        "919812990002,A,B\n919812345673,A,B\n919812345671,A,B\n"
    )
    sandbox.script(Fault(FaultKind.RESET_AFTER, endpoint="send_template"))
    run("broadcast", path, *TEMPLATE, "--rate", "500", "--concurrency", "1", "--campaign", "spring")
    return path.with_name("contacts.csv.wabotick-journal")


def test_counts_for_people(journal: Path, run: Run) -> None:
    code, out, err = run("status", journal)

    shown = {line[:9].strip(): line[9:].strip() for line in out.splitlines()}
    assert (code, err) == (0, "")
    assert shown["campaign"] == "spring"
    assert [shown[name] for name in ("accepted", "refused", "unknown", "skipped", "rows")] == ["2", "1", "1", "1", "5"]
    assert shown["next"] == "nothing is left to send"


def test_the_same_as_json(journal: Path, run: Run) -> None:
    shown = json.loads(run("status", journal, "--json").out)

    assert shown["counts"] == {
        "queued": 0, "in_flight": 0, "accepted": 2, "refused": 1, "unknown": 1, "skipped": 1, "rows": 5,
    }  # fmt: skip
    assert shown["causes"] == {"outcome_unknown": 1, "skip_recipient:131026": 1, "duplicate": 1}
    assert (shown["resume"], shown["open_run"], shown["wal_lost"]) == (None, None, False)


def test_rows_are_named_as_a_spreadsheet_counts(journal: Path, run: Run) -> None:
    lines = run("status", journal, "--unknown", "--refused").out.splitlines()

    assert [line.split(", ")[:2] for line in lines[-2:]] == [
        ["row 4: …0002", "refused"],
        ["row 2: …5671", "unknown"],
    ]


def test_numbers_are_masked_in_json_too(journal: Path, run: Run) -> None:
    shown = json.loads(run("status", journal, "--json", "--unknown").out)

    assert [(row["row"], row["phone_number"]) for row in shown["unknown"]] == [(2, "…5671")]
    assert "refused" not in shown


def test_a_csv_file_holds_whole_numbers(journal: Path, run: Run, tmp_path: Path) -> None:
    result = run("status", journal, "--output", tmp_path / "rows.csv")

    with (tmp_path / "rows.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert "5 rows written" in result.err
    assert {row["phone_number"] for row in rows} == {"919812345671", "919812345672", "919812345673", "919812990002"}
    assert {row["state"] for row in rows} == {"accepted", "refused", "unknown", "skipped"}
    assert stat.S_IMODE((tmp_path / "rows.csv").stat().st_mode) == 0o600


def test_a_jsonl_file_holds_the_chosen_rows(journal: Path, run: Run, tmp_path: Path) -> None:
    out = run("status", journal, "--unknown", "--output", tmp_path / "rows.jsonl").out

    [row] = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    assert (row["phone_number"], row["state"]) == ("919812345671", "unknown")
    assert "5671" not in out


@pytest.mark.parametrize("name", ["rows.txt", "taken.csv", "gone/rows.csv"])
def test_a_bad_output_is_one_line(journal: Path, run: Run, tmp_path: Path, name: str) -> None:
    (tmp_path / "taken.csv").touch()

    code, out, err = run("status", journal, "--output", tmp_path / name)

    assert (code, out) == (2, "")
    assert err.startswith("wabotick: --output: expected a ")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert harmless(text) == "'" + text


def test_other_cells_stay() -> None:
    assert harmless("a=1") == "a=1"


def test_a_stopped_campaign_says_how_to_go_on(sandbox: Sandbox, run: Run, tmp_path: Path) -> None:
    contacts = write_contacts(tmp_path / "contacts.csv", 40)
    sandbox.script(Fault(FaultKind.RESET_AFTER, endpoint="send_template"))
    run("broadcast", contacts, *TEMPLATE, "--rate", "500", "--concurrency", "2", "--max-unknown", "0")

    shown = json.loads(run("status", f"{contacts}.wabotick-journal", "--json").out)

    assert shown["counts"]["rows"] == 40
    assert shown["not_read"] > 0
    assert shown["resume"] == f"wabotick resume {contacts}.wabotick-journal"


async def test_a_running_campaign_can_be_looked_at(run: Run, tmp_path: Path) -> None:
    journal = SQLiteJournal(tmp_path / "j")
    await journal.open({})
    await journal.add([NewRow(b"k" * 16, "919812345671", "send_text", b"{}")])
    await journal.claim(1)
    await journal.finish(Finish(1, Outcome.REFUSED, code="x", note="no 919812345671 \x1b[2J"))

    result = await asyncio.to_thread(run, "status", tmp_path / "j", "--refused")

    await journal.close()
    assert "run       1 is going on, or its process died" in result.out
    assert result.out.splitlines()[-1] == "row 1: …5671, refused, x, no …5671 \\x1b[2J"


async def test_a_lost_wal_is_said(run: Run, tmp_path: Path) -> None:
    journal = SQLiteJournal(tmp_path / "j")
    await journal.open({})
    copy = tmp_path / "copy"
    copy.write_bytes((tmp_path / "j").read_bytes())
    await journal.close()
    copy.chmod(0o600)

    assert "the -wal file is gone" in run("status", copy).out
