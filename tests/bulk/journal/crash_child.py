"""One run of a small campaign, for a test to kill: `crash_child.py JOURNAL LEDGER KILL_AT`.

The ledger stands for the server: a line is appended when a message is "delivered". The process kills itself before the
SQL statement number KILL_AT (0: never).
"""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

from wabotick_async.bulk.journal import Advanced, Finish, NewRow, Requeue, SQLiteJournal, State, Stored
from wabotick_async.bulk.journal.files import JournalFiles
from wabotick_async.outcomes import Outcome

ROWS = 240
WORKERS = 8


def source() -> list[NewRow]:
    """Every sixth row repeats an earlier one."""
    names = [number if number % 6 else number // 6 + 1 for number in range(ROWS)]
    return [NewRow(name.to_bytes(16, "big"), str(name), "send_text", b"{}") for name in names]


def kill_before_statement(number: int) -> None:
    connect = JournalFiles.connect
    count = itertools.count(1)

    def trace(_: str) -> None:
        if next(count) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    def traced(self: JournalFiles) -> sqlite3.Connection:
        connection = connect(self)
        connection.set_trace_callback(trace)
        return connection

    JournalFiles.connect = traced  # type: ignore[method-assign]  # the process lives for this only


async def step(journal: SQLiteJournal, results: list[Finish | Requeue], claims: list[int]) -> Advanced:
    done: asyncio.Future[Advanced] = asyncio.get_running_loop().create_future()
    journal.advance(results, claims, done.set_result)
    advanced = await done
    assert advanced.error is None
    return advanced


async def campaign(path: Path, ledger: int) -> None:
    journal = SQLiteJournal(path)
    await journal.open({"campaign": "crash"})
    rows, receivers = source(), dict[int, str]()

    async def deliver(seq: int) -> None:
        await asyncio.sleep(0)
        os.write(ledger, f"{receivers[seq]}\n".encode())
        await asyncio.sleep(0)

    async def send(rows: Iterator[Stored]) -> None:
        for row in rows:
            # Only what is queued is asked for, but a claim may find a row taken: then it is not sent.
            if row.state is State.QUEUED and await journal.claim(row.seq):
                await deliver(row.seq)
                await journal.finish(Finish(row.seq, Outcome.ACCEPTED))

    async def send_in_steps(rows: Iterator[Stored]) -> None:
        results: list[Finish | Requeue] = []
        for row in rows:
            if row.state is State.QUEUED:
                advanced = await step(journal, results, [row.seq])
                results = [Finish(row.seq, Outcome.ACCEPTED)] if advanced.claimed[0] else []
                if results:
                    await deliver(row.seq)
        if results:
            await step(journal, results, [])

    for start in range(0, ROWS, 40):
        batch = rows[start : start + 40]
        stored = await journal.add(batch)
        receivers.update({one.seq: row.receiver for one, row in zip(stored, batch, strict=True)})
        together = iter(stored)
        await asyncio.gather(*((send_in_steps if worker % 2 else send)(together) for worker in range(WORKERS)))
    assert await journal.queued(0, ROWS, 0) == []
    await journal.close()


if __name__ == "__main__":
    kill_before_statement(int(sys.argv[3]))
    asyncio.run(campaign(Path(sys.argv[1]), os.open(sys.argv[2], os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)))
