"""Subscribers, labels and custom fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import msgspec

from .base import Answer

__all__ = ["CustomField", "Label", "Subscriber"]


class Subscriber(Answer, frozen=True, kw_only=True, dict=True):
    """A contact of one sending number. The same person exists once per number."""

    aliases: ClassVar[Mapping[str, str]] = {"chat_id": "phone_number", "label_names": "labels"}

    subscriber_id: str | None = None
    phone_number: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    gender: str | None = None
    """Free text in practice."""
    labels: tuple[str, ...] = ()
    custom_fields: dict[str, str] = msgspec.field(default_factory=dict)
    created_at: str | None = None
    assigned_agent_id: str | None = None
    assigned_agent: str | None = None
    bot_reply_label: str | None = None
    ai_reply_label: str | None = None
    last_message_time: str | None = None
    unseen_count: int | None = None


class CustomField(Answer, frozen=True, kw_only=True, dict=True):
    """A custom field that subscribers may carry."""

    id: str = ""
    name: str = ""
    reply_type: str | None = None


class Label(Answer, frozen=True, kw_only=True, dict=True):
    """A label that subscribers may carry."""

    id: str = ""
    name: str = msgspec.field(name="label_name", default="")
    status: str | None = None
