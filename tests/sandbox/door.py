"""A client of a few lines that shares nothing with the package: it posts hand-written forms."""

import json
from collections.abc import Mapping
from typing import Any, BinaryIO, NamedTuple

import aiohttp

from wabotick_async.sandbox import Sandbox

PHONE = "919000000000"
JSON = {"Accept": "application/json"}

PATHS = {
    "connect_account": "/whatsapp/account/connect",
    "send_template": "/whatsapp/send/template",
    "send_text": "/whatsapp/send",
    "get_conversation": "/whatsapp/get/conversation",
    "trigger_bot_flow": "/whatsapp/trigger-bot",
    "send_media": "/whatsapp/send/file",
    "upload_media": "/whatsapp/upload/media",
    "list_postbacks": "/whatsapp/get/post-back-list",
    "get_message_status": "/whatsapp/get/message-status",
    "send_broadcast_template": "/whatsapp/broadcast/template/send",
    "list_templates": "/whatsapp/template/list",
    "get_subscriber": "/whatsapp/subscriber/get",
    "create_subscriber": "/whatsapp/subscriber/create",
    "list_subscribers": "/whatsapp/subscriber/list",
    "update_subscriber": "/whatsapp/subscriber/update",
    "delete_subscriber": "/whatsapp/subscriber/delete",
    "list_custom_fields": "/whatsapp/subscriber/custom-fields/list",
    "add_note": "/whatsapp/subscriber/chat/add-notes",
    "assign_chat": "/whatsapp/subscriber/chat/assign-to-team-member",
    "reset_user_input_flow": "/whatsapp/subscriber/reset/user-input-flow",
    "assign_custom_fields": "/whatsapp/subscriber/chat/assign-custom-fields",
    "assign_labels": "/whatsapp/subscriber/chat/assign-labels",
    "remove_labels": "/whatsapp/subscriber/chat/remove-labels",
    "assign_sequences": "/whatsapp/subscriber/chat/assign-sequence",
    "remove_sequences": "/whatsapp/subscriber/chat/remove-sequence",
    "list_labels": "/whatsapp/label/list",
    "create_label": "/whatsapp/label/create",
    "list_catalogs": "/whatsapp/catalog/list",
    "sync_catalog": "/whatsapp/catalog/sync",
    "list_catalog_orders": "/whatsapp/catalog/order/list",
    "update_order_status": "/whatsapp/catalog/order/status-change",
}

NUMBER = {"phone_number_id": "100000000000001"}
PERSON = {**NUMBER, "phone_number": PHONE}
FORMS: dict[str, dict[str, str]] = {
    "connect_account": {"user_id": "7", "whatsapp_business_account_id": "555", "access_token": "EAAG"},
    "send_template": {
        **PERSON,
        "template_id": "101",
        "templateVariable-name-1": "Asha",
        "templateVariable-order-code-2": "A 7",
    },
    "send_text": {**PERSON, "message": "नमस्ते 🎉"},
    "get_conversation": {**PERSON, "limit": "10", "offset": "1"},
    "trigger_bot_flow": {**PERSON, "bot_flow_unique_id": "5lvomLOuENXIe6D"},
    "send_media": {**PERSON, "media_url": "https://example.com/a.jpg", "media_caption_text": "Look"},
    "list_postbacks": NUMBER,
    "get_message_status": {"wa_message_id": "wamid.none=="},
    "send_broadcast_template": {**NUMBER, "flow_data": '{"id":"x@0.0.1","nodes":{}}'},
    "list_templates": NUMBER,
    "get_subscriber": PERSON,
    "create_subscriber": {"phoneNumberID": "100000000000001", "name": "Asha Rao", "phoneNumber": "919000000001"},
    "list_subscribers": {**NUMBER, "limit": "10"},
    "update_subscriber": {**PERSON, "first_name": "Asha", "gender": "female", "label_ids": "1,2"},
    "delete_subscriber": PERSON,
    "list_custom_fields": {},
    "add_note": {**PERSON, "note_text": "Call back"},
    "assign_chat": {**PERSON, "team_member_id": "12"},
    "reset_user_input_flow": PERSON,
    "assign_custom_fields": {**PERSON, "custom_fields": '{"company":"X","nobody":"knows"}'},
    "assign_labels": {**PERSON, "label_ids": "1,2,999"},
    "remove_labels": {**PERSON, "label_ids": "1"},
    "assign_sequences": {**PERSON, "sequence_ids": "11,999"},
    "remove_sequences": {**PERSON, "sequence_ids": "11"},
    "list_labels": NUMBER,
    "create_label": {**NUMBER, "label_name": "VIP"},
    "list_catalogs": {},
    "sync_catalog": {"whatsapp_catalog_id": "762561142206860"},
    "list_catalog_orders": {},
    "update_order_status": {"order_unique_id": "172310467380123456789", "cart_status": "Shipped"},
}


class Got(NamedTuple):
    """Hold an answer."""

    status: int
    text: str
    headers: Mapping[str, str]

    # Any: the tests look into JSON of every shape.
    @property
    def body(self) -> Any:
        return json.loads(self.text)

    @property
    def message(self) -> Any:
        return self.body["message"]


class Door:
    """Post forms to a sandbox."""

    def __init__(self, sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
        self.sandbox = sandbox
        self.session = session

    async def post(self, endpoint: str, /, *leave_out: str, **changes: str) -> Got:
        """Post the endpoint's form with changes, some fields left out."""
        form = {"apiToken": self.sandbox.token, **FORMS.get(endpoint, {}), **changes}
        return await self.form(endpoint, {key: value for key, value in form.items() if key not in leave_out})

    async def form(self, endpoint: str, form: Mapping[str, str], headers: Mapping[str, str] = JSON) -> Got:
        """Post exactly this form."""
        url = f"{self.sandbox.base_url}/api/v1{PATHS[endpoint]}"
        async with self.session.post(url, data=dict(form), headers=headers, allow_redirects=False) as answer:
            return Got(answer.status, await answer.text(), answer.headers)

    async def upload(self, data: bytes | BinaryIO = b"bytes", *, field: str = "media_file", **texts: str) -> Got:
        """Post a file."""
        form = aiohttp.FormData()
        for name, value in {"apiToken": self.sandbox.token, **NUMBER, **texts}.items():
            form.add_field(name, value)
        form.add_field(field, data, filename="bill.pdf", content_type="application/pdf")
        url = f"{self.sandbox.base_url}/api/v1{PATHS['upload_media']}"
        async with self.session.post(url, data=form, headers=JSON) as answer:
            return Got(answer.status, await answer.text(), answer.headers)

    async def admin(self, call: str, body: object = None) -> Got:
        """Use the back door: GET, or POST when there is a body."""
        url = f"{self.sandbox.base_url}/_sandbox/{call}"
        method = "GET" if body is None else "POST"
        async with self.session.request(method, url, json=body) as answer:
            return Got(answer.status, await answer.text(), answer.headers)
