"""Journals to test, and rows to fill them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from hashlib import blake2b
from pathlib import Path

import pytest

from wabotick_async.bulk.journal import MemoryJournal, NewRow, Row, SQLiteJournal

AnyJournal = SQLiteJournal | MemoryJournal
FINGERPRINT = {"template": "42", "account": "a"}


class FakeClock:
    """Seconds since the epoch, as the test says."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def new_row(name: str) -> NewRow:
    return NewRow(blake2b(name.encode(), digest_size=16).digest(), "91000000" + name, "send_text", name.encode())


def new_rows(count: int) -> list[NewRow]:
    return [new_row(f"{number:04}") for number in range(count)]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=["file", "memory"])
async def journal(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> AsyncIterator[AnyJournal]:
    """An open, empty journal."""
    journal: AnyJournal = (
        MemoryJournal(clock=clock) if request.param == "memory" else SQLiteJournal(tmp_path / "journal.db", clock=clock)
    )
    await journal.open(FINGERPRINT)
    yield journal
    await journal.close()


@pytest.fixture
async def on_disk(tmp_path: Path) -> AsyncIterator[SQLiteJournal]:
    journal = SQLiteJournal(tmp_path / "journal.db")
    await journal.open(FINGERPRINT)
    yield journal
    await journal.close()


async def reopen(journal: AnyJournal) -> None:
    """Begin another run."""
    await journal.close()
    await journal.open(FINGERPRINT)


async def claim_next(journal: AnyJournal, limit: int, now: float = 0.0) -> list[Row]:
    """Claim the first queued rows that are due, as one worker would."""
    rows = await journal.queued(0, limit, now)
    assert [await journal.claim(row.seq) for row in rows] == [True] * len(rows)
    return rows
