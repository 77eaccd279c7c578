"""All the ways in which a form is written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, cast

import pytest

from tests.simulation.virtual_loop import loop_factories, real_time
from wabotick_async import SessionPool, WabotickClient

__all__ = ["real_time"]  # a fixture


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Let seconds cost nothing."""
    return loop_factories(item)


@pytest.fixture(params=["lean", "plain", "express"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Write forms with the lean request class, with aiohttp's own, and over the express lane."""
    chosen = cast("str", request.param)
    lane = chosen if chosen == "express" else "session"
    for made, setting, value in ((SessionPool, "lean", chosen == "lean"), (WabotickClient, "lane", lane)):
        monkeypatch.setitem(cast("dict[str, Any]", made.__init__.__kwdefaults__), setting, value)
    return chosen
