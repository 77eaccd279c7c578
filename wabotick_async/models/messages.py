"""Answers about messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import msgspec

from .base import Answer, Receipt

__all__ = ["BroadcastReceipt", "MessageStatus", "SendReceipt", "UploadedMedia"]


class SendReceipt(Receipt, frozen=True, kw_only=True, dict=True):
    """The platform accepted a message. Accepted is not delivered: ask for the status."""

    aliases: ClassVar[Mapping[str, str]] = {"wa_message_id": "message_id"}

    message_id: str | None = None
    """WhatsApp's id of the message; some accepted template sends come without one."""


class BroadcastReceipt(Receipt, frozen=True, kw_only=True, dict=True):
    """The platform saved a broadcast."""

    campaign_id: str | None = msgspec.field(name="visual_flow_campaign_id", default=None)
    redirect_url: str | None = msgspec.field(name="redirect_on_success_url", default=None)


class UploadedMedia(Receipt, frozen=True, kw_only=True, dict=True):
    """A media file on the platform, to be sent by its id from the number that it was uploaded for."""

    media_id: str
    media_type: str | None = None
    media_name: str | None = None
    media_url: str | None = None


class MessageStatus(Answer, frozen=True, kw_only=True, dict=True):
    """How far a message came. Times have no zone (contract, "Types")."""

    status: str | None = msgspec.field(name="message_status", default=None)
    """`sent`, `delivered`, `read`, `failed`, something newer, or None."""
    delivery_status_updated_at: str | None = None
    read_time: str | None = None
    failed_time: str | None = None
    failed_reason: str | None = None
    """Free text, often empty; may hold one of Meta's codes."""
