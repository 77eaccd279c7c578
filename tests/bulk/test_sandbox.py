"""Real HTTP against the sandbox, whose ledger is the judge: faults by chance, and kill -9."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from benchmarks.soak_run import environment
from tests.bulk import bulk_child
from tests.bulk.fakes import until
from wabotick_async import BulkSender, Limits, SendTemplate, SendText, Timeout, WabotickClient
from wabotick_async.bulk import SQLiteJournal
from wabotick_async.bulk.journal import Counts, State
from wabotick_async.outcomes import Outcome
from wabotick_async.sandbox import Faults, Sandbox

ENVIRONMENT = {**environment(), "PYTHONPATH": os.pathsep.join(sys.path)}
# Late copies have a storm of their own: without a message id, as of a refusal, a copy cannot be told from an answer.
STORM = Faults(
    seed=11,
    latency=(0.0, 0.004),
    reset_before=0.02,
    reset_after_read=0.02,
    reset_after=0.02,
    hang=0.01,
    hang_seconds=3.0,
    cut=0.03,
    too_many_requests=0.02,
    retry_after="0",
    html=0.02,
    server_error=0.03,
    empty=0.01,
    garbage=0.01,
)


def messages(template_id: str) -> Iterator[Any]:
    for number in range(300):
        recipient = f"9190000{number:05}"
        if number % 3:
            yield SendTemplate(phone_number=recipient, template_id=template_id, variables={"name": "Ada"})
        else:
            yield SendText(phone_number=recipient, message="✓")


async def short_sleep(_: float) -> None:
    await anyio.sleep(0.01)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(faults=STORM, auto_window=True) as sandbox:
        yield sandbox


def open_client(sandbox: Sandbox, concurrency: int = 16) -> WabotickClient:
    return WabotickClient(
        sandbox.token,
        base_url=sandbox.base_url,
        phone_number_id=sandbox.phone_number_id,
        limits=Limits(rate=10_000.0, burst=100, concurrency=concurrency),
        timeout=Timeout(total=0.5),
    )


class CountingClient(WabotickClient):
    """Counts the messages for which it got a grant before the journal was asked."""

    prepared = 0

    def prepare(self, requests: Any) -> Any:
        ready = super().prepare(requests)
        self.prepared += len(ready)
        return ready


async def test_a_source_that_is_fed_again_takes_no_grants_for_what_is_known(path: Path) -> None:
    async with Sandbox(auto_window=True) as sandbox:
        limits = Limits(rate=10_000.0, burst=100, concurrency=16)
        async with CountingClient(
            sandbox.token,
            base_url=sandbox.base_url,
            phone_number_id=sandbox.phone_number_id,
            limits=limits,
            lane="express",
        ) as client:
            first = await BulkSender(client, journal=path).run(messages(sandbox.template_id))
            assert (first.accepted, client.prepared > 200) == (300, True)
            client.prepared = 0
            again = await BulkSender(client, journal=path).run(messages(sandbox.template_id))
        assert (again.accepted, again.rows, client.prepared <= limits.concurrency) == (300, 300, True)
        assert set(sandbox.ledger.per_recipient().values()) == {1}


async def test_storm_of_faults(sandbox: Sandbox, path: Path) -> None:
    outcomes: dict[str, Outcome] = {}
    async with open_client(sandbox) as client:
        sender = BulkSender(client, journal=path, max_unknown=300, sleep=short_sleep)
        async for result in sender.stream(messages(sandbox.template_id)):
            outcomes[str(getattr(result.request, "phone_number", ""))] = result.outcome
    report = sender.report
    assert report is not None
    delivered = sandbox.ledger.per_recipient()
    assert max(delivered.values()) == 1
    assert (report.rows, report.complete, report.refused, len(outcomes)) == (300, True, 0, 300)
    for recipient, outcome in outcomes.items():
        assert outcome is Outcome.UNKNOWN or delivered[recipient] == (outcome is Outcome.ACCEPTED)
    assert 0 < report.unknown < 100
    assert report.accepted <= len(sandbox.ledger) <= report.accepted + report.unknown
    assert {row.receiver for row in SQLiteJournal.read_rows(path, State.ACCEPTED)} <= set(delivered)


async def test_late_copies_of_answers_accept_nothing_falsely(path: Path) -> None:
    async with Sandbox(faults=Faults(seed=5, stray=0.05, latency=(0.0, 0.03)), auto_window=True) as sandbox:
        async with open_client(sandbox) as client:
            report = await BulkSender(client, journal=path, max_unknown=300).run(messages(sandbox.template_id))
        ids = {row.receiver: row.message_id for row in SQLiteJournal.read_rows(path, State.ACCEPTED)}
        assert ids == {one.phone_number: one.message_id for one in sandbox.ledger.entries if one.phone_number in ids}
        assert (report.refused, report.rows) == (0, 300)
        assert report.accepted > 200
        assert any(sandbox.requests.faults().values())


async def start_child(sandbox: Sandbox, path: Path) -> asyncio.subprocess.Process:
    arguments = (bulk_child.__file__, sandbox.base_url, sandbox.token, str(path), sandbox.template_id)
    return await asyncio.create_subprocess_exec(sys.executable, *arguments, env=ENVIRONMENT)


async def kill_after(child: asyncio.subprocess.Process, sandbox: Sandbox, goal: int) -> bool:
    """Kill the child when the ledger has so many entries; False where it ended before."""
    await until(lambda: child.returncode is not None or len(sandbox.ledger) >= goal)
    if child.returncode is None:
        child.kill()
    return await child.wait() == -signal.SIGKILL


@pytest.mark.usefixtures("real_time")
async def test_killed_five_times(path: Path) -> None:
    async with Sandbox(faults=Faults(latency=(0.0, 0.02))) as sandbox:
        kills = 0
        for goal in (1, 60, 130, 210, 300):
            child = await start_child(sandbox, path)
            kills += await kill_after(child, sandbox, goal)
        assert kills == 5
        assert SQLiteJournal.inspect(path).open_run == 5
        last = await start_child(sandbox, path)
        assert await last.wait() == 0
        delivered = sandbox.ledger.per_recipient()
    found = SQLiteJournal.inspect(path).counts
    assert max(delivered.values()) == 1
    assert found == Counts(accepted=found.accepted, unknown=found.unknown)
    assert found.rows == bulk_child.ROWS
    assert found.unknown <= bulk_child.CONCURRENCY * kills
    assert found.accepted <= len(delivered) <= found.accepted + found.unknown
    unknown = {row.receiver for row in SQLiteJournal.read_rows(path, State.UNKNOWN)}
    accepted = {row.receiver for row in SQLiteJournal.read_rows(path, State.ACCEPTED)}
    assert accepted <= set(delivered) <= accepted | unknown
