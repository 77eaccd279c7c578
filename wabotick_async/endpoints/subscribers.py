"""Requests about subscribers and labels."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, UnsetType, field

from ..models import Acknowledgement, CustomField, Label, Page, Rows, Subscriber
from .base import NumberRequest, Request, SubscriberRequest
from .description import Safety
from .endpoint_registry import endpoint
from .fields import CommaList, JSONValue, NumericId, PageNumber, PhoneNumber, PhoneNumberId, RequiredText, limit_up_to

__all__ = [
    "AddNote",
    "AssignChat",
    "AssignCustomFields",
    "AssignLabels",
    "AssignSequences",
    "CreateLabel",
    "CreateSubscriber",
    "DeleteSubscriber",
    "GetSubscriber",
    "ListCustomFields",
    "ListLabels",
    "ListSubscribers",
    "RemoveLabels",
    "RemoveSequences",
    "ResetUserInputFlow",
    "UpdateSubscriber",
]


@endpoint("get_subscriber", "/whatsapp/subscriber/get", Safety.SAFE)
class GetSubscriber(SubscriberRequest[Subscriber | None], frozen=True, kw_only=True):
    """Read one subscriber; None where the number has no such one."""


@endpoint("create_subscriber", "/whatsapp/subscriber/create", Safety.IDEMPOTENT)
class CreateSubscriber(Request[Acknowledgement], frozen=True, kw_only=True):
    """Add a subscriber. A repeat is refused as existing."""

    phone_number_id: PhoneNumberId | UnsetType = field(name="phoneNumberID", default=UNSET)
    """Meta's id of the sending number; left out, the client's own."""
    phone_number: PhoneNumber = field(name="phoneNumber")
    """The recipient: digits with country code."""
    name: RequiredText


@endpoint("list_subscribers", "/whatsapp/subscriber/list", Safety.SAFE)
class ListSubscribers(NumberRequest[Page[Subscriber]], frozen=True, kw_only=True):
    """Read one page of subscribers."""

    limit: Annotated[int, limit_up_to(100)] = 100
    """Rows a page, 1 to 100."""
    page: PageNumber = field(name="offset", default=1)
    """Number of the page, from 1."""
    order_by: str | int | UnsetType = field(name="orderBy", default=UNSET)
    """A sort text such as `id DESC`, or 0 and 1 on sibling brands."""


@endpoint("update_subscriber", "/whatsapp/subscriber/update", Safety.IDEMPOTENT)
class UpdateSubscriber(SubscriberRequest[Acknowledgement], frozen=True, kw_only=True):
    """Change a subscriber; what is left out stays. Custom fields have a call of their own."""

    first_name: str | UnsetType = UNSET
    last_name: str | UnsetType = UNSET
    gender: str | UnsetType = UNSET
    label_ids: CommaList | UnsetType = UNSET


@endpoint("delete_subscriber", "/whatsapp/subscriber/delete", Safety.IDEMPOTENT)
class DeleteSubscriber(SubscriberRequest[Acknowledgement], frozen=True, kw_only=True):
    """Delete a subscriber with the whole history."""


@endpoint("list_custom_fields", "/whatsapp/subscriber/custom-fields/list", Safety.SAFE)
class ListCustomFields(Request[Rows[CustomField]], frozen=True, kw_only=True):
    """List the custom fields of the account."""


@endpoint("add_note", "/whatsapp/subscriber/chat/add-notes", Safety.UNSAFE)
class AddNote(SubscriberRequest[Acknowledgement], frozen=True, kw_only=True):
    """Add a note to a subscriber."""

    note_text: RequiredText


@endpoint("assign_chat", "/whatsapp/subscriber/chat/assign-to-team-member", Safety.IDEMPOTENT, team_host=True)
class AssignChat(SubscriberRequest[Acknowledgement], frozen=True, kw_only=True):
    """Hand a conversation to a member of the team."""

    team_member_id: NumericId


@endpoint("reset_user_input_flow", "/whatsapp/subscriber/reset/user-input-flow", Safety.IDEMPOTENT)
class ResetUserInputFlow(SubscriberRequest[Acknowledgement], frozen=True, kw_only=True):
    """Forget how far a subscriber came in an input flow."""


@endpoint("assign_custom_fields", "/whatsapp/subscriber/chat/assign-custom-fields", Safety.IDEMPOTENT)
class AssignCustomFields(SubscriberRequest[Acknowledgement], frozen=True, kw_only=True):
    """Set custom fields of a subscriber. Unknown names are acknowledged, too."""

    custom_fields: JSONValue
    """A mapping of names to values."""


@endpoint("assign_labels", "/whatsapp/subscriber/chat/assign-labels", Safety.IDEMPOTENT)
class AssignLabels(SubscriberRequest[Acknowledgement], frozen=True, kw_only=True):
    """Add labels to a subscriber."""

    label_ids: CommaList


@endpoint("remove_labels", "/whatsapp/subscriber/chat/remove-labels", Safety.IDEMPOTENT)
class RemoveLabels(SubscriberRequest[Acknowledgement], frozen=True, kw_only=True):
    """Take labels from a subscriber. The platform answers with the wording of adding them."""

    label_ids: CommaList


@endpoint("assign_sequences", "/whatsapp/subscriber/chat/assign-sequence", Safety.UNSAFE)
class AssignSequences(SubscriberRequest[Acknowledgement], frozen=True, kw_only=True):
    """Enrol a subscriber in sequences, which send messages. Unknown ids are acknowledged, too."""

    sequence_ids: CommaList


@endpoint("remove_sequences", "/whatsapp/subscriber/chat/remove-sequence", Safety.IDEMPOTENT)
class RemoveSequences(SubscriberRequest[Acknowledgement], frozen=True, kw_only=True):
    """Take a subscriber out of sequences."""

    sequence_ids: CommaList


@endpoint("list_labels", "/whatsapp/label/list", Safety.SAFE, alternative_paths=("/label/list",))
class ListLabels(NumberRequest[Rows[Label]], frozen=True, kw_only=True):
    """List the labels."""


@endpoint("create_label", "/whatsapp/label/create", Safety.UNSAFE, alternative_paths=("/label/create",))
class CreateLabel(NumberRequest[Acknowledgement], frozen=True, kw_only=True):
    """Create a label. The answer has no id: list the labels to find it."""

    label_name: RequiredText
