"""Rows of a conversation."""

from __future__ import annotations

from typing import Any

import msgspec

from .base import Answer, JSONText, decode_json_text

__all__ = ["ConversationRow"]


class ConversationRow(Answer, frozen=True, kw_only=True, dict=True):
    """One row of a conversation: a message in or out, or an event of the panel."""

    id: str = ""
    sender: str = ""
    """`user`, `bot`, `agent`, `system` and others; the set is open."""
    subscriber_id: str | None = msgspec.field(name="whatsapp_bot_subscriber_subscriber_id", default=None)
    bot_id: str | None = msgspec.field(name="whatsapp_bot_id", default=None)
    agent_name: str | None = None
    raw_content: JSONText = msgspec.field(name="message_content", default="")
    """The content as text: JSON for messages, plain prose for panel events."""
    conversation_time: str | None = None
    """Naive time `YYYY-MM-DD HH:MM:SS`; rows can appear many minutes after it."""
    message_id: str | None = msgspec.field(name="wa_message_id", default=None)
    reaction_data: str | None = None
    status: str | None = msgspec.field(name="message_status", default=None)
    delivery_status_updated_at: str | None = None
    read_time: str | None = None
    failed_time: str | None = None
    failed_reason: str | None = None

    @property
    def content(self) -> Any:
        """Return the decoded content; None where it is prose."""
        return decode_json_text(self.raw_content)
