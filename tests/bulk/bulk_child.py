"""A process with one campaign, for a test to kill: `bulk_child.py BASE_URL TOKEN JOURNAL TEMPLATE_ID`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator

from wabotick_async import BulkSender, Limits, SendTemplate, WabotickClient

ROWS = 400
CONCURRENCY = 8


def messages(template_id: str) -> Iterator[SendTemplate]:
    for number in range(ROWS):
        yield SendTemplate(phone_number=f"9190000{number:05}", template_id=template_id)


async def campaign(base_url: str, token: str, journal: str, template_id: str) -> None:
    limits = Limits(rate=10_000.0, burst=100, concurrency=CONCURRENCY)
    async with WabotickClient(token, base_url=base_url, phone_number_id="100000000000001", limits=limits) as client:
        await BulkSender(client, journal=journal).run(messages(template_id))


if __name__ == "__main__":
    asyncio.run(campaign(*sys.argv[1:]))
