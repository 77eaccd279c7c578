"""The settings of one run of a campaign."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import msgspec

from ..config import RetryPolicy
from ..endpoints import Endpoint

__all__ = ["CampaignSettings"]


class CampaignSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How a campaign runs; see `BulkSender`."""

    concurrency: int
    retry: RetryPolicy = RetryPolicy()
    """The client's; a campaign makes one attempt at a time of it."""
    daily_recipients: int | None = None
    max_unknown: int
    patience: float
    registry: Mapping[str, Endpoint]
    clock: Callable[[], float]
    monotonic: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
