"""One request that waits for its grant."""

from __future__ import annotations

import asyncio

from .scopes import Scopes

__all__ = ["Waiter"]


class Waiter:
    """One request in the line; its future brings the clock time of the grant."""

    __slots__ = ("aside", "asked", "future", "latest", "park", "scopes", "ticket", "urgent")

    def __init__(self, ticket: int, scopes: Scopes, *, asked: float, latest: float, urgent: bool, park: bool) -> None:
        self.future: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self.ticket = ticket
        """Its place in the order of asking."""
        self.scopes = scopes
        self.asked = asked
        """Clock time at which it came."""
        self.latest = latest
        """Clock time after which a grant is of no use."""
        self.urgent = urgent
        self.park = park
        """Whether it would rather come again than wait for a scope narrower than the account."""
        self.aside = False
        """Whether it has stood aside for a scope narrower than the account."""
