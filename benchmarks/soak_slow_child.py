"""One campaign of very many rows that says how large its process is.

`python -m benchmarks.soak_slow_child ADDRESS JOURNAL ROWS IN_FLIGHT` prints a `Mark` as JSON in each line.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from benchmarks.machine import uvloop
from benchmarks.soak_child import phone_number
from wabotick_async import BulkSender, Limits, SendText, WabotickClient

__all__ = ["Mark"]

_FIRST_MARK = 100


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """How large the process was when it had read so many rows."""

    rows: int
    resident: int
    """KiB in memory now (VmRSS)."""
    largest: int
    """KiB in memory at most so far (VmHWM)."""
    ahead: int
    """Rows that the source was read ahead of the outcomes, at most so far."""
    seconds: float


def memory() -> tuple[int, int]:
    """Return the KiB that this process has in memory, and those that it had at most."""
    # Not ru_maxrss: Linux lets a child begin with its parent's.
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    values = {name: text for name, _, text in (line.partition(":") for line in lines)}
    return int(values["VmRSS"].split()[0]), int(values["VmHWM"].split()[0])


def marks(rows: int) -> set[int]:
    """Return after how many rows to measure: 1, 2 and 5 times the powers of ten, and the last row."""
    found, power = {rows}, _FIRST_MARK
    while power <= rows:
        found.update(step * power for step in (1, 2, 5) if step * power < rows)
        power *= 10
    return found


async def campaign(address: str, journal: str, rows: int, in_flight: int) -> None:
    """Send the rows, and measure on the way and at the end."""
    began, ahead = time.monotonic(), 0

    def say(number: int) -> None:
        resident, largest = memory()
        mark = Mark(rows=number, resident=resident, largest=largest, ahead=ahead, seconds=time.monotonic() - began)
        print(msgspec.json.encode(mark).decode(), flush=True)

    def source() -> Iterator[SendText]:
        nonlocal ahead
        wanted = marks(rows)
        for number in range(rows):
            done = sender.snapshot()
            ahead = max(ahead, number + 1 - done.accepted - done.refused - done.unknown - done.skipped)
            yield SendText(phone_number=phone_number(number), message=f"Order {number} is on its way.")
            if number + 1 in wanted:
                say(number + 1)

    async with WabotickClient(
        "1|" + "a" * 40,
        base_url=address,
        phone_number_id="100000000000001",
        limits=Limits(rate=100_000.0, burst=1000, concurrency=in_flight),  # the pace is that of server and machine
    ) as client:
        sender = BulkSender(client, journal=journal, campaign="slow", max_unknown=0)
        await sender.run(source())


def main(address: str, journal: str, rows: str, in_flight: str) -> None:
    module = uvloop()
    with asyncio.Runner(loop_factory=None if module is None else module.new_event_loop) as runner:
        runner.run(campaign(address, journal, int(rows), int(in_flight)))


if __name__ == "__main__":
    main(*sys.argv[1:])
