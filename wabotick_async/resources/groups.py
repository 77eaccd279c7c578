"""The methods of the client, by group. Each takes the fields of its request struct."""

from __future__ import annotations

from collections.abc import AsyncIterator

from msgspec import UNSET, UnsetType

from ..endpoints import (
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
from ..models import ConversationRow, Subscriber
from .method import Resource, method
from .paging import walk

__all__ = ["Accounts", "CatalogGroup", "Flows", "Labels", "Messages", "Subscribers", "Templates"]


class Accounts(Resource):
    """`client.accounts`."""

    connect = method(ConnectAccount)


class Messages(Resource):
    """`client.messages`."""

    send_template = method(SendTemplate)
    send_text = method(SendText)
    send_media = method(SendMedia)
    send_broadcast_template = method(SendBroadcastTemplate)
    upload_media = method(UploadMedia)
    status = method(GetMessageStatus)
    conversation = method(GetConversation)

    def iterate_conversation(
        self, *, phone_number: str, phone_number_id: str | UnsetType = UNSET, limit: int = 50
    ) -> AsyncIterator[ConversationRow]:
        """Yield all rows of a conversation, newest first, each message once.

        Args:
            phone_number: the recipient.
            phone_number_id: the sending number; left out, the client's own.
            limit: rows a page, 1 to 50.
        """
        first = GetConversation(phone_number=phone_number, phone_number_id=phone_number_id, limit=limit)
        return walk(
            lambda page: self.conversation(
                phone_number=first.phone_number, phone_number_id=phone_number_id, limit=limit, page=page
            ),
            lambda row: row.message_id or row.id or None,
        )


class Flows(Resource):
    """`client.flows`."""

    trigger = method(TriggerBotFlow)
    list_postbacks = method(ListPostbacks)


class Templates(Resource):
    """`client.templates`."""

    list = method(ListTemplates)


class Subscribers(Resource):
    """`client.subscribers`."""

    get = method(GetSubscriber)
    create = method(CreateSubscriber)
    list = method(ListSubscribers)
    update = method(UpdateSubscriber)
    delete = method(DeleteSubscriber)
    list_custom_fields = method(ListCustomFields)
    add_note = method(AddNote)
    assign_chat = method(AssignChat)
    reset_user_input_flow = method(ResetUserInputFlow)
    assign_custom_fields = method(AssignCustomFields)
    assign_labels = method(AssignLabels)
    remove_labels = method(RemoveLabels)
    assign_sequences = method(AssignSequences)
    remove_sequences = method(RemoveSequences)

    def iterate(
        self,
        *,
        phone_number_id: str | UnsetType = UNSET,
        limit: int = 100,
        order_by: str | int | UnsetType = UNSET,
    ) -> AsyncIterator[Subscriber]:
        """Yield all subscribers of a sending number, each once.

        Args:
            phone_number_id: the sending number; left out, the client's own.
            limit: rows a page, 1 to 100.
            order_by: see `ListSubscribers`.
        """
        ListSubscribers(
            phone_number_id=phone_number_id, limit=limit, order_by=order_by
        )  # complain now, not at the first row
        return walk(
            lambda page: self.list(phone_number_id=phone_number_id, limit=limit, page=page, order_by=order_by),
            lambda row: row.subscriber_id or row.phone_number,
        )


class Labels(Resource):
    """`client.labels`."""

    list = method(ListLabels)
    create = method(CreateLabel)


class CatalogGroup(Resource):
    """`client.catalog`."""

    list = method(ListCatalogs)
    sync = method(SyncCatalog)
    list_orders = method(ListCatalogOrders)
    update_order_status = method(UpdateOrderStatus)
