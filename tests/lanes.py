"""Both lanes for the same tests: what carries requests is the only thing that differs."""

from __future__ import annotations

from typing import Any, Final, Literal, cast

import pytest

from wabotick_async import ExpressPool, SessionPool, Timeout, WabotickClient

__all__ = ["LANES", "SESSION_ONLY", "WAYS", "Lane", "Way", "bulk_way", "lane", "nothing_flies", "pool_of_the_lane"]

Lane = Literal["session", "express"]
LANES: Final[tuple[Lane, ...]] = ("session", "express")
Way = Literal["session", "express", "workers"]
WAYS: Final[tuple[Way, ...]] = ("session", "express", "workers")
"""How a campaign sends: both lanes, and the session without messages that fly."""
SESSION_ONLY: Final = pytest.mark.parametrize("way", ["lean", "plain"], indirect=True)
"""For a test of the pools that concerns aiohttp's session alone."""


@pytest.fixture(params=LANES)
def lane(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Lane:
    """Let every client and every `pooled` of a test take one lane, unless it names its own session or pool."""
    chosen = cast("Lane", request.param)
    monkeypatch.setitem(_defaults(), "lane", chosen)
    return chosen


@pytest.fixture(params=WAYS)
def bulk_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Way:
    """Let every client of a test take one lane, and its campaigns on that lane fly or use their workers alone."""
    chosen = cast("Way", request.param)
    monkeypatch.setitem(_defaults(), "lane", "express" if chosen == "express" else "session")
    if chosen == "workers":
        monkeypatch.setattr(SessionPool, "runway", nothing_flies)
    return chosen


def nothing_flies(_pool: SessionPool, _timeouts: Timeout) -> None:
    """Stand in for `SessionPool.runway`, as it is with a session of the user's own."""


def pool_of_the_lane(base_url: str, **settings: Any) -> SessionPool | ExpressPool:
    """Make the pool that a client would make."""
    if settings.get("session") is None and _defaults()["lane"] == "express":
        return ExpressPool(base_url, **settings)
    return SessionPool(base_url, **settings)


def _defaults() -> dict[str, Any]:
    return cast("dict[str, Any]", WabotickClient.__init__.__kwdefaults__)
