"""The journal goes ahead of the network, and when it fails the run ends truthfully."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.bulk.fakes import FakeClient, FakeTime, Step, counts, make_sender, phone, rows_of, texts
from wabotick_async.bulk import Journal, SQLiteJournal
from wabotick_async.bulk.journal import State
from wabotick_async.endpoints import Request
from wabotick_async.errors import (
    CampaignAbortedError,
    JournalError,
    JournalFullError,
    NotSentError,
    OutcomeUnknownError,
    RequestInvalidError,
)


async def test_intent_is_on_disk_before_the_first_byte(client: FakeClient, path: Path) -> None:
    seen: list[str] = []

    def look(request: Request[Any]) -> None:
        """Read the file as another process would."""
        state, attempts = states(path)[request.phone_number]  # type: ignore[attr-defined]  # every request here has one
        assert state is State.IN_FLIGHT
        assert attempts >= 1
        seen.append(request.phone_number)  # type: ignore[attr-defined]

    client.on_wire = look
    client.plan(2, NotSentError("down"))
    client.plan(3, OutcomeUnknownError("cut"))
    report = await make_sender(client, SQLiteJournal(path)).run(texts(12))
    assert counts(report) == {"accepted": 11, "unknown": 1}
    assert sorted(seen) == sorted(client.wire)


def states(path: Path) -> dict[str, tuple[State, int]]:
    return {row.receiver: (state, row.attempts) for state in State for row in SQLiteJournal.read_rows(path, state)}


async def test_result_is_on_disk_before_it_is_told(client: FakeClient, path: Path) -> None:
    async for result in make_sender(client, SQLiteJournal(path)).stream(texts(9)):
        assert states(path)[phone(result.row)][0] is State.ACCEPTED


def break_once(journal: Journal, method: str, number: int, error: Exception) -> None:
    """Let one call of a method fail, and have done nothing."""
    real, calls = getattr(journal, method), 0

    async def broken(*args: object) -> object:
        nonlocal calls
        calls += 1
        if calls == number:
            raise error
        return await real(*args)

    setattr(journal, method, broken)


@pytest.mark.parametrize("error", [JournalError("the disk is gone"), JournalFullError("the disk is full")], ids=type)
@pytest.mark.parametrize("method", ["add", "claim", "finish", "next_due", "causes"])
async def test_one_call_fails(client: FakeClient, journal: Journal, method: str, error: JournalError) -> None:
    break_once(journal, method, 1 if method in ("next_due", "causes") else 3, error)
    sender = make_sender(client, journal)
    with pytest.raises((CampaignAbortedError, JournalError), match=error.message) as caught:
        await sender.run(texts(40))
    if method == "causes":
        assert caught.value is error
    else:
        assert isinstance(caught.value, CampaignAbortedError)
        assert caught.value.__cause__ is error
        assert caught.value.report is not None
        report = caught.value.report
        assert report.accepted + report.unknown == len(client.wire)
        assert report.unknown == (method == "finish")
    again = await make_sender(client, journal).run(texts(40))
    assert again.accepted + again.unknown == 40
    assert len(client.wire) == len(set(client.wire)) == 40


@pytest.mark.parametrize(
    ("method", "step"),
    [
        ("requeue", Step(NotSentError("down"))),
        ("claim", Step(RequestInvalidError("bad"), early=True)),
        ("finish", Step(ZeroDivisionError())),
    ],
)
async def test_noting_a_failure_fails(client: FakeClient, journal: Journal, method: str, step: Step) -> None:
    error = JournalError("the disk is gone")
    client.plan(1, step)
    break_once(journal, method, 1, error)
    with pytest.raises(CampaignAbortedError, match="the disk is gone") as caught:
        await make_sender(client, journal).run(texts(1))
    assert caught.value.__cause__ is error
    assert (await rows_of(journal))[phone(1)].state is (State.QUEUED if method == "claim" else State.UNKNOWN)


async def test_broken_database(client: FakeClient, path: Path, time: FakeTime) -> None:
    """After the first error of the disk nothing that the file says is believed, and the file is given back."""
    journal = SQLiteJournal(path, clock=time)

    def fail(_: object) -> None:
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
        raise error

    sender = make_sender(client, journal, time)
    real = client.send

    async def send(request: Request[Any], **settings: Any) -> Any:
        if client.asked.count(phone(3)):
            with pytest.raises(JournalError):
                await journal._do(fail)
        return await real(request, **settings)

    client.send = send  # type: ignore[method-assign]  # the disk breaks in the middle
    with pytest.raises(CampaignAbortedError, match="may not be stored") as caught:
        await sender.run(texts(40))
    report = caught.value.report
    assert report is not None
    assert report.accepted + report.unknown + report.not_sent == report.rows > 0
    client.send = real  # type: ignore[method-assign]
    again = await make_sender(client, SQLiteJournal(path, clock=time)).run(texts(40))
    assert again.accepted + again.unknown == 40
    assert len(client.wire) == len(set(client.wire))


async def test_row_that_somebody_else_took_is_left_alone(client: FakeClient, journal: Journal) -> None:
    real = journal.claim

    async def claim(seq: int) -> bool:
        return await real(seq) and seq != 2  # row 2 is in flight elsewhere

    journal.claim = claim  # type: ignore[method-assign]  # a journal that two campaigns share
    report = await make_sender(client, journal).run(texts(3))
    assert (report.accepted, phone(2) in client.wire) == (2, False)
