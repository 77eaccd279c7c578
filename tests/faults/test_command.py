"""F24 at the command line: the exit code tells that a person must act, and `resume` sends the rest."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import TEMPLATE, LiveSandbox, start, write_contacts
from tests.faults.truth import assert_truthful
from wabotick_async.bulk.journal import Counts
from wabotick_async.cli.exits import ExitCode
from wabotick_async.sandbox import Fault, FaultKind

ROWS = 200


def test_f24_the_command_says_so_and_resume_sends_the_rest(tmp_path: Path) -> None:
    contacts = write_contacts(tmp_path / "contacts.csv", ROWS)
    journal = contacts.with_name(contacts.name + ".wabotick-journal")
    recipients = [f"91981{place:07}" for place in range(ROWS)]
    pace = ("--rate", "2000", "--concurrency", "1")
    with LiveSandbox(auto_window=True) as sandbox:
        body = '{"status":"0","message":"Unauthenticated."}'
        sandbox.script(Fault(FaultKind.HTML, endpoint="send_template", nth=50, status=401, body=body, accepted=False))
        with start(sandbox, "broadcast", contacts, *TEMPLATE, *pace) as process:
            process.communicate(timeout=60)
        assert process.returncode == ExitCode.STOPPED
        assert sandbox.ledger.total() == 49
        with start(sandbox, "resume", journal, *pace) as process:
            process.communicate(timeout=60)
        assert process.returncode == ExitCode.DONE
        assert assert_truthful(sandbox.ledger, journal, recipients) == Counts(accepted=ROWS)
