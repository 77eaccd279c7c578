"""The judge finds each kind of lie in a journal."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from benchmarks.soak_verdict import Verdict, judge
from wabotick_async.bulk import SQLiteJournal
from wabotick_async.bulk.journal import Finish, NewRow
from wabotick_async.outcomes import Outcome
from wabotick_async.sandbox import LedgerEntry


class Story:
    """What the server got, and what the journal says about it."""

    def __init__(self, directory: Path) -> None:
        self._ledger = directory / "ledger"
        self._ledger.touch()
        self._path = directory / "campaign.journal"

    def deliver(self, phone: str, message_id: str = "wamid.1") -> None:
        entry = LedgerEntry(
            time=1.0,
            endpoint="send_text",
            phone_number_id="1",
            phone_number=phone,
            message_id=message_id,
            digest="x",
            fields={},
        )
        with self._ledger.open("ab") as file:
            file.write(msgspec.json.encode(entry) + b"\n")

    async def journal(self, phone: str, outcome: Outcome | None, message_id: str | None = None) -> None:
        journal = SQLiteJournal(self._path)
        await journal.open({})
        [stored] = await journal.add([NewRow(phone.rjust(16).encode(), phone, "send_text", b"{}")])
        if outcome is not None:
            await journal.claim(stored.seq)
            await journal.finish(Finish(stored.seq, outcome, message_id=message_id))
        await journal.close()

    def verdict(self, *wanted: str) -> Verdict:
        return judge(wanted, self._ledger, self._path)


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path)


async def test_truth(story: Story) -> None:
    story.deliver("1")
    story.deliver("2")
    await story.journal("1", Outcome.ACCEPTED, "wamid.1")
    await story.journal("2", Outcome.UNKNOWN)
    await story.journal("3", Outcome.REFUSED)
    verdict = story.verdict("1", "2", "3")
    assert verdict.truthful
    assert (verdict.accepted, verdict.unknown, verdict.unknown_delivered, verdict.refused) == (1, 1, 1, 1)


async def test_lost(story: Story) -> None:
    await story.journal("1", None)
    verdict = story.verdict("1", "2")
    assert (verdict.lost, verdict.truthful) == (2, False)


async def test_duplicated(story: Story) -> None:
    story.deliver("1", "wamid.1")
    story.deliver("1", "wamid.2")
    await story.journal("1", Outcome.ACCEPTED, "wamid.2")
    verdict = story.verdict("1")
    assert (verdict.duplicated, verdict.falsely_accepted, verdict.truthful) == (1, 0, False)


async def test_falsely_accepted(story: Story) -> None:
    story.deliver("2", "wamid.2")
    await story.journal("1", Outcome.ACCEPTED, "wamid.2")
    await story.journal("2", Outcome.ACCEPTED, "wamid.1")
    verdict = story.verdict("1", "2")
    assert (verdict.lost, verdict.falsely_accepted) == (1, 2)


async def test_falsely_refused(story: Story) -> None:
    story.deliver("1")
    await story.journal("1", Outcome.REFUSED)
    assert story.verdict("1").falsely_refused == 1


async def test_stranger(story: Story) -> None:
    story.deliver("2")
    await story.journal("1", Outcome.UNKNOWN)
    assert story.verdict("1").strangers == 1
