"""What every fixture file says, written by hand: type and key values, or error, advice and words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pytest

from tests.contract.fixture_files import FIXTURES, load_fixture
from tests.wire.answers import answer, failure
from wabotick_async import (
    Acknowledgement,
    Advice,
    AlreadyExistsError,
    APIError,
    BroadcastReceipt,
    ConversationRow,
    CustomField,
    Label,
    MessageStatus,
    NotFoundError,
    Order,
    Page,
    Postback,
    Rows,
    SendReceipt,
    SessionWindowClosedError,
    Subscriber,
    SubscriberLimitError,
    Template,
    UploadedMedia,
)
from wabotick_async.models import Catalog

SENT: Final = "wamid.HBgNODgwMTcyMzMwOTAwMxUCABEYEjlGQkY3MEFEMEVGODhCNDkxNQA="
DONE: Final = {
    "add_note": "Notes have been added successfully.",
    "assign_chat": "Successfully Assign Agent to Conversation.",
    "assign_custom_fields": "Subscriber changes have been saved successfully.",
    "assign_labels": "Labels have been assigned successfully.",
    "assign_sequences": "Sequences have been assigned successfully.",
    "connect_account": "Whatsapp account has been connect successfully.",
    "create_label": "Label has been created successfully.",
    "create_subscriber": "WhatsApp subscriber has been created.",
    "delete_subscriber": "Subscriber has been deleted successfully.",
    "remove_labels": "Labels have been assigned successfully.",
    "remove_sequences": "Sequences have been removed successfully.",
    "reset_user_input_flow": "Reset User Input Flow successfully.",
    "sync_catalog": "Catalog products have been synced successfully.",
    "trigger_bot_flow": "Bot has been trigger successfully.",
    "update_order_status": "Cart status has been updated successfully",
    "update_subscriber": "Subscriber Updated Successfully.",
}

VALUES: Final[Mapping[str, tuple[type, Mapping[str, Any]]]] = {
    **{f"{name}/success-1": (Acknowledgement, {"text": text}) for name, text in DONE.items()},
    "delete_subscriber/other-1": (Acknowledgement, {"text": "Subscriber not found"}),
    "sync_catalog/other-1": (Acknowledgement, {"text": "(not found text)"}),
    "send_template/success-1": (
        SendReceipt,
        {
            "message_id": "wamid.HBgLOTE5MDAwMDAwMDAwFQIAERgSRjQ1QzBCM0EyN0M4OTUzNkFFAA==",
            "text": "Template message sent successfully.",
        },
    ),
    "send_template/other-1": (SendReceipt, {"message_id": "wamid.X"}),
    "send_template/other-2": (SendReceipt, {"message_id": None}),
    "send_template/other-3": (SendReceipt, {"message_id": None, "text": "Template message sent successfully."}),
    "send_text/success-1": (SendReceipt, {"message_id": SENT, "text": "Message sent successfully."}),
    "send_media/success-1": (SendReceipt, {"message_id": SENT}),
    "send_broadcast_template/success-1": (BroadcastReceipt, {"campaign_id": "1727", "redirect_url": ""}),
    "send_broadcast_template/success-2": (BroadcastReceipt, {"campaign_id": None, "redirect_url": None}),
    "upload_media/success-1": (UploadedMedia, {"media_id": "982348123049102", "media_type": None}),
    "upload_media/other-1": (
        UploadedMedia,
        {"media_id": "1739230482390482", "media_type": "document", "media_name": "invoice.pdf"},
    ),
    "upload_media/other-2": (UploadedMedia, {"media_id": "1", "media_url": "https://host/file.png"}),
    "get_message_status/success-1": (
        MessageStatus,
        {
            "status": "delivered",
            "delivery_status_updated_at": "2024-07-28 13:21:03",
            "read_time": None,
            "failed_reason": "",
        },
    ),
    "get_message_status/other-1": (MessageStatus, {"status": "read", "read_time": "2024-07-28 13:22:00"}),
    "get_subscriber/success-1": (
        Subscriber,
        {
            "subscriber_id": "9822",
            "phone_number": "919000000000",
            "first_name": "Dishang",
            "labels": ("Lead", "Active"),
            "custom_fields": {"company": "SaaS Platform"},
        },
    ),
    "get_subscriber/other-1": (
        Subscriber,
        {
            "subscriber_id": "144",
            "phone_number": "0123456789",
            "labels": ("Label1", "Label2"),
            "assigned_agent_id": "12",
            "created_at": "2026-04-07 10:30:00",
            "custom_fields": {},
        },
    ),
    "get_subscriber/other-2": (type(None), {}),
    "get_subscriber/other-3": (
        Subscriber,
        {"subscriber_id": "1", "custom_fields": {"brand_name": "X", "order_id": "Y"}},
    ),
}
"""Answers that are one value."""

ROWS: Final[Mapping[str, tuple[type[Rows[Any]], type, list[Mapping[str, Any]]]]] = {
    "get_conversation/success-1": (
        Page,
        ConversationRow,
        [
            {
                "id": "8003",
                "sender": "bot",
                "subscriber_id": "0123456789-23",
                "bot_id": "23",
                "agent_name": None,
                "message_id": SENT,
                "status": None,
                "conversation_time": "2024-07-28 13:21:03",
            }
        ],
    ),
    "get_conversation/other-1": (Page, ConversationRow, [{"id": "1", "sender": "user", "raw_content": "..."}]),
    "get_conversation/other-2": (Page, ConversationRow, [{"id": "1"}, {"id": "2"}]),
    "get_conversation/other-3": (Page, ConversationRow, [{"id": "1"}, {"id": "2"}]),
    "get_conversation/other-4": (Page, ConversationRow, []),
    "list_subscribers/success-1": (
        Page,
        Subscriber,
        [
            {"subscriber_id": "144", "phone_number": "0123456789", "email": "test@gmail.com", "labels": ("One", "two")},
            {"subscriber_id": "157", "email": None, "labels": ("ChatTest", "remove tag", "One"), "gender": "Male"},
        ],
    ),
    "list_subscribers/other-1": (Page, Subscriber, [{"subscriber_id": "144", "assigned_agent_id": "12"}]),
    "list_subscribers/other-2": (
        Page,
        Subscriber,
        [{"subscriber_id": None, "phone_number": "1", "last_message_time": "2026-01-01 00:00:00", "unseen_count": 0}],
    ),
    "list_templates/success-1": (
        Rows,
        Template,
        [
            {
                "id": "48",
                "meta_template_id": "437509121867805",
                "name": "ada",
                "status": "Rejected",
                "header_subtype": "image",
                "map_needed": False,
                "system_template": False,
                "buttons": [],
                "variable_map": {"header": {}, "body": {}},
                "body_variables": (),
            }
        ],
    ),
    "list_templates/other-1": (
        Rows,
        Template,
        [{"id": "71", "category": "Authentication", "locale": "ar", "body_variables": ("otp",), "definition": {}}],
    ),
    "list_templates/other-2": (Rows, Template, []),
    "list_postbacks/success-1": (
        Rows,
        Postback,
        [
            {
                "id": "671",
                "postback_id": "QUICK_REPLY_LOCATION_REPLY_BOT",
                "bot_id": "95",
                "is_template": True,
                "template_id": None,
                "label_ids": (),
                "postback_type": "main",
            }
        ],
    ),
    "list_custom_fields/success-1": (
        Rows,
        CustomField,
        [
            {"id": "1", "name": "customer_name", "reply_type": "text"},
            {"id": "2", "name": "customer_email", "reply_type": "email"},
        ],
    ),
    "list_labels/success-1": (Rows, Label, [{"id": "1", "name": "Your label name", "status": "1"}]),
    "list_catalogs/success-1": (
        Rows,
        Catalog,
        [
            {
                "catalog_id": "1429267xxxx5095",
                "name": "The White",
                "checkout_settings": {"tax_percentage": "5.5", "shipping_charge": "20"},
            }
        ],
    ),
    "list_catalogs/other-1": (Rows, Catalog, []),
    "list_catalog_orders/success-1": (
        Rows,
        Order,
        [
            {
                "order_unique_id": "172310467380123456789",
                "phone_number": "0123456789",
                "cart_total": 4300,
                "cart_currency": "USD",
                "status": "Submitted",
                "ordered_at": "2024-08-08 08:11:13",
            }
        ],
    ),
}
"""Answers that are rows: their container, their type, and some values of each."""

NO_ACCOUNT: Final = (NotFoundError, Advice.STOP_NUMBER, "WhatsApp account not found.")
LIMIT: Final = (
    SubscriberLimitError,
    Advice.STOP_ACCOUNT,
    "Subscriber limit has been exceeded. You cannot have more subscribers.",
)
WINDOW: Final = (
    SessionWindowClosedError,
    Advice.USE_TEMPLATE,
    "Sending message outside 24 hour window is not allowed. You can only send template message to this user.",
)
PLAIN: Final = (APIError, None, "...")
REFUSALS: Final[Mapping[str, tuple[type[APIError], Advice | None, str]]] = {
    **{
        f"{name}/error-1": NO_ACCOUNT
        for name in (
            "create_subscriber",
            "get_conversation",
            "get_subscriber",
            "list_postbacks",
            "list_subscribers",
            "list_templates",
            "trigger_bot_flow",
        )
    },
    "assign_labels/error-1": (
        APIError,
        None,
        "(subscriber missing; text not published) -> callers create the subscriber and try again",
    ),
    "create_subscriber/error-2": LIMIT,
    "create_subscriber/error-3": (AlreadyExistsError, None, "Something went wrong or subscriber already exist."),
    "list_catalogs/error-1": PLAIN,
    "send_broadcast_template/error-1": LIMIT,
    "send_media/error-1": LIMIT,
    "send_media/error-2": WINDOW,
    "send_template/error-1": (NotFoundError, Advice.STOP_TEMPLATE, "Message template not found."),
    "send_template/error-2": NO_ACCOUNT,
    "send_template/error-3": WINDOW,
    "send_template/error-4": LIMIT,
    "send_template/error-5": (
        NotFoundError,
        Advice.STOP_TEMPLATE,
        "template name (<name>) does not exist in <locale> (Meta pass-through, exact wrapper text unknown)",
    ),
    "send_text/error-1": LIMIT,
    "send_text/error-2": WINDOW,
    "send_text/error-3": NO_ACCOUNT,
    "update_order_status/error-1": PLAIN,
    "upload_media/error-1": PLAIN,
}


def decoded(case: str) -> Any:
    return answer(load_fixture(f"{case}.json"), case.partition("/")[0])


def attributes(value: object, names: Mapping[str, Any]) -> dict[str, Any]:
    return {name: getattr(value, name) for name in names}


@pytest.mark.parametrize("case", VALUES)
def test_one_value(case: str) -> None:
    kind, wanted = VALUES[case]
    found = decoded(case)

    assert type(found) is kind
    assert attributes(found, wanted) == wanted


@pytest.mark.parametrize("case", ROWS)
def test_rows(case: str) -> None:
    container, kind, wanted = ROWS[case]
    found = decoded(case)
    assert isinstance(found, container)
    assert {type(row) for row in found} <= {kind}
    assert [attributes(row, names) for row, names in zip(found, wanted, strict=True)] == wanted


@pytest.mark.parametrize("case", REFUSALS)
def test_refusals(case: str) -> None:
    kind, advice, text = REFUSALS[case]
    error = failure(load_fixture(f"{case}.json"), case.partition("/")[0])

    assert type(error) is kind
    assert (error.advice, error.text, error.status) == (advice, text, 200)


def test_every_file_has_a_row_here() -> None:
    files = {path.relative_to(FIXTURES).with_suffix("").as_posix() for path in FIXTURES.glob("[!_]*/*.json")}

    assert files == VALUES.keys() | ROWS.keys() | REFUSALS.keys()


def test_the_live_token_of_a_template_is_nowhere() -> None:
    (template,) = decoded("list_templates/success-1")

    assert template.definition["name"] == "template_23_1666095188"
    assert template.definition["access_token"] == "***"
    assert "EAAH" not in f"{template!r} {template.raw_definition} {template.extra} {vars(template)}"


def test_the_content_of_a_conversation_s_row() -> None:
    (row,) = decoded("get_conversation/success-1")

    assert row.content["interactive"]["action"]["buttons"][1]["reply"]["title"] == "COD"


def test_the_definition_of_a_postback() -> None:
    (row,) = decoded("list_postbacks/success-1")

    assert row.definition[0]["text"]["preview_url"] is True
    assert row.extra["whatsapp_bot_setting_id"] == 1770


def test_the_address_of_an_order() -> None:
    (order,) = decoded("list_catalog_orders/success-1")

    assert order.shipping_address["name"] == "John Doe"


def test_the_page_that_the_server_named_next() -> None:
    assert decoded("get_conversation/other-4").next_offset == 101
    assert decoded("get_conversation/other-4").next_page is None
    assert decoded("list_subscribers/other-1").next_offset == 2
