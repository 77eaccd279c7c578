"""One process of the soak, there to be killed: it feeds its part of the source, and sends what the journal lacks.

`python -m benchmarks.soak_child TASK`, where TASK is a `Task` as JSON.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator

import msgspec

from wabotick_async import BulkSender, Limits, SendTemplate, Timeout, WabotickClient

__all__ = ["TIMEOUT", "Task", "phone_number"]

TIMEOUT = 1.0
"""Seconds that an attempt may take: short, because the sandbox hangs on purpose."""


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """Say which messages to send, and where."""

    base_url: str
    token: str
    phone_number_id: str
    template_id: str
    journal: str
    first: int
    last: int
    """Number behind the last message."""
    in_flight: int


def phone_number(number: int) -> str:
    """Return the recipient of a message."""
    return f"9190{number:08}"


async def campaign(task: Task) -> None:
    """Send the messages of a task."""

    def messages() -> Iterator[SendTemplate]:
        for number in range(task.first, task.last):
            yield SendTemplate(
                phone_number=phone_number(number), template_id=task.template_id, variables={"name": "Ada"}
            )

    async with WabotickClient(
        task.token,
        base_url=task.base_url,
        phone_number_id=task.phone_number_id,
        limits=Limits(rate=100_000.0, burst=1000, concurrency=task.in_flight),  # the pace is that of the machine
        timeout=Timeout(connect=TIMEOUT, total=TIMEOUT),
    ) as client:
        # Unknown outcomes are what is measured here, so they must not end a run.
        await BulkSender(client, journal=task.journal, campaign="soak", max_unknown=10**9).run(messages())


if __name__ == "__main__":
    asyncio.run(campaign(msgspec.json.decode(sys.argv[1], type=Task)))
