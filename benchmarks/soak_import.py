"""Kill a process in the middle of an import, then let another one go on: no row twice, none missing.

`python -m benchmarks.soak_import JOURNAL ROWS` is the process that is killed; it prints how many rows are stored.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import random
import signal
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec

from benchmarks.soak_run import SoakError, environment
from benchmarks.soak_verdict import integrity
from wabotick_async.bulk import SQLiteJournal
from wabotick_async.bulk.journal import KEY_LENGTH, Added, NewRow

__all__ = ["ImportResult", "import_under_kills", "source"]

_ROOT = Path(__file__).parents[1]
_BATCH = 1000


class ImportResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a journal holds after an import that was killed."""

    rows: int
    kills: int
    stored_before: tuple[int, ...]
    """Rows that each later process found stored."""
    found_again: int
    """Rows that the last process was told it knew already."""
    added: int
    """Rows that the last process stored."""
    in_journal: int
    different: int
    """Recipients in the journal."""
    integrity: str
    seconds: float

    @property
    def truthful(self) -> bool:
        """Tell whether every row is there once, and what was stored before a kill stayed stored."""
        return (
            self.in_journal == self.different == self.rows
            and self.found_again + self.added == self.rows
            and self.found_again == self.stored_before[-1]
            and list(self.stored_before) == sorted(self.stored_before)
            and self.integrity == "ok"
        )


def source(rows: int) -> Iterator[NewRow]:
    """Make rows whose keys come in no order, as those of real messages."""
    for number in range(rows):
        key = hashlib.blake2b(b"%d" % number, digest_size=KEY_LENGTH).digest()
        yield NewRow(key, f"9190{number:08}", "send_text", b'{"phone_number":"9190%08d","message":"Hello"}' % number)


async def import_under_kills(path: Path, rows: int, kills: int, dice: random.Random) -> ImportResult:
    """Import rows in one process after the other; all but the last one are killed at a random moment.

    Raises:
        SoakError: a process ended otherwise than it was to.
    """
    began = time.monotonic()
    goals = sorted(dice.randrange(rows * 9 // 10) for _ in range(kills))
    stored = [await _import(path, rows, goal, dice.uniform(0.0, 0.05)) for goal in goals]
    final = await _import(path, rows, None, 0.0)
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        [(in_journal, different)] = connection.execute("SELECT count(*), count(DISTINCT receiver) FROM item")
    return ImportResult(
        rows=rows,
        kills=kills,
        stored_before=(*(one["before"] for one in stored[1:]), final["before"]),
        found_again=final[Added.KNOWN.value],
        added=final[Added.NEW.value],
        in_journal=in_journal,
        different=different,
        integrity=integrity(path),
        seconds=time.monotonic() - began,
    )


async def _import(path: Path, rows: int, goal: int | None, delay: float) -> dict[str, int]:
    """Run one process, and kill it soon after it has read so many rows; return the last that it said."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.soak_import", str(path), str(rows)),
        cwd=_ROOT,
        env=environment(),
        stdout=asyncio.subprocess.PIPE,
    )
    assert child.stdout is not None
    said: dict[str, int] = {}
    try:
        async for line in child.stdout:
            said = msgspec.json.decode(line, type=dict[str, int])
            if goal is not None and said["read"] >= goal:
                await asyncio.sleep(delay)
                break
    finally:
        if goal is not None and child.returncode is None:
            child.kill()
        code = await child.wait()
    if code != (0 if goal is None else -signal.SIGKILL):
        raise SoakError(f"the import ended by itself with code {code}")
    return said


async def _child(path: Path, rows: int) -> None:
    journal = SQLiteJournal(path)
    opened = await journal.open({"campaign": "import"})
    found = Counter({Added.NEW.value: 0, Added.KNOWN.value: 0, "before": opened.counts.rows, "read": 0})
    everything = source(rows)
    while batch := list(itertools.islice(everything, _BATCH)):
        for one in await journal.add(batch):
            found[one.added.value] += 1
        found["read"] += len(batch)
        print(msgspec.json.encode(found).decode(), flush=True)
    await journal.close()


if __name__ == "__main__":
    asyncio.run(_child(Path(sys.argv[1]), int(sys.argv[2])))
