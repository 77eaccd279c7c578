"""Catalogs and orders."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from .base import Answer, JSONText, decode_object

__all__ = ["Catalog", "Order"]


class Catalog(Answer, frozen=True, kw_only=True, dict=True):
    """A product catalog."""

    catalog_id: str = ""
    name: str = msgspec.field(name="catalog_name", default="")
    url: str | None = msgspec.field(name="catalog_url", default=None)
    raw_checkout_settings: JSONText = msgspec.field(name="checkout_settings", default="")

    @property
    def checkout_settings(self) -> dict[str, Any]:
        """Return the decoded settings, for instance `tax_percentage`."""
        return decode_object(self.raw_checkout_settings)


class Order(Answer, frozen=True, kw_only=True, dict=True):
    """An order from a catalog. Times have no zone."""

    order_unique_id: str = ""
    """Up to 21 digits, hence text."""
    catalog_id: str = ""
    catalog_name: str | None = None
    phone_number: str | None = msgspec.field(name="chat_id", default=None)
    first_name: str | None = None
    cart_total: Decimal | None = None
    cart_currency: str | None = None
    status: str | None = msgspec.field(name="cart_status_raw", default=None)
    """`Submitted`, `Approved` and others; the set is open."""
    ordered_at: str | None = None
    updated_at: str | None = None
    payment_amount: Decimal | None = None
    payment_method: str | None = None
    raw_shipping_address: JSONText = msgspec.field(name="shipping_address", default="")
    checkout_account_email: str | None = None
    checkout_amount: Decimal | None = None
    checkout_timestamp: str | None = None
    transaction_id: str | None = None
    paid_at: str | None = None
    status_changed_at: str | None = None

    @property
    def shipping_address(self) -> dict[str, Any]:
        """Return the decoded address."""
        return decode_object(self.raw_shipping_address)
