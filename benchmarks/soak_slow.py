"""A campaign of very many rows against a slow server: its memory, how far it reads ahead, and each row once."""

from __future__ import annotations

import asyncio
import sys
import time
from array import array
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec

from benchmarks.soak_child import phone_number
from benchmarks.soak_run import SoakError, environment
from benchmarks.soak_slow_child import Mark
from benchmarks.soak_slow_server import message_id, serving
from benchmarks.soak_verdict import integrity
from wabotick_async.bulk import SQLiteJournal, State

__all__ = ["MOST_GROWTH", "SlowResult", "judge_rows", "slow_campaign"]

MOST_GROWTH = 16 << 10
"""KiB by which the process may be larger at the end than after its first tenth."""
_ROOT = Path(__file__).parents[1]


class SlowResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a long campaign needed, and what the server's ledger says of it."""

    rows: int
    in_flight: int
    marks: tuple[Mark, ...]
    once: int
    """Recipients in the ledger once."""
    doubled: int
    strangers: int
    """Deliveries to nobody in the source."""
    accepted: int
    """Rows that the journal calls accepted under the ledger's message id."""
    misstated: int
    """Rows of the journal of which anything else is said."""
    integrity: str
    seconds: float

    @property
    def growth(self) -> int:
        """Return by how many KiB the process was larger in the later nine tenths than after the first."""
        first_tenth = [mark for mark in self.marks if mark.rows * 10 <= self.rows]
        early = first_tenth[-1] if first_tenth else self.marks[0]
        return max(mark.resident for mark in self.marks if mark.rows >= early.rows) - early.resident

    @property
    def good(self) -> bool:
        """Tell whether each row arrived once and is accepted, and neither memory nor reading ahead grew."""
        return (
            self.once == self.accepted == self.rows
            and self.doubled == self.strangers == self.misstated == 0
            and self.integrity == "ok"
            and self.marks[-1].rows == self.rows
            and self.growth <= MOST_GROWTH
            and self.marks[-1].ahead <= 2 * self.in_flight
        )


async def slow_campaign(path: Path, rows: int, in_flight: int, say: Callable[[Mark], None]) -> SlowResult:
    """Send so many rows to a slow server, and compare journal and ledger.

    Args:
        path: the journal, which must not exist.
        say: gets each measurement.

    Raises:
        SoakError: the campaign failed.
    """
    began, marks = time.monotonic(), list[Mark]()
    with serving() as server:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "benchmarks.soak_slow_child"),
            *(server.address, str(path), str(rows), str(in_flight)),
            cwd=_ROOT,
            env=environment(),
            stdout=asyncio.subprocess.PIPE,
        )
        assert child.stdout is not None
        try:
            async for line in child.stdout:
                marks.append(msgspec.json.decode(line, type=Mark))
                say(marks[-1])
        finally:
            if child.returncode is None and not child.stdout.at_eof():
                child.kill()
            code = await child.wait()
        if code != 0:
            raise SoakError(f"the campaign of {rows:,} rows ended by itself with code {code}")
        ledger = server.ledger()
    accepted, misstated = judge_rows(ledger, path)
    times = Counter(ledger)
    return SlowResult(
        rows=rows,
        in_flight=in_flight,
        marks=tuple(marks),
        once=sum(count == 1 and number < rows for number, count in times.items()),
        doubled=sum(count > 1 for count in times.values()),
        strangers=sum(number >= rows for number in times),
        accepted=accepted,
        misstated=misstated,
        integrity=integrity(path),
        seconds=time.monotonic() - began,
    )


def judge_rows(ledger: array[int], path: Path) -> tuple[int, int]:
    """Count the journal's rows that are accepted as the ledger has them, and the others."""
    delivered = {phone_number(number): delivery for delivery, number in enumerate(ledger)}
    right = wrong = 0
    for state in State:
        for row in SQLiteJournal.read_rows(path, state):
            delivery = delivered.get(row.receiver)
            if state is State.ACCEPTED and delivery is not None and row.message_id == message_id(delivery):
                right += 1
            else:
                wrong += 1
    return right, wrong
