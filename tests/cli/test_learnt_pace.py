"""What the rate limiter learnt is told after a run, and given to the next one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import TEMPLATE, Run
from wabotick_async import BulkReport, Limits, Rate, RateLimiter, SQLiteJournal
from wabotick_async.cli.campaign import conclude, read_plan
from wabotick_async.sandbox import Sandbox
from wabotick_async.testing import ManualClock, NoLimit
from wabotick_async.transport import Scope

DONE, STOPPED = BulkReport(accepted=3), BulkReport(accepted=2, not_sent=1)
JOURNAL = Path("a journal")


def limiter_at(start_rate: float | None) -> RateLimiter:
    limits = Limits(rate=100.0, start_rate=start_rate, number=Rate(80), headroom=0.0)
    return RateLimiter(limits=limits, clock=ManualClock())


def test_it_is_told_with_the_option_for_the_next_campaign(capsys: pytest.CaptureFixture[str]) -> None:
    conclude(DONE, 3, JOURNAL, limiter_at(41.5))
    said = capsys.readouterr()
    assert said.out.endswith("learnt    account: 41.5 of 100 requests a second\n")
    assert said.err == "the next campaign may begin at the pace that was learnt: --start-rate 41.5\n"


def test_the_command_that_goes_on_has_it(capsys: pytest.CaptureFixture[str]) -> None:
    conclude(STOPPED, 3, JOURNAL, limiter_at(40.0))
    expected = "not everything was sent; go on with: wabotick resume 'a journal' --start-rate 40\n"
    assert capsys.readouterr().err == expected


def test_what_a_number_has_learnt_is_told_by_itself(capsys: pytest.CaptureFixture[str]) -> None:
    limiter = limiter_at(None)
    limiter.throttled(1.0, Scope("number", "7"))
    conclude(DONE, 3, JOURNAL, limiter)
    said = capsys.readouterr()
    [line] = [line for line in said.out.splitlines() if line.startswith("learnt")]
    assert line.startswith("learnt    number 7: ")
    assert line.endswith(" of 80 requests a second")
    assert said.err == ""


@pytest.mark.parametrize("limiter", [limiter_at(None), NoLimit()], ids=["nothing learnt", "one that cannot learn"])
def test_where_nothing_was_learnt_nothing_is_said(
    limiter: RateLimiter | NoLimit, capsys: pytest.CaptureFixture[str]
) -> None:
    conclude(DONE, 3, JOURNAL, limiter)
    said = capsys.readouterr()
    assert ("learnt" in said.out, said.err) == (False, "")


def test_a_campaign_begins_at_it_and_goes_on_at_it(run: Run, sandbox: Sandbox, contacts: Path) -> None:
    journal = contacts.with_name("journal")
    result = run("broadcast", contacts, *TEMPLATE, "--rate", "1000", "--start-rate", "500", "--journal", journal)
    assert "learnt    account: 500 of 1000 requests a second\n" in result.out
    plan = read_plan(SQLiteJournal.inspect(journal).meta)
    assert plan is not None
    assert plan.start_rate == 500.0
    assert "learnt    account: 500 of 1000" in run("resume", journal).out
    assert "learnt    account: 300 of 1000" in run("resume", journal, "--start-rate", "300").out
