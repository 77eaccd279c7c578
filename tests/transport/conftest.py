"""All the ways in which a form is written."""

from __future__ import annotations

from typing import Any, cast

import pytest

from wabotick_async import SessionPool, WabotickClient


@pytest.fixture(params=["lean", "plain", "express"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Write forms with the lean request class, with aiohttp's own, and over the express lane."""
    chosen = cast("str", request.param)
    lane = chosen if chosen == "express" else "session"
    for made, setting, value in ((SessionPool, "lean", chosen == "lean"), (WabotickClient, "lane", lane)):
        monkeypatch.setitem(cast("dict[str, Any]", made.__init__.__kwdefaults__), setting, value)
    return chosen
