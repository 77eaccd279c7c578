"""The client as the bulk-send helper sees it."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from ..config import Limits
from .delivery import Sends

__all__ = ["BulkClient", "HasBulkLane"]


class BulkClient(Sends, Protocol):
    """What the helper needs of a client: it sends, and it says which account it sends from."""

    base_url: str
    phone_number_id: str | None
    limits: Limits

    @property
    def account(self) -> str:
        """The number of the account."""
        ...


@runtime_checkable
class HasBulkLane(Protocol):
    """A client that has a faster way for bulk sends."""

    def for_bulk(self) -> BulkClient:
        """Return the client that takes it."""
        ...
