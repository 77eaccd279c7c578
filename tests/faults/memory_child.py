"""A process with a campaign of many rows: `memory_child.py JOURNAL ROWS`.

It prints how many were accepted, its largest size in KiB early and late, and how far the source was read ahead.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from tests.faults.stage import messages
from wabotick_async import BulkSender, Limits, Request, RetryPolicy, SendText
from wabotick_async.models import SendReceipt

CONCURRENCY = 32


class Server:
    """A client whose sends take a moment and are accepted; it keeps nothing but a count."""

    base_url = "https://platform.test"
    account = "1"
    phone_number_id: str | None = "100000000000001"
    limits = Limits(concurrency=CONCURRENCY)

    def __init__(self) -> None:
        self.sent = 0

    async def send(
        self,
        request: Request[Any],
        *,
        retry: RetryPolicy | None = None,
        before_sending: Callable[[], Awaitable[None]] | None = None,
        park: bool = False,
    ) -> Any:
        assert before_sending is not None
        await before_sending()
        self.sent += 1
        await asyncio.sleep(0.001)
        return SendReceipt(message_id="wamid.1")


def largest() -> int:
    # Not ru_maxrss: Linux lets a child begin with its parent's.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))


async def campaign(journal: str, rows: int) -> None:
    client = Server()
    early = ahead = 0

    def source() -> Iterator[SendText]:
        nonlocal early, ahead
        for number, message in enumerate(messages(rows), 1):
            ahead = max(ahead, number - client.sent)
            if number == rows // 4:
                early = largest()
            yield message

    report = await BulkSender(client, journal=journal).run(source())
    print(report.accepted, early, largest(), ahead)


if __name__ == "__main__":
    asyncio.run(campaign(sys.argv[1], int(sys.argv[2])))
