"""The stage on which every fault is played."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.faults.proxy import ChaosProxy
from tests.faults.stage import HurriedTime, Stage
from wabotick_async.sandbox import Sandbox


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    clock = HurriedTime()
    async with (
        Sandbox(auto_window=True, clock=clock) as sandbox,
        ChaosProxy(sandbox.base_url) as proxy,
    ):
        yield Stage(sandbox, proxy, tmp_path / "campaign.journal", clock)
