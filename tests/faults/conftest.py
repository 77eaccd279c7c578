"""The stage on which every fault is played."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.faults.proxy import ChaosProxy
from tests.faults.stage import Clock, Stage
from tests.simulation.virtual_loop import loop_factories, real_time, watch_threads_of
from wabotick_async.bulk.journal import writer
from wabotick_async.sandbox import Sandbox

__all__ = ["real_time"]  # a fixture


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Let seconds cost nothing, where all who act are in one process."""
    return loop_factories(item)


@asynccontextmanager
async def _set_up(path: Path) -> AsyncIterator[Stage]:
    clock = Clock()
    async with (
        Sandbox(auto_window=True, clock=clock) as sandbox,
        ChaosProxy(sandbox.base_url) as proxy,
    ):
        yield Stage(sandbox, proxy, path, clock)


@pytest.fixture
async def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    """Open a stage in virtual time: seconds pass when everybody has nothing else to do, and at once."""
    watch_threads_of(writer, monkeypatch)
    async with _set_up(tmp_path / "campaign.journal") as stage:
        yield stage


@pytest.fixture
async def live_stage(real_time: None, tmp_path: Path) -> AsyncIterator[Stage]:
    """Open a stage in real time; nothing may depend on how fast the machine is."""
    async with _set_up(tmp_path / "campaign.journal") as stage:
        yield stage
