"""Templates, catalogs and orders."""

import json

import pytest

from tests.sandbox.door import Door


async def test_template_json_leaks_a_meta_token(vendor: Door) -> None:
    row = (await vendor.post("list_templates")).message[0]
    assert json.loads(row["template_json"])["access_token"].startswith("EAA")


async def test_a_variable_map_is_an_object_when_filled_and_a_list_when_empty(vendor: Door) -> None:
    maps = [json.loads(row["variable_map"]) for row in (await vendor.post("list_templates")).message]
    assert (maps[0]["body"], maps[1]["body"]) == ({"1": "#name#", "2": "#order-code#"}, [])


async def test_a_single_template_is_a_bare_object(vendor: Door) -> None:
    for template_id in list(vendor.sandbox.state.templates)[1:]:
        del vendor.sandbox.state.templates[template_id]
    assert (await vendor.post("list_templates")).message["id"] == 101


async def test_the_siblings_sometimes_decode_the_map(sibling: Door) -> None:
    await sibling.post("list_templates")
    row = (await sibling.post("list_templates")).message["0"]
    assert (row["variable_map"]["body"]["1"], row["template_category"]) == ("#name#", "Utility")


async def test_the_siblings_call_some_json_a_page(sibling: Door) -> None:
    types = [(await sibling.post("list_templates")).headers["Content-Type"] for _ in range(3)]
    assert types == ["application/json", "application/json", "text/html"]


@pytest.mark.parametrize("endpoint", ["list_catalogs", "update_order_status"])
async def test_the_status_is_a_boolean(door: Door, endpoint: str) -> None:
    assert (await door.post(endpoint)).body["status"] is True


async def test_an_unknown_order_and_status_are_refused_with_false(door: Door) -> None:
    for change in ({"order_unique_id": "1"}, {"cart_status": "Lost"}):
        assert (await door.post("update_order_status", **change)).body["status"] is False


async def test_an_order_changes_its_status(vendor: Door) -> None:
    await vendor.post("update_order_status")
    assert (await vendor.post("list_catalog_orders")).message[0]["cart_status_raw"] == "Shipped"


async def test_orders_are_filtered_by_catalog(vendor: Door) -> None:
    order = vendor.sandbox.add_order("919000000000", total=5, catalog_id="77")
    rows = (await vendor.post("list_catalog_orders", whatsapp_catalog_id="77")).message
    assert [(row["order_unique_id"], row["cart_total"]) for row in rows] == [(order.id, 5)]
    assert len(order.id) == 21


async def test_an_unknown_catalog_is_a_refusal_or_a_text(vendor: Door, sibling: Door) -> None:
    bodies = [(await door.post("sync_catalog", whatsapp_catalog_id="1")).body for door in (vendor, sibling)]
    assert [body["status"] for body in bodies] == ["0", "1"]


async def test_a_sync_is_counted(vendor: Door) -> None:
    await vendor.post("sync_catalog")
    assert [catalog.syncs for catalog in vendor.sandbox.state.catalogs.values()] == [1]
