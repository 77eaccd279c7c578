"""A process with one campaign, to be stopped or starved: `campaign_child.py HOW BASE_URL TOKEN JOURNAL ROWS [LANE]`.

HOW is `plain`, or `few-files`: then no file descriptor is left until two sends have failed for it, and the number of
those sends is printed.
"""

from __future__ import annotations

import asyncio
import resource
import sys
from collections.abc import AsyncIterator
from typing import cast

from tests.faults.stage import messages
from tests.lanes import Lane
from wabotick_async import BulkSender, Limits, SendText, Timeout, WabotickClient
from wabotick_async.outcomes import Outcome
from wabotick_async.transport import AttemptFinished, Event

CONCURRENCY = 4
TIMEOUT = 1.0


class FewFiles:
    """Leave no file descriptor to open from a message on, and allow them again after two failures."""

    def __init__(self) -> None:
        self.failed = 0
        self._limits = resource.getrlimit(resource.RLIMIT_NOFILE)

    def take(self) -> None:
        # Those that are open stay; a new one would need a number below 3, and these are in use.
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, self._limits[1]))

    def observe(self, event: Event) -> None:
        self.failed += isinstance(event, AttemptFinished) and event.outcome is Outcome.NOT_SENT
        if self.failed == 2:
            resource.setrlimit(resource.RLIMIT_NOFILE, self._limits)


async def source(count: int, few: FewFiles | None) -> AsyncIterator[SendText]:
    for number, message in enumerate(messages(count)):
        if number == count // 2 and few is not None:
            few.take()
        yield message


async def short_sleep(_: float) -> None:
    await asyncio.sleep(0.01)


async def campaign(how: str, base_url: str, token: str, journal: str, rows: str, *, lane: Lane) -> None:
    few = FewFiles() if how == "few-files" else None
    client = WabotickClient(
        token,
        base_url=base_url,
        phone_number_id="100000000000001",
        limits=Limits(rate=10_000.0, burst=100, concurrency=CONCURRENCY, keep_alive=few is None),
        timeout=Timeout(total=TIMEOUT if few is None else 5.0),
        observers=[few.observe] if few else [],
        lane=lane,
    )
    async with client:
        sender = BulkSender(client, journal=journal, max_unknown=1000, sleep=short_sleep)
        await sender.run(source(int(rows), few))
    if few is not None:
        print(few.failed)


if __name__ == "__main__":
    how, base_url, token, journal, rows, *lane = sys.argv[1:]
    asyncio.run(campaign(how, base_url, token, journal, rows, lane=cast("Lane", (lane or ["session"])[0])))
