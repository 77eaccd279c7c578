"""kill -9 at each step of a message's way: what the journal says then, what the server has, and what a resume does."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from benchmarks.soak_run import environment
from benchmarks.soak_verdict import judge
from tests.lanes import WAYS, Way
from tests.soak import point_child
from tests.soak.point_child import ROWS, TARGET, Point, Task, messages, phone
from wabotick_async import BulkReport, BulkSender, WabotickClient
from wabotick_async.bulk import RowDetail, SQLiteJournal, State
from wabotick_async.sandbox import Fault, FaultKind, Sandbox

ROOT = Path(__file__).parents[2]


class Expected(NamedTuple):
    at_death: State | None
    """Where the row stands in the dead process's journal; None: it is not there."""
    delivered_at_death: bool
    in_the_end: State


ABSENT = Expected(None, False, State.ACCEPTED)
UNSENT = Expected(State.QUEUED, False, State.ACCEPTED)
CLAIMED = Expected(State.IN_FLIGHT, False, State.UNKNOWN)
DELIVERED = Expected(State.IN_FLIGHT, True, State.UNKNOWN)
DONE = Expected(State.ACCEPTED, True, State.ACCEPTED)
EXPECTED = {
    Point.ADDING: ABSENT,
    Point.ADDED: UNSENT,
    Point.CLAIMING: UNSENT,
    Point.CLAIMED: CLAIMED,
    Point.WRITTEN: DELIVERED,
    Point.ANSWERED: DELIVERED,
    Point.FINISHING: DELIVERED,
    Point.FINISHED: DONE,
    Point.CLOSING: DONE,
    Point.CHECKPOINTING: DONE,
    Point.CLOSED: DONE,
}
# What flies is stored and claimed in one step.
EXPECTED_OF_FLIGHTS = {**EXPECTED, Point.ADDED: CLAIMED, Point.CLAIMING: ABSENT}


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with Sandbox(ledger_path=tmp_path / "ledger") as sandbox:
        yield sandbox


def row(path: Path, number: int) -> RowDetail | None:
    found = [row for state in State for row in SQLiteJournal.read_rows(path, state) if row.receiver == phone(number)]
    assert len(found) <= 1
    return found[0] if found else None


async def die(sandbox: Sandbox, point: Point, path: Path, way: Way = "express") -> None:
    task = Task(
        point=point,
        base_url=sandbox.base_url,
        token=sandbox.token,
        phone_number_id=sandbox.phone_number_id,
        template_id=sandbox.template_id,
        way=way,
        journal=str(path),
        ledger=str(path.with_name("ledger")),
    )
    if point is Point.WRITTEN:
        sandbox.script(Fault(FaultKind.HANG_AFTER, nth=TARGET))
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", point_child.__name__, msgspec.json.encode(task).decode()), cwd=ROOT, env=environment()
    )
    async with asyncio.timeout(30):
        assert await child.wait() == -signal.SIGKILL


async def go_on(sandbox: Sandbox, path: Path) -> BulkReport:
    async with WabotickClient(
        sandbox.token, base_url=sandbox.base_url, phone_number_id=sandbox.phone_number_id
    ) as client:
        return await BulkSender(client, journal=path).run(messages(sandbox.template_id))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("point", Point, ids=lambda point: point.name.lower())
async def test_killed_at(point: Point, way: Way, sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "campaign.journal"
    expected = (EXPECTED if way == "workers" else EXPECTED_OF_FLIGHTS)[point]
    await die(sandbox, point, path, way)
    dead, delivered = row(path, TARGET), sandbox.ledger.per_recipient()
    assert (dead.state if dead else None, delivered[phone(TARGET)]) == expected[:2]
    report = await go_on(sandbox, path)
    ended = row(path, TARGET)
    assert ended is not None
    assert ended.state is expected.in_the_end
    verdict = judge(map(phone, range(1, ROWS + 1)), tmp_path / "ledger", path)
    assert verdict.truthful
    assert (report.rows, report.complete, report.accepted + report.unknown) == (ROWS, True, ROWS)
    assert report.unknown <= 1
    assert sandbox.ledger.per_recipient()[phone(TARGET)] == (expected != CLAIMED)


async def test_a_campaign_killed_at_its_end_sends_nothing_more(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "campaign.journal"
    await die(sandbox, Point.CHECKPOINTING, path)
    sent = len(sandbox.requests)
    await go_on(sandbox, path)
    assert len(sandbox.requests) == sent == ROWS
