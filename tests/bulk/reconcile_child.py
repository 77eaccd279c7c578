"""A process that reconciles, for a test to kill: `reconcile_child.py BASE_URL TOKEN JOURNAL NOW`."""

from __future__ import annotations

import asyncio
import sys

from wabotick_async import BulkSender, Limits, SQLiteJournal, WabotickClient


async def reconcile(base_url: str, token: str, journal: str, now: str) -> None:
    limits = Limits(rate=10_000.0, burst=100)
    async with WabotickClient(token, base_url=base_url, phone_number_id="100000000000001", limits=limits) as client:
        await BulkSender(client, journal=SQLiteJournal(journal), clock=lambda: float(now)).reconcile()


if __name__ == "__main__":
    asyncio.run(reconcile(*sys.argv[1:]))
