"""Requests about catalogs and orders."""

from __future__ import annotations

from msgspec import UNSET, UnsetType, field

from ..models import Acknowledgement, Catalog, Order, Rows
from .base import Request
from .description import Safety
from .endpoint_registry import endpoint
from .fields import RequiredText

__all__ = ["ListCatalogOrders", "ListCatalogs", "SyncCatalog", "UpdateOrderStatus"]


@endpoint("list_catalogs", "/whatsapp/catalog/list", Safety.SAFE)
class ListCatalogs(Request[Rows[Catalog]], frozen=True, kw_only=True):
    """List the product catalogs."""


@endpoint("sync_catalog", "/whatsapp/catalog/sync", Safety.IDEMPOTENT)
class SyncCatalog(Request[Acknowledgement], frozen=True, kw_only=True):
    """Fetch a catalog's products from Meta anew. It may take long."""

    catalog_id: RequiredText = field(name="whatsapp_catalog_id")


@endpoint("list_catalog_orders", "/whatsapp/catalog/order/list", Safety.SAFE)
class ListCatalogOrders(Request[Rows[Order]], frozen=True, kw_only=True):
    """List orders."""

    catalog_id: RequiredText | UnsetType = field(name="whatsapp_catalog_id", default=UNSET)
    """Only the orders of this catalog; left out, all."""


@endpoint("update_order_status", "/whatsapp/catalog/order/status-change", Safety.IDEMPOTENT)
class UpdateOrderStatus(Request[Acknowledgement], frozen=True, kw_only=True):
    """Change the status of an order. The customer may be told."""

    order_unique_id: RequiredText
    """Text: it is longer than 64 bits."""
    cart_status: RequiredText
    """`Approved`, `Completed`, `Shipped`, `Delivered`, `Refunded`; the set is open."""
