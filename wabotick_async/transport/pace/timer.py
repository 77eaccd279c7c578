"""A call after some time, that can be called off."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

__all__ = ["Timer", "later"]


class Timer(Protocol):
    """A call that is due at some time."""

    def cancel(self) -> None:
        """Call it off."""
        ...


def later(delay: float, wake: Callable[[], None]) -> Timer:
    """Arrange a call in the running event loop after some seconds."""
    return asyncio.get_running_loop().call_later(delay, wake)
