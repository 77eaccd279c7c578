"""Requests about accounts."""

from __future__ import annotations

from ..models import Acknowledgement
from .base import Request
from .description import Safety
from .endpoint_registry import endpoint
from .fields import MetaId, NumericId, RequiredText

__all__ = ["ConnectAccount"]


@endpoint("connect_account", "/whatsapp/account/connect", Safety.IDEMPOTENT)
class ConnectAccount(Request[Acknowledgement], frozen=True, kw_only=True):
    """Link a WhatsApp Business account to a user of the platform."""

    user_id: NumericId
    whatsapp_business_account_id: MetaId
    access_token: RequiredText
    """Meta's access token: a permanent one of a system user."""
