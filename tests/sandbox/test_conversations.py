"""Conversation pages and message status."""

import json

import pytest

from tests.sandbox.conftest import Clock, Opened
from tests.sandbox.door import PHONE, Door


async def test_the_newest_row_comes_first(vendor: Door) -> None:
    await vendor.post("send_text", message="one")
    await vendor.post("send_text", message="two")
    rows = (await vendor.post("get_conversation")).message
    assert [row["sender"] for row in rows] == ["agent", "agent", "user"]
    assert json.loads(rows[0]["message_content"])["text"]["body"] == "two"


async def test_pages_are_numbered_from_1(vendor: Door) -> None:
    for text in "abcd":
        await vendor.post("send_text", message=text)
    pages = [(await vendor.post("get_conversation", limit="2", offset=str(page))).message for page in (1, 2, 3, 4)]
    assert [len(page) for page in pages] == [2, 2, 1, 0]
    assert len({row["id"] for page in pages for row in page}) == 5


async def test_page_0_is_page_1_and_noted(vendor: Door) -> None:
    assert (await vendor.post("get_conversation", offset="0")).message
    assert "get_conversation: offset 0: pages are counted from 1" in vendor.sandbox.oddities


async def test_a_row_may_appear_late_with_its_own_time(opened: Opened, clock: Clock) -> None:
    async with opened(show_after=600.0, auto_window=True) as door:
        await door.post("send_text")
        clock.now += 599
        assert (await door.post("get_conversation")).message == []
        clock.now += 1
        [row] = (await door.post("get_conversation")).message
        assert row["conversation_time"] == "2023-11-14 22:13:20"


@pytest.mark.parametrize("limit", ["0", "ten", "-1"])
async def test_a_bad_limit_is_422(vendor: Door, limit: str) -> None:
    assert (await vendor.post("get_conversation", limit=limit)).status == 422


async def test_a_limit_above_50_is_cut_and_noted(vendor: Door) -> None:
    for _ in range(55):
        vendor.sandbox.receive(PHONE, "hi")
    assert len((await vendor.post("get_conversation", limit="1000")).message) == 50
    assert "get_conversation: limit 1000 is above 50" in vendor.sandbox.oddities


async def test_an_inbound_row_holds_the_webhook(vendor: Door) -> None:
    vendor.sandbox.receive(PHONE, "Where is it?")
    content = json.loads((await vendor.post("get_conversation")).message[0]["message_content"])
    message = content["entry"][0]["changes"][0]["value"]["messages"][0]
    assert message["text"]["body"] == "Where is it?"


async def test_an_assignment_is_a_row_of_the_system_in_plain_words(vendor: Door) -> None:
    await vendor.post("assign_chat")
    row = (await vendor.post("get_conversation")).message[0]
    assert (row["sender"], row["wa_message_id"], row["message_content"][:1]) == ("system", None, "S")


async def test_rows_come_in_four_shapes_on_the_siblings(sibling: Door) -> None:
    sibling.sandbox.receive(PHONE, "again")
    shapes = [(await sibling.post("get_conversation")).message for _ in range(4)]
    assert isinstance(shapes[0], list)
    assert list(shapes[1]) == ["0", "1"]
    assert isinstance(json.loads(shapes[2]), list)
    assert list(json.loads(shapes[3])) == ["0", "1"]
    assert [type(row["id"]) for row in shapes[0]] == [int, str]


async def test_an_empty_page_of_the_siblings_has_an_odd_next_offset(sibling: Door) -> None:
    body = (await sibling.post("get_conversation", phone_number="910000000000")).body
    assert (body["message"], body["nextOffset"]) == ([], 101)


@pytest.mark.parametrize(
    ("phone_number", "age", "status"),
    [
        (PHONE, 1, "sent"),
        (PHONE, 3, "delivered"),
        (PHONE, 11, "read"),
        ("919000990001", 3, "failed"),
        ("919000990004", 99, "sent"),
        ("919000990005", 99, "delivered"),
    ],
)
async def test_a_message_moves_with_the_clock(
    vendor: Door, clock: Clock, phone_number: str, age: int, status: str
) -> None:
    message_id = (await vendor.post("send_template", phone_number=phone_number)).body["data"]["message_id"]
    clock.now += age
    got = (await vendor.post("get_message_status", wa_message_id=message_id, whatsapp_bot_id="23")).message
    assert (got["message_status"], vendor.sandbox.ledger.status_of(message_id)) == (status, status)
    assert bool(got["read_time"]) == (status == "read")
    assert ("131026" in got["failed_reason"], bool(got["failed_time"])) == (status == "failed", status == "failed")


async def test_an_unknown_message_is_refused(vendor: Door) -> None:
    assert (await vendor.post("get_message_status")).body == {"status": "0", "message": "Message not found."}


async def test_postbacks_belong_to_the_bot_of_the_number(vendor: Door) -> None:
    rows = (await vendor.post("list_postbacks", phone_number_id="100000000000002")).message
    assert {row["whatsapp_bot_id"] for row in rows} == {24}
