"""Catalogs and orders."""

import json
from collections.abc import Callable, Mapping

from ..call import Call
from ..contract import Body
from ..delivery import stamp
from ..dialect import done, listed, nothing_found
from ..records import Order
from ..refusals import RefusalError

STATUSES = ("Approved", "Completed", "Shipped", "Delivered", "Refunded")
"""What an order can be changed to; a new one is `Submitted`."""


def list_catalogs(call: Call) -> Body:
    """Return the catalogs; `status` is a boolean here."""
    settings = json.dumps({"tax_percentage": "5.5", "shipping_charge": "20"})
    return listed(
        call,
        [
            {
                "catalog_id": catalog.id,
                "catalog_name": catalog.name,
                "catalog_url": catalog.url,
                "checkout_settings": settings,
            }
            for catalog in call.state.catalogs.values()
        ],
    )


def sync_catalog(call: Call) -> Body:
    """Fetch the products again."""
    catalog = call.state.catalogs.get(call.text("whatsapp_catalog_id"))
    if catalog is None:
        return nothing_found(call, "Catalog not found.")
    catalog.syncs += 1
    return done(call)


def list_catalog_orders(call: Call) -> Body:
    """Return the orders, of one catalog or of all."""
    wanted = call.text("whatsapp_catalog_id")
    orders = [order for order in call.state.orders.values() if wanted in ("", order.catalog_id)]
    return listed(call, [_row(call, order) for order in orders])


def update_order_status(call: Call) -> Body:
    """Change the status of an order."""
    order = call.state.orders.get(call.text("order_unique_id"))
    if order is None:
        raise RefusalError("Order not found")
    if call.text("cart_status") not in STATUSES:
        raise RefusalError("The selected cart status is invalid.")
    order.status = call.text("cart_status")
    order.changed = call.state.clock()
    return done(call)


def _row(call: Call, order: Order) -> Body:
    catalog = call.state.catalogs.get(order.catalog_id)
    changed = stamp(order.ordered if order.changed is None else order.changed)
    address = {"name": order.first_name, "phone_number": order.phone_number, "email": "null", "address": "pti road"}
    return {
        "order_unique_id": order.id,
        "catalog_id": order.catalog_id,
        "chat_id": order.phone_number,
        "catalog_name": "" if catalog is None else catalog.name,
        "first_name": order.first_name,
        "cart_total": order.total,
        "cart_currency": order.currency,
        "cart_status_raw": order.status,
        "ordered_at": stamp(order.ordered),
        "updated_at": changed,
        "payment_amount": order.total,
        "payment_method": "Cash on Delivery",
        "shipping_address": json.dumps(address),
        "checkout_account_email": None,
        "checkout_amount": "0",
        "checkout_timestamp": None,
        "transaction_id": f"PD{order.id}FAD1",
        "paid_at": changed,
        "status_changed_at": changed,
    }


ANSWERS: Mapping[str, Callable[[Call], Body]] = {
    "list_catalogs": list_catalogs,
    "sync_catalog": sync_catalog,
    "list_catalog_orders": list_catalog_orders,
    "update_order_status": update_order_status,
}
