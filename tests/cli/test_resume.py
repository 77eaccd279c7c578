"""A campaign that died or was stopped goes on, and nobody gets a message twice."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import TEMPLATE, Run, start, wait_until, write_contacts
from wabotick_async import BulkSender, SendText, SQLiteJournal, WabotickClient, WabotickError
from wabotick_async.bulk.journal import Counts, State
from wabotick_async.cli.exits import ExitCode
from wabotick_async.sandbox import Fault, FaultKind, Sandbox


def journal_of(contacts: Path) -> Path:
    return contacts.with_name(contacts.name + ".wabotick-journal")


def counts_of(contacts: Path) -> Counts:
    return SQLiteJournal.inspect(journal_of(contacts)).counts


@pytest.fixture
def started(sandbox: Sandbox, tmp_path: Path) -> Iterator[tuple[Path, subprocess.Popen[str]]]:
    """A broadcast to 300 recipients that is under way in a process of its own."""
    contacts = write_contacts(tmp_path / "contacts.csv", 300)
    process = start(sandbox, "broadcast", contacts, *TEMPLATE, "--rate", "150")
    with process:
        wait_until(lambda: sandbox.ledger.total() >= 40)
        yield contacts, process
        process.kill()


@pytest.mark.parametrize("rows", [600, 5000])
def test_after_kill_9_nobody_gets_it_twice(sandbox: Sandbox, tmp_path: Path, rows: int) -> None:
    contacts = write_contacts(tmp_path / "contacts.csv", rows)
    with start(sandbox, "broadcast", contacts, *TEMPLATE, "--rate", "2000", "--max-unknown", "200") as process:
        wait_until(lambda: sandbox.ledger.total() >= rows // 3)
        process.kill()

    # In a process of its own: client and sandbox in one would share a lock.
    with start(sandbox, "resume", journal_of(contacts)) as process:
        process.communicate(timeout=60)

    counts = counts_of(contacts)
    assert process.returncode in {ExitCode.DONE, ExitCode.INCOMPLETE}
    assert counts.accepted + counts.refused + counts.unknown + counts.skipped == counts.rows == rows
    assert max(sandbox.ledger.per_recipient().values()) == 1
    accepted = {row.receiver for row in SQLiteJournal.read_rows(journal_of(contacts), State.ACCEPTED)}
    unknown = {row.receiver for row in SQLiteJournal.read_rows(journal_of(contacts), State.UNKNOWN)}
    assert accepted <= sandbox.ledger.per_recipient().keys() <= accepted | unknown
    assert counts.unknown <= 32


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_stops_the_feed_and_drains(
    started: tuple[Path, subprocess.Popen[str]], sandbox: Sandbox, run: Run, number: signal.Signals
) -> None:
    contacts, process = started

    process.send_signal(number)
    out, err = process.communicate(timeout=60)

    counts = counts_of(contacts)
    assert process.returncode == ExitCode.STOPPED
    assert (counts.in_flight, counts.unknown) == (0, 0)
    assert counts.accepted == sandbox.ledger.total() < 300
    assert f"go on with: wabotick resume {journal_of(contacts)}\n" in err
    assert "stopped   interrupted" in out
    assert "Traceback" not in err
    assert run("resume", journal_of(contacts), "--rate", "2000", "--concurrency", "8").code == ExitCode.DONE
    assert counts_of(contacts).accepted == sandbox.ledger.total() == 300


def test_a_second_signal_ends_it_at_once(
    started: tuple[Path, subprocess.Popen[str]], sandbox: Sandbox, run: Run
) -> None:
    contacts, process = started
    before = len(sandbox.requests)
    sandbox.script(Fault(FaultKind.HANG_AFTER, endpoint="send_template", times=1000))
    wait_until(lambda: len(sandbox.requests) > before + 5)

    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    wait_until(lambda: "again: at once" in process.stderr.readline())  # type: ignore[union-attr]  # asserted above
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)

    assert process.returncode == ExitCode.INTERRUPTED
    assert f"go on with: wabotick resume {journal_of(contacts)}\n" in err
    assert counts_of(contacts).unknown > 0


@pytest.fixture
def stopped(sandbox: Sandbox, run: Run, tmp_path: Path) -> Path:
    """A campaign of 40 that stopped after its first message; settings come from its journal."""
    contacts = write_contacts(tmp_path / "contacts.csv", 40)
    sandbox.script(Fault(FaultKind.RESET_AFTER, endpoint="send_template"))
    result = run("broadcast", contacts, *TEMPLATE, "--rate", "500", "--concurrency", "4", "--max-unknown", "0")
    assert result.code == ExitCode.STOPPED
    return contacts


def test_resume_needs_the_token_alone(
    stopped: Path, sandbox: Sandbox, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WABOTICK_BASE_URL")
    monkeypatch.delenv("WABOTICK_PHONE_NUMBER_ID")

    result = run("resume", journal_of(stopped))

    assert result.code == ExitCode.INCOMPLETE
    assert sandbox.ledger.total() == 40
    assert counts_of(stopped).unknown == 1


def test_resume_does_not_upload_again(sandbox: Sandbox, run: Run, tmp_path: Path) -> None:
    contacts = write_contacts(tmp_path / "contacts.csv", 20)
    picture = tmp_path / "a.png"
    picture.write_bytes(b"pixels")
    sandbox.script(Fault(FaultKind.RESET_AFTER, endpoint="send_media"))
    run("broadcast", contacts, "--media", picture, "--rate", "500", "--concurrency", "2", "--max-unknown", "0")
    picture.unlink()

    assert run("resume", journal_of(contacts)).code == ExitCode.INCOMPLETE
    assert (sandbox.ledger.total(), len(sandbox.state.uploads)) == (20, 1)


def test_another_platform_is_refused(
    stopped: Path, sandbox: Sandbox, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WABOTICK_PHONE_NUMBER_ID", "100000000000002")
    before = sandbox.ledger.total()

    code, _, err = run("resume", journal_of(stopped))

    assert code == ExitCode.INVALID
    assert len(err.splitlines()) == 1
    assert sandbox.ledger.total() == before


@pytest.mark.parametrize("gone", [True, False], ids=["gone", "changed"])
def test_a_changed_file_is_refused(stopped: Path, sandbox: Sandbox, run: Run, gone: bool) -> None:
    write_contacts(stopped, 41)
    if gone:
        stopped.unlink()
    before = sandbox.ledger.total()

    code, _, err = run("resume", journal_of(stopped))

    assert code == ExitCode.INVALID
    assert f"wabotick resume {journal_of(stopped)} --queued-only" in err
    assert sandbox.ledger.total() == before


def test_queued_only_sends_what_the_journal_holds(stopped: Path, sandbox: Sandbox, run: Run) -> None:
    stopped.unlink()
    held = counts_of(stopped).rows

    result = run("resume", journal_of(stopped), "--queued-only", "--max-unknown", "5")

    assert result.code == ExitCode.STOPPED
    assert held == counts_of(stopped).rows == sandbox.ledger.total() < 40


def test_a_moved_file_is_named(stopped: Path, sandbox: Sandbox, run: Run) -> None:
    moved = stopped.rename(stopped.with_name("moved.csv"))

    assert run("resume", journal_of(stopped), "--csv", moved).code == ExitCode.INCOMPLETE
    assert sandbox.ledger.total() == 40


async def begin(path: Path, rows: int) -> None:
    async with WabotickClient("1|x", phone_number_id="1", base_url="http://127.0.0.1:9") as client:
        sender = BulkSender(client, journal=path, patience=0)
        with contextlib.suppress(WabotickError):  # nobody listens there
            await sender.run([SendText(phone_number="919812345671", message="x")] * rows)


@pytest.mark.parametrize(
    ("rows", "expected"), [(0, "nothing was sent: delete it"), (1, "was not begun by `wabotick broadcast`")]
)
async def test_a_journal_without_a_plan_is_refused(run: Run, tmp_path: Path, rows: int, expected: str) -> None:
    await begin(tmp_path / "j", rows)

    code, _, err = run("resume", tmp_path / "j")

    assert code == ExitCode.INVALID
    assert expected in err
