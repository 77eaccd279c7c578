"""What type checkers must infer; `make lint` and test_checkers.py run them over this file. Nothing here is executed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, assert_type

from wabotick_async import (
    Acknowledgement,
    BroadcastReceipt,
    ConversationRow,
    CustomField,
    GetSubscriber,
    Label,
    ListTemplates,
    MessageStatus,
    Order,
    Page,
    Postback,
    Request,
    Response,
    Rows,
    Safety,
    SendReceipt,
    SendTemplate,
    Subscriber,
    Template,
    TemplateVariable,
    UploadedMedia,
    WabotickClient,
    endpoint,
)
from wabotick_async.models import Catalog


async def sends(client: WabotickClient, path: Path, stream: AsyncIterator[bytes]) -> None:
    messages = client.messages
    one = TemplateVariable("name", "Ada")
    assert_type(await messages.send_template(phone_number="91", template_id="48"), SendReceipt)
    assert_type(await messages.send_template(phone_number="91", template_id="48", variables={"a": "b"}), SendReceipt)
    assert_type(await messages.send_template(phone_number="91", template_id="48", variables=[one]), SendReceipt)
    assert_type(await messages.send_text(phone_number="91", message="hi", phone_number_id="109"), SendReceipt)
    assert_type(await messages.send_media(phone_number="91", media_url="https://a.test/a.jpg"), SendReceipt)
    assert_type(await messages.send_broadcast_template(flow_data={"nodes": []}), BroadcastReceipt)
    assert_type(await messages.upload_media(file=path), UploadedMedia)
    assert_type(await messages.upload_media(file=b"x", file_name="a.jpg"), UploadedMedia)
    assert_type(await messages.upload_media(file=stream, file_name="a.jpg"), UploadedMedia)
    assert_type(await messages.status(message_id="wamid.X"), MessageStatus)
    assert_type(await client.flows.trigger(phone_number="91", bot_flow_unique_id="x"), Acknowledgement)


async def reads(client: WabotickClient) -> None:
    assert_type(await client.messages.conversation(phone_number="91", page=2), Page[ConversationRow])
    assert_type(client.messages.iterate_conversation(phone_number="91"), AsyncIterator[ConversationRow])
    assert_type(await client.flows.list_postbacks(), Rows[Postback])
    assert_type(await client.templates.list(), Rows[Template])
    assert_type(await client.subscribers.get(phone_number="91"), Subscriber | None)
    assert_type(await client.subscribers.list(limit=10, order_by="id DESC"), Page[Subscriber])
    assert_type(client.subscribers.iterate(), AsyncIterator[Subscriber])
    assert_type(await client.subscribers.list_custom_fields(), Rows[CustomField])
    assert_type(await client.labels.list(), Rows[Label])
    assert_type(await client.catalog.list(), Rows[Catalog])
    assert_type(await client.catalog.list_orders(catalog_id="1"), Rows[Order])


async def writes(client: WabotickClient) -> None:
    group = client.subscribers
    assert_type(
        await client.accounts.connect(user_id=1, whatsapp_business_account_id="1", access_token="x"), Acknowledgement
    )
    assert_type(await group.create(phone_number="91", name="Ada"), Acknowledgement)
    assert_type(await group.update(phone_number="91", first_name="Ada", label_ids=["1", 2]), Acknowledgement)
    assert_type(await group.delete(phone_number="91"), Acknowledgement)
    assert_type(await group.add_note(phone_number="91", note_text="x"), Acknowledgement)
    assert_type(await group.assign_chat(phone_number="91", team_member_id=1), Acknowledgement)
    assert_type(await group.reset_user_input_flow(phone_number="91"), Acknowledgement)
    assert_type(await group.assign_custom_fields(phone_number="91", custom_fields={"a": 1}), Acknowledgement)
    assert_type(await group.assign_labels(phone_number="91", label_ids="1,2"), Acknowledgement)
    assert_type(await group.remove_labels(phone_number="91", label_ids=[1]), Acknowledgement)
    assert_type(await group.assign_sequences(phone_number="91", sequence_ids=[1]), Acknowledgement)
    assert_type(await group.remove_sequences(phone_number="91", sequence_ids=[1]), Acknowledgement)
    assert_type(await client.labels.create(label_name="VIP"), Acknowledgement)
    assert_type(await client.catalog.sync(catalog_id="1"), Acknowledgement)
    assert_type(await client.catalog.update_order_status(order_unique_id="1", cart_status="Shipped"), Acknowledgement)


@endpoint("typing_own", "/own", Safety.SAFE)
class Own(Request[Rows[Label]], frozen=True, kw_only=True):
    name: str


async def second_door(client: WabotickClient) -> None:
    assert_type(await client.send(SendTemplate(phone_number="91", template_id="48"), deadline=5.0), SendReceipt)
    assert_type(await client.send(GetSubscriber(phone_number="91")), Subscriber | None)
    assert_type(await client.send(ListTemplates()), Rows[Template])
    assert_type(await client.send(Own(name="x")), Rows[Label])
    async with client as same:
        assert_type(same, WabotickClient)
    assert_type(WabotickClient.from_env(), WabotickClient)
    assert_type(client.with_options(phone_number_id="1"), WabotickClient)


def answers(receipt: SendReceipt, page: Page[Subscriber], rows: Rows[Template]) -> None:
    assert_type(receipt.message_id, str | None)
    assert_type(receipt.response, Response | None)
    assert_type(page.next_page, int | None)
    assert_type(page[0], Subscriber)
    assert_type([row.body_variables for row in rows], list[tuple[str, ...]])
    assert_type(rows[0].definition, dict[str, Any])
