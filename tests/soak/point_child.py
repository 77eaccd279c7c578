"""A process with one small campaign that kills itself at a named point: `point_child.py TASK`, a `Task` as JSON.

The point is reached with message TARGET. The package knows nothing of it: client and journal are wrapped here.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from tests.lanes import Way, nothing_flies
from wabotick_async import BulkSender, Limits, SendTemplate, SessionPool, WabotickClient
from wabotick_async.bulk.crew import Ready
from wabotick_async.bulk.journal import Advanced, Finish, NewRow, Requeue, SQLiteJournal, Stored
from wabotick_async.bulk.journal.files import JournalFiles

ROWS = 9
TARGET = 5


class Point(StrEnum):
    ADDING = "the transaction that adds the row is open"
    ADDED = "the row is stored"
    CLAIMING = "the intent is about to be committed"
    CLAIMED = "the intent is committed, and nothing written"
    WRITTEN = "the server has the request, and has not answered"
    ANSWERED = "the answer is read"
    FINISHING = "the result is about to be committed"
    FINISHED = "the result is committed"
    CLOSING = "the end of the run is about to be committed"
    CHECKPOINTING = "the run is ended, and the -wal not yet moved"
    CLOSED = "the journal is closed"


class Task(msgspec.Struct, frozen=True, kw_only=True):
    point: Point
    base_url: str
    token: str
    phone_number_id: str
    template_id: str
    way: Way
    journal: str
    ledger: str


def phone(number: int) -> str:
    return f"9190000{number:05}"


def messages(template_id: str) -> Iterator[SendTemplate]:
    for number in range(1, ROWS + 1):
        yield SendTemplate(phone_number=phone(number), template_id=template_id)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class LethalRows(list[NewRow]):
    """Rows of which the last one is stored, but not committed, when the process dies."""

    def __iter__(self) -> Iterator[NewRow]:
        yield from super().__iter__()
        die()


class MortalJournal(SQLiteJournal):
    def __init__(self, path: str, point: Point) -> None:
        super().__init__(path)
        self._point = point
        self._fatal = ""

    def before_statement(self, statement: str) -> None:
        """Die where the statement is the one that must not happen; called in the journal's thread."""
        if self._fatal and statement.startswith(self._fatal):
            die()

    async def add(self, rows: Sequence[NewRow]) -> list[Stored]:
        at_target = phone(TARGET) in {row.receiver for row in rows}
        if at_target and self._point is Point.ADDING:
            rows = LethalRows(rows)
        stored = await super().add(rows)
        self._die_at(Point.ADDED, at_target)
        return stored

    async def claim(self, seq: int) -> bool:
        self._die_before("COMMIT", Point.CLAIMING, seq == TARGET)
        return await super().claim(seq)

    async def finish(self, finish: Finish) -> None:
        self._die_before("COMMIT", Point.FINISHING, finish.seq == TARGET)
        await super().finish(finish)
        self._die_at(Point.FINISHED, finish.seq == TARGET)

    def advance(
        self,
        results: Sequence[Finish | Requeue],
        claims: Sequence[int],
        done: Callable[[Advanced], object],
        *,
        fresh: Sequence[NewRow] = (),
    ) -> None:
        adding, finishing = phone(TARGET) in {row.receiver for row in fresh}, TARGET in [one.seq for one in results]
        claiming = adding or TARGET in claims
        self._die_before("COMMIT", Point.CLAIMING, claiming)
        self._die_before("COMMIT", Point.FINISHING, finishing)
        if adding and self._point is Point.ADDING:
            fresh = LethalRows(fresh)

        def told(advanced: Advanced) -> None:
            self._die_at(Point.ADDED, adding)
            self._die_at(Point.CLAIMED, claiming)
            self._die_at(Point.FINISHED, finishing)
            done(advanced)

        super().advance(results, claims, told, fresh=fresh)

    async def close(self, reason: str = "done") -> None:
        self._die_before("COMMIT", Point.CLOSING)
        self._die_before("PRAGMA wal_checkpoint", Point.CHECKPOINTING)
        await super().close(reason)
        self._die_at(Point.CLOSED)

    def _die_at(self, point: Point, at_target: bool = True) -> None:
        if at_target and self._point is point:
            die()

    def _die_before(self, statement: str, point: Point, at_target: bool = True) -> None:
        if at_target and self._point is point:
            self._fatal = statement


class MortalSend:
    """The message, where it needs no worker."""

    def __init__(self, ready: Ready, client: MortalClient) -> None:
        self._ready = ready
        self._client = client
        self.call_off, self.abandon = ready.call_off, ready.abandon

    def leave(self, done: Callable[[Any], object]) -> None:
        self._ready.leave(lambda _: done(self))
        if self._client.point is Point.WRITTEN:
            self._watching = asyncio.create_task(self._client.die_when_written())

    def result(self) -> Any:
        answer = self._ready.result()
        if self._client.point is Point.ANSWERED:
            die()
        return answer


class MortalClient(WabotickClient):
    point: Point
    ledger: Path
    quick: bool

    def prepare(self, requests: Any) -> Any:
        asked = list(requests)
        return [
            MortalSend(ready, self) if request.phone_number == phone(TARGET) else ready
            for request, ready in zip(asked, super().prepare(asked), strict=False)
        ]

    async def die_when_written(self) -> None:
        while phone(TARGET) not in self.ledger.read_text():  # noqa: ASYNC110  # another process writes it
            await asyncio.sleep(0.001)
        die()

    async def send(self, request: Any, *, before_sending: Any = None, **options: Any) -> Any:
        if request.phone_number != phone(TARGET):
            return await super().send(request, before_sending=before_sending, **options)
        assert not self.quick, "it took the long way"

        async def claim() -> None:
            await before_sending()
            if self.point is Point.CLAIMED:
                die()

        sending = asyncio.create_task(super().send(request, before_sending=claim, **options))
        if self.point is Point.WRITTEN:  # the sandbox keeps the answer back
            await self.die_when_written()
        answer = await sending
        if self.point is Point.ANSWERED:
            die()
        return answer


def trace(listener: Callable[[str], None]) -> None:
    connect = JournalFiles.connect

    def traced(self: JournalFiles) -> sqlite3.Connection:
        connection = connect(self)
        connection.set_trace_callback(listener)
        return connection

    JournalFiles.connect = traced  # type: ignore[method-assign]  # the process lives for this only


async def campaign(task: Task) -> None:
    if task.way == "workers":
        SessionPool.runway = nothing_flies  # type: ignore[method-assign, assignment]  # the process lives for this only
    journal = MortalJournal(task.journal, task.point)
    trace(journal.before_statement)
    client = MortalClient(
        task.token,
        base_url=task.base_url,
        phone_number_id=task.phone_number_id,
        limits=Limits(rate=10_000.0, burst=100, concurrency=1),
        lane="express" if task.way == "express" else "session",
    )
    client.point, client.ledger, client.quick = task.point, Path(task.ledger), task.way != "workers"
    async with client:
        await BulkSender(client, journal=journal).run(messages(task.template_id))


if __name__ == "__main__":
    asyncio.run(campaign(msgspec.json.decode(sys.argv[1], type=Task)))
