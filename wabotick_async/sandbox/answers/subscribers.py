"""Subscribers: create, read, change, delete."""

import re
from collections.abc import Callable, Mapping

from ..call import Call
from ..contract import Body
from ..delivery import stamp, stamp_or_none
from ..dialect import done, is_sibling, listed, nothing_found
from ..records import Subscriber
from ..refusals import ALREADY_THERE, LIMIT_REACHED, NO_SUBSCRIBER, RefusalError
from .paging import page

_ORDER = re.compile(r"(id|created_at|first_name|last_name)\s+(asc|desc)", re.IGNORECASE)


def get_subscriber(call: Call) -> Body:
    """Return one subscriber."""
    subscriber = call.find_subscriber()
    if subscriber is None:
        return nothing_found(call, NO_SUBSCRIBER)
    if is_sibling(call):
        return listed(call, [{**_sibling_row(call, subscriber), "custom_fields": _custom_text(call, subscriber)}])
    data: Body = {
        "subscriber_id": subscriber.id,
        "first_name": subscriber.first_name,
        "last_name": subscriber.last_name,
        "phone_number": subscriber.phone_number,
        "gender": subscriber.gender,
        "labels": _labels(call, subscriber),
        "custom_fields": subscriber.custom_fields or [],
    }
    return {**done(call), "data": data}


def create_subscriber(call: Call) -> Body:
    """Add a subscriber; a repeat is answered with a refusal that says so."""
    if call.find_subscriber() is not None or not (call.phone_number.isascii() and call.phone_number.isdigit()):
        raise RefusalError(ALREADY_THERE)
    if call.state.full:
        raise RefusalError(LIMIT_REACHED)
    call.state.add_subscriber(call.number.phone_number_id, call.phone_number, call.text("name"))
    return done(call)


def list_subscribers(call: Call) -> Body:
    """Return a page of subscribers."""
    number_id = call.number.phone_number_id
    mine = [subscriber for subscriber in call.state.subscribers.values() if subscriber.phone_number_id == number_id]
    wanted = page(call, _sorted(call, mine), most=100)
    if not is_sibling(call):
        return listed(call, [_vendor_row(call, subscriber) for subscriber in wanted.rows])
    more: Body = {"nextOffset": wanted.following} if wanted.following else {}
    return {**listed(call, [_sibling_row(call, subscriber) for subscriber in wanted.rows]), **more}


def update_subscriber(call: Call) -> Body:
    """Change what was sent; fields left out stay."""
    subscriber = call.subscriber()
    for name in ("first_name", "last_name", "gender"):
        if name in call.fields:
            setattr(subscriber, name, call.text(name))
    if "label_ids" in call.fields:
        subscriber.label_ids = [label for label in call.id_list("label_ids") if label in call.state.labels]
    return done(call)


def delete_subscriber(call: Call) -> Body:
    """Remove a subscriber with its history."""
    subscriber = call.find_subscriber()
    if subscriber is None:
        return nothing_found(call, NO_SUBSCRIBER)
    call.state.delete_subscriber(subscriber)
    return done(call)


def list_custom_fields(call: Call) -> Body:
    """Return the fields of the account; the rows are under `data`."""
    fields = call.state.custom_fields.items()
    return listed(call, [{"id": field, "name": name, "reply_type": kind} for field, (name, kind) in fields], key="data")


def assign_custom_fields(call: Call) -> Body:
    """Set fields from a JSON object; unknown names are answered with success and dropped (contract note)."""
    subscriber = call.subscriber()
    values = call.json_object("custom_fields")
    known = {name for name, _ in call.state.custom_fields.values()}
    subscriber.custom_fields.update({name: str(value) for name, value in values.items() if name in known})
    return done(call)


def _sorted(call: Call, subscribers: list[Subscriber]) -> list[Subscriber]:
    order = call.text("orderBy")
    if order == "1":
        return sorted(subscribers, key=lambda subscriber: -(subscriber.last_message or 0))
    match = _ORDER.fullmatch(order.strip())
    if match is None:
        if order not in ("", "0"):
            call.odd(f"orderBy {order!r} is not understood")
        return sorted(subscribers, key=lambda subscriber: subscriber.id)
    field = "created" if match[1].lower() == "created_at" else match[1].lower()
    down = match[2].lower() == "desc"
    # Read afresh for each row: the fields are of different types, each comparable with itself.
    return sorted(subscribers, key=lambda subscriber: (getattr(subscriber, field), subscriber.id), reverse=down)


def _labels(call: Call, subscriber: Subscriber) -> list[str]:
    return [call.state.labels[label] for label in subscriber.label_ids if label in call.state.labels]


def _vendor_row(call: Call, subscriber: Subscriber) -> Body:
    return {
        "subscriber_id": subscriber.id,
        "chat_id": subscriber.phone_number,
        "first_name": subscriber.first_name,
        "last_name": subscriber.last_name,
        "email": subscriber.email,
        "gender": subscriber.gender,
        "label_names": ",".join(_labels(call, subscriber)),
    }


def _sibling_row(call: Call, subscriber: Subscriber) -> Body:
    return {
        **_vendor_row(call, subscriber),
        "gender": subscriber.gender.title(),
        "created_at": stamp(subscriber.created),
        "assigned_agent_id": subscriber.agent_id,
        "assigned_agent": None if subscriber.agent_id is None else "Support Agent",
        "bot_reply_label": "Bot Reply On",
        "label_names": ",".join(_labels(call, subscriber)) or None,
        "last_message_time": stamp_or_none(subscriber.last_message),
        "unseen_count": 0,
    }


def _custom_text(call: Call, subscriber: Subscriber) -> str | None:
    return ",".join(f"{name}:{value}" for name, value in subscriber.custom_fields.items()) or None


ANSWERS: Mapping[str, Callable[[Call], Body]] = {
    "get_subscriber": get_subscriber,
    "create_subscriber": create_subscriber,
    "list_subscribers": list_subscribers,
    "update_subscriber": update_subscriber,
    "delete_subscriber": delete_subscriber,
    "list_custom_fields": list_custom_fields,
    "assign_custom_fields": assign_custom_fields,
}
