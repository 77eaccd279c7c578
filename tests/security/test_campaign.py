"""One campaign under faults, with a server that quotes every request: no token and no number in what it leaves."""

from __future__ import annotations

import json
import logging
import re
import stat
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final

import anyio
import pytest

from tests.cli.conftest import Run, no_settings, run
from tests.security.scan_plugin import holds_token, places_in
from wabotick_async import (
    BulkSender,
    Limits,
    RateLimiter,
    RetryPolicy,
    SendTemplate,
    SendText,
    Timeout,
    WabotickClient,
    WabotickError,
)
from wabotick_async.bulk import BulkResult
from wabotick_async.sandbox import TOKEN, Fault, FaultKind, Faults, Sandbox
from wabotick_async.testing import ManualClock

pytestmark = pytest.mark.usefixtures("lane")

__all__ = ["no_settings", "run"]  # fixtures

ROWS: Final = 60
QUOTE: Final = f"you sent apiToken={TOKEN}&x and {TOKEN.replace('|', '%7C')}"
REFUSAL: Final = json.dumps({"status": "0", "message": f"=HYPERLINK(0) {QUOTE}"})
STORM: Final = Faults(
    seed=7, reset_before=0.05, reset_after=0.05, cut=0.05, too_many_requests=0.05, retry_after="0", server_error=0.05
)


def messages(template_id: str) -> Iterator[Any]:
    for number in range(ROWS):
        recipient = f"91980000{number:04}"
        if number % 2:
            yield SendText(phone_number=recipient, message=f"hello {number}")
        else:
            yield SendTemplate(phone_number=recipient, template_id=template_id, variables={"name": "Ada"})


async def short_sleep(_: float) -> None:
    await anyio.sleep(0.001)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(faults=STORM, auto_window=True) as sandbox:
        sandbox.script(
            Fault(FaultKind.SERVER_ERROR, status=400, body=REFUSAL, times=5),
            Fault(FaultKind.SERVER_ERROR, status=500, body=REFUSAL, times=3),
            Fault(FaultKind.HTML, body=f"<html>{QUOTE}</html>", times=2),
            Fault(FaultKind.GARBAGE, body=QUOTE, times=2),
        )
        yield sandbox


class Witness:
    """Keeps everything that a campaign tells."""

    def __init__(self) -> None:
        self.told: list[object] = []
        self.errors: list[BaseException] = []

    def see(self, result: BulkResult) -> None:
        self.told.append(result)
        if result.error is not None:
            self.errors.append(result.error)


async def run_campaign(sandbox: Sandbox, path: Path, witness: Witness) -> BulkSender:
    client = WabotickClient(
        sandbox.token,
        base_url=sandbox.base_url,
        phone_number_id=sandbox.phone_number_id,
        limits=Limits(rate=10_000.0, burst=100, concurrency=4),
        timeout=Timeout(total=2.0),
        retry=RetryPolicy(attempts=1),
        observers=[witness.told.append],
    )
    async with client:
        sender = BulkSender(client, journal=path, max_unknown=ROWS, sleep=short_sleep)
        async for result in sender.stream(messages(sandbox.template_id)):
            witness.see(result)
            if len(witness.told) > ROWS:  # the -wal is there while it runs
                assert not [one.name for one in path.parent.iterdir() if holds_token(one.read_bytes())]
        witness.told += [sender, client, client.messages, sender.snapshot(), sender.report, vars(client), vars(sender)]
    return sender


async def test_a_campaign_leaves_no_token_and_no_number(
    sandbox: Sandbox, tmp_path: Path, run: Run, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG, "wabotick_async")
    path, witness = tmp_path / "a.journal", Witness()
    report = (await run_campaign(sandbox, path, witness)).report
    assert capsys.readouterr() == ("", "")  # the library prints nothing
    assert report is not None
    assert report.rows == ROWS
    assert min(report.accepted, report.refused, report.unknown) > 0
    assert not [one for one in witness.told if holds_token(one)]
    assert len(witness.errors) == report.refused + report.unknown
    for error in witness.errors:
        assert isinstance(error, WabotickError)
        assert not holds_token(vars(error))
        assert not list(places_in(error))
        assert not _numbers_in(f"{error} {error!r} {error.request}")
    assert not _numbers_in(caplog.text)
    assert not holds_token(caplog.text)

    for name in ("rows.csv", "rows.jsonl"):
        assert run("status", path, "--output", tmp_path / name).code == 0
    for options in (("--unknown", "--refused"), ("--unknown", "--refused", "--json")):
        shown = run("status", path, *options)
        assert shown.code == 0
        assert not holds_token(shown.out + shown.err)
        assert not _numbers_in(shown.out + shown.err)

    written = {one.name: one for one in tmp_path.iterdir()}
    assert {"a.journal", "rows.csv", "rows.jsonl"} <= written.keys()
    for one in written.values():
        assert not holds_token(one.read_bytes()), one.name
        assert stat.S_IMODE(one.stat().st_mode) == 0o600, one.name
    assert "'=HYPERLINK" in written["rows.csv"].read_text()
    assert '"=HYPERLINK' not in written["rows.csv"].read_text()


async def test_logs_of_a_pause_and_of_an_observer_hold_no_number(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "wabotick_async")

    def observer(_: object) -> None:
        raise ValueError("a defect")

    async with Sandbox(auto_window=True) as sandbox:
        sandbox.script(Fault(FaultKind.TOO_MANY_REQUESTS, retry_after="7"))
        clock = ManualClock(jump=True)
        client = WabotickClient(
            sandbox.token,
            base_url=sandbox.base_url,
            phone_number_id=sandbox.phone_number_id,
            observers=[observer],
            limiter=RateLimiter(10, clock=clock, call_later=clock.call_later),
            clock=clock,
            sleep=clock.sleep,
        )
        async with client:
            await client.send(SendText(phone_number="919800000001", message="hello"))
    assert "pause scope=account" in caplog.text
    assert "observer failed" in caplog.text
    assert not _numbers_in(caplog.text)
    assert not holds_token(caplog.text)


def _numbers_in(text: str) -> list[str]:
    return re.findall(r"9198\d{8}", text)
