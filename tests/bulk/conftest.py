"""A scripted client, virtual time on all clocks, and journals of both kinds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.bulk.fakes import FakeClient, FakeTime
from tests.simulation.virtual_loop import loop_factories, real_time, watch_threads_of
from wabotick_async.bulk import Journal, MemoryJournal, SQLiteJournal
from wabotick_async.bulk.journal import writer

__all__ = ["real_time"]  # a fixture


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Let seconds cost nothing, but where the journal's thread itself is tested."""
    return {"real": asyncio.SelectorEventLoop} if item.path.parent.name == "journal" else loop_factories(item)


@pytest.fixture(autouse=True)
def watched_journals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let virtual clocks stand while a journal works."""
    watch_threads_of(writer, monkeypatch)


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
