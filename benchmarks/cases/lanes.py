"""The two ways to the server that this client may have, and how each is asked for: said here and nowhere else."""

from __future__ import annotations

import inspect
from typing import Any, Final, Literal

from wabotick_async import WabotickClient

__all__ = ["LANES", "Lane", "lacking", "present", "settings", "skips"]

Lane = Literal["session", "express"]
LANES: Final[tuple[Lane, ...]] = ("session", "express")
_SETTING: Final = "lane"


def settings(lane: Lane) -> dict[str, Any] | None:
    """Return the client's settings for a lane; None where the installed code has no such lane."""
    if _SETTING in inspect.signature(WabotickClient).parameters:
        return {_SETTING: lane}
    return {} if lane == "session" else None


def lacking(lane: Lane) -> str:
    """Return why a lane cannot be measured; empty where it can."""
    return "" if settings(lane) is not None else f"the installed wabotick_async has no {lane} lane"


def present() -> list[Lane]:
    """Return the lanes that the installed code has."""
    return [lane for lane in LANES if not lacking(lane)]


def skips() -> list[str]:
    """Return a line for each lane that it has not."""
    return [f"Skipped: {lane} ({why})." for lane in LANES if (why := lacking(lane))]
