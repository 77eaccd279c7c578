"""One request of every endpoint, with the fields that it must have."""

from __future__ import annotations

from typing import Any, Final

from wabotick_async import (
    AddNote,
    AssignChat,
    AssignCustomFields,
    AssignLabels,
    AssignSequences,
    ConnectAccount,
    CreateLabel,
    CreateSubscriber,
    DeleteSubscriber,
    GetConversation,
    GetMessageStatus,
    GetSubscriber,
    ListCatalogOrders,
    ListCatalogs,
    ListCustomFields,
    ListLabels,
    ListPostbacks,
    ListSubscribers,
    ListTemplates,
    RemoveLabels,
    RemoveSequences,
    Request,
    ResetUserInputFlow,
    SendBroadcastTemplate,
    SendMedia,
    SendTemplate,
    SendText,
    SyncCatalog,
    TriggerBotFlow,
    UpdateOrderStatus,
    UpdateSubscriber,
    UploadMedia,
)

PHONE: Final = "8801700000001"

REQUESTS: Final[dict[str, Request[Any]]] = {  # Any: the answer types differ
    request.endpoint.name: request
    for request in (
        ConnectAccount(user_id=1, whatsapp_business_account_id="104920000000001", access_token="EAAmadeup"),
        SendTemplate(phone_number=PHONE, template_id="48"),
        SendText(phone_number=PHONE, message="hello"),
        GetConversation(phone_number=PHONE),
        TriggerBotFlow(phone_number=PHONE, bot_flow_unique_id="101"),
        SendMedia(phone_number=PHONE, media_url="https://files.test/a.jpg"),
        UploadMedia(file=b"pixels", file_name="a.jpg"),
        ListPostbacks(),
        GetMessageStatus(message_id="wamid.X=="),
        SendBroadcastTemplate(flow_data={"nodes": []}),
        ListTemplates(),
        GetSubscriber(phone_number=PHONE),
        CreateSubscriber(phone_number=PHONE, name="Ada"),
        ListSubscribers(),
        UpdateSubscriber(phone_number=PHONE, first_name="Ada"),
        DeleteSubscriber(phone_number=PHONE),
        ListCustomFields(),
        AddNote(phone_number=PHONE, note_text="called"),
        AssignChat(phone_number=PHONE, team_member_id=3),
        ResetUserInputFlow(phone_number=PHONE),
        AssignCustomFields(phone_number=PHONE, custom_fields={"city": "Dhaka"}),
        AssignLabels(phone_number=PHONE, label_ids=["1"]),
        RemoveLabels(phone_number=PHONE, label_ids=["1"]),
        AssignSequences(phone_number=PHONE, sequence_ids=["1"]),
        RemoveSequences(phone_number=PHONE, sequence_ids=["1"]),
        ListLabels(),
        CreateLabel(label_name="VIP"),
        ListCatalogs(),
        SyncCatalog(catalog_id="762561142206860"),
        ListCatalogOrders(),
        UpdateOrderStatus(order_unique_id="172310467380123456789", cart_status="Shipped"),
    )
}
