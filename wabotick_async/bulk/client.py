"""The client as the bulk-send helper sees it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol, runtime_checkable

from ..config import Limits, RetryPolicy
from ..endpoints import Request
from .crew import Ready
from .delivery import Sends

__all__ = ["BulkClient", "HasBulkLane", "HasRetryPolicy", "Prepares"]


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
class HasRetryPolicy(Protocol):
    """A client that has rules for trying again."""

    @property
    def retry_policy(self) -> RetryPolicy:
        """The rules."""
        ...


@runtime_checkable
class HasBulkLane(Protocol):
    """A client that has a faster way for bulk sends."""

    def for_bulk(self) -> BulkClient:
        """Return the client that takes it."""
        ...


@runtime_checkable
class Prepares(Protocol):
    """A client that can say at once whether a message need not wait."""

    @property
    def is_full(self) -> bool:
        """Whether nothing may leave before something that is in flight ends."""
        ...

    def prepare(self, requests: Iterable[Request[Any]]) -> Sequence[Ready]:
        """Return messages that may leave at once, up to the first for which `send` would wait or fail."""
        ...
