"""Requests about bot flows."""

from __future__ import annotations

from ..models import Acknowledgement, Postback, Rows
from .base import NumberRequest, SubscriberRequest
from .description import Safety
from .endpoint_registry import endpoint
from .fields import RequiredText

__all__ = ["ListPostbacks", "TriggerBotFlow"]


@endpoint("trigger_bot_flow", "/whatsapp/trigger-bot", Safety.UNSAFE)
class TriggerBotFlow(SubscriberRequest[Acknowledgement], frozen=True, kw_only=True):
    """Start a bot flow for one recipient. An unknown flow is acknowledged, too."""

    bot_flow_unique_id: RequiredText


@endpoint("list_postbacks", "/whatsapp/get/post-back-list", Safety.SAFE)
class ListPostbacks(NumberRequest[Rows[Postback]], frozen=True, kw_only=True):
    """List the postbacks that quick replies and buttons can name."""
