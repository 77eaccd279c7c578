"""A scripted client, virtual time, and journals of both kinds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bulk.fakes import FakeClient, FakeTime
from wabotick_async.bulk import Journal, MemoryJournal, SQLiteJournal


@pytest.fixture
def client() -> FakeClient:
    return FakeClient()


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "campaign.journal"


@pytest.fixture(params=["file", "memory"])
def journal(request: pytest.FixtureRequest, path: Path, time: FakeTime) -> Journal:
    """A journal that nobody has opened yet."""
    return MemoryJournal(clock=time) if request.param == "memory" else SQLiteJournal(path, clock=time)


@pytest.fixture
def on_disk(path: Path, time: FakeTime) -> SQLiteJournal:
    return SQLiteJournal(path, clock=time)
