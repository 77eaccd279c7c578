"""A campaign of the command line that is cancelled before it watches for signals."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from wabotick_async import WabotickClient
from wabotick_async.bulk import SQLiteJournal
from wabotick_async.cli.campaign import PlannedJournal, send_campaign
from wabotick_async.cli.plan import Plan, TextContent
from wabotick_async.cli.recipients import RecipientFile
from wabotick_async.sandbox import Sandbox


async def test_whoever_cancels_it_finds_the_journal_closed(contacts: Path, tmp_path: Path) -> None:
    plan = Plan(source=str(contacts), content=TextContent(text="Hello"), campaign="cancelled")
    journal = PlannedJournal(tmp_path / "journal", plan)
    file = RecipientFile(contacts)
    async with (
        Sandbox() as sandbox,
        WabotickClient(sandbox.token, base_url=sandbox.base_url, phone_number_id=sandbox.phone_number_id) as client,
    ):
        sending = asyncio.create_task(send_campaign(client, plan, journal, plan.messages(file), total=3))
        await asyncio.sleep(0)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending

    assert SQLiteJournal.inspect(journal.path).open_run is None
    assert not [name for name in tmp_path.iterdir() if name.suffix in {"-wal", "-shm"}]
    assert len(sandbox.ledger) == 0
