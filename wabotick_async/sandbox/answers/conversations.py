"""Reading back: conversation, message status, postbacks."""

import json
import re
from collections.abc import Callable, Mapping

from ..call import Call
from ..contract import Body
from ..delivery import delivery, stamp, stamp_or_none
from ..dialect import done, is_sibling, listed, refused
from ..records import Message, Subscriber
from .paging import page

_PLACE = re.compile(r"\{\{(\d+)\}\}")


def get_conversation(call: Call) -> Body:
    """Return a page of a conversation, newest first."""
    subscriber = call.find_subscriber()
    messages = call.state.visible(call.number.phone_number_id, call.phone_number)[::-1]
    wanted = page(call, messages, most=50)
    rows = [_row(call, subscriber, message) for message in wanted.rows if subscriber is not None]
    # The siblings print a next offset on an empty page that nobody could explain (contract, other shapes).
    more: Body = {"nextOffset": 101} if is_sibling(call) and not rows else {}
    return {**listed(call, rows), **more}


def get_message_status(call: Call) -> Body:
    """Return where a message is."""
    if call.text("whatsapp_bot_id"):
        call.whole("whatsapp_bot_id")
    entry = call.state.ledger.find(call.text("wa_message_id"))
    if entry is None:
        return refused(call, "Message not found.")
    where = delivery(entry.phone_number, entry.time, call.state.clock())
    message: Body = {
        "message_status": where.status,
        "delivery_status_updated_at": stamp(where.updated),
        "read_time": stamp_or_none(where.read),
        "failed_time": stamp_or_none(where.failed),
        "failed_reason": where.reason,
    }
    return {**done(call), "message": message}


def list_postbacks(call: Call) -> Body:
    """Return the definitions of postbacks."""
    bot_id = call.number.bot_id
    return listed(call, [{**row, "whatsapp_bot_id": bot_id} for row in call.state.postbacks])


def _row(call: Call, subscriber: Subscriber, message: Message) -> Body:
    bot_id = call.number.bot_id
    outbound = message.message_id is not None and message.sender != "user"
    where = delivery(subscriber.phone_number, message.time, call.state.clock())
    return {
        "id": message.id,
        "whatsapp_bot_subscriber_subscriber_id": f"{subscriber.phone_number}-{bot_id}",
        "whatsapp_bot_id": bot_id,
        "sender": message.sender,
        "agent_name": "Support Agent" if message.sender == "agent" else None,
        "message_content": _content(call, message),
        "conversation_time": stamp(message.time),
        "wa_message_id": message.message_id,
        "reaction_data": None,
        "message_status": where.status if outbound else None,
        "delivery_status_updated_at": stamp(where.updated) if outbound else None,
        "read_time": stamp_or_none(where.read) if outbound else None,
        "failed_time": stamp_or_none(where.failed) if outbound else None,
        "failed_reason": where.reason if outbound else "",
    }


def _content(call: Call, message: Message) -> str:
    """Return the content as text: JSON inside JSON, or the plain prose of a panel event."""
    if isinstance(message.content, str):
        return message.content
    template = message.template
    if template is None:
        return json.dumps(message.content)
    if is_sibling(call):
        # Siblings store the template's definition, which has no `type`.
        text = _PLACE.sub(lambda place: message.values[int(place[1]) - 1], template.body)
        components: list[Body] = [{"type": "BODY", "text": text}]
        return json.dumps(
            {
                "name": template.name,
                "language": template.locale,
                "category": template.category,
                "components": components,
            }
        )
    parameters = [{"type": "text", "text": value} for value in message.values]
    body: Body = {
        "name": template.name,
        "language": {"code": template.locale},
        "components": [{"type": "body", "parameters": parameters}],
    }
    return json.dumps({**message.content, "template": body})


ANSWERS: Mapping[str, Callable[[Call], Body]] = {
    "get_conversation": get_conversation,
    "get_message_status": get_message_status,
    "list_postbacks": list_postbacks,
}
