"""Both lanes for the same tests: what carries requests is the only thing that differs."""

from __future__ import annotations

from typing import Any, Final, Literal, cast

import pytest

from wabotick_async import ExpressPool, SessionPool, WabotickClient

__all__ = ["LANES", "SESSION_ONLY", "Lane", "lane", "pool_of_the_lane"]

Lane = Literal["session", "express"]
LANES: Final[tuple[Lane, ...]] = ("session", "express")
SESSION_ONLY: Final = pytest.mark.parametrize("way", ["lean", "plain"], indirect=True)
"""For a test of the pools that concerns aiohttp's session alone."""


@pytest.fixture(params=LANES)
def lane(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Lane:
    """Let every client and every `pooled` of a test take one lane, unless it names its own session or pool."""
    chosen = cast("Lane", request.param)
    monkeypatch.setitem(_defaults(), "lane", chosen)
    return chosen


def pool_of_the_lane(base_url: str, **settings: Any) -> SessionPool | ExpressPool:
    """Make the pool that a client would make."""
    if settings.get("session") is None and _defaults()["lane"] == "express":
        return ExpressPool(base_url, **settings)
    return SessionPool(base_url, **settings)


def _defaults() -> dict[str, Any]:
    return cast("dict[str, Any]", WabotickClient.__init__.__kwdefaults__)
