"""Sending: template, text, broadcast, flow."""

import re
from collections.abc import Callable, Mapping

import msgspec

from ..call import Call
from ..contract import VARIABLE_KEY, Body
from ..delivery import Special
from ..dialect import done, is_sibling, sent
from ..records import Template
from ..refusals import BAD_TEXT, NO_TEMPLATE, FieldsError, RefusalError
from .recipients import check, session_recipient, template_recipient

_UNFIT_FOR_META = re.compile(r"[\n\t]| {5,}")
MISSING = "-"
"""What arrives for a variable that was not supplied."""


def send_template(call: Call) -> Body:
    """Send a template; its recipient becomes a subscriber."""
    check(call)
    template = _template(call)
    values = _values(call, template)
    _check_header(call, template)
    _check_buttons(call, template)
    subscriber = template_recipient(call)
    message_id = call.state.new_message_id()
    # Before the answer: what is in doubt for the client is never in doubt here.
    call.state.write_down(call.endpoint.name, call.fields, message_id=message_id, by_server=call.by_server)
    content: Body = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": subscriber.phone_number,
        "type": "template",
    }
    call.state.record(subscriber, "bot", content, message_id=message_id, template=template, values=values)
    return sent(call, None if Special.NO_MESSAGE_ID.fits(subscriber.phone_number) else message_id)


def send_text(call: Call) -> Body:
    """Send text within the 24-hour window."""
    check(call)
    if len(call.text("message")) > 4096:
        raise RefusalError("(#100) Param text['body'] must be at most 4096 characters long.")
    subscriber = session_recipient(call)
    message_id = call.state.new_message_id()
    call.state.write_down(call.endpoint.name, call.fields, message_id=message_id, by_server=call.by_server)
    content: Body = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": subscriber.phone_number,
        "type": "text",
        "text": {"body": call.text("message"), "preview_url": True},
    }
    call.state.record(subscriber, "agent", content, message_id=message_id)
    return sent(call, message_id)


def send_broadcast_template(call: Call) -> Body:
    """Save a campaign document and send it out."""
    _ = call.number
    call.json_object("flow_data")
    call.state.write_down(call.endpoint.name, call.fields, message_id=None, by_server=call.by_server)
    if is_sibling(call):
        return call.endpoint.sample(1)
    return {**done(call), "visual_flow_campaign_id": call.state.next_id()}


def trigger_bot_flow(call: Call) -> Body:
    """Start a flow; an unknown one is answered with success too (contract note)."""
    check(call)
    call.state.write_down(call.endpoint.name, call.fields, message_id=None, by_server=call.by_server)
    flow = call.text("bot_flow_unique_id")
    subscriber = call.find_subscriber()
    if flow in call.state.flows and subscriber is not None:
        subscriber.input_flow = flow
        call.state.record(subscriber, "automation", {"type": "text", "text": {"body": "Welcome to the flow."}})
    return done(call)


def _template(call: Call) -> Template:
    text = call.text("template_id")
    # Meta's long id has no place here, and a name is not a number: both end as "not found".
    found = call.state.templates.get(int(text)) if text.isascii() and text.isdigit() and len(text) < 10 else None
    number_id = call.number.phone_number_id
    if found is None or (found.phone_number_ids and number_id not in found.phone_number_ids):
        raise RefusalError(NO_TEMPLATE)
    if found.status != "Approved":
        raise RefusalError(f"(#132001) template name ({found.name}) does not exist in {found.locale}")
    if found.map_needed or found.kind == "carousel":
        raise RefusalError("(#132000) Number of parameters does not match the expected number of params.")
    return found


def _values(call: Call, template: Template) -> tuple[str, ...]:
    values = [MISSING] * len(template.variables)
    for key, value in call.fields.items():
        if not key.startswith("templateVariable-"):
            continue
        match = VARIABLE_KEY.fullmatch(key)
        position = int(match["position"]) if match else 0
        if match is None or not 1 <= position <= len(values):
            call.odd(f"template {template.id} has no place for {key}")
            continue
        if match["name"] != template.variables[position - 1]:
            call.odd(f"variable {position} of template {template.id} is not called {match['name']}")
        if _UNFIT_FOR_META.search(value):
            raise RefusalError(BAD_TEXT)
        values[position - 1] = value or MISSING
    return tuple(values)


def _check_header(call: Call, template: Template) -> None:
    link = call.text("template_header_media_url")
    if link and not link.startswith(("http://", "https://")):
        raise FieldsError.of("template_header_media_url", "must be a valid URL.")
    if link and not template.header:
        call.odd(f"template {template.id} has no media header")
    if template.header and not link:
        raise RefusalError("(#132012) Parameter format does not match format in the created template.")


def _check_buttons(call: Call, template: Template) -> None:
    text = call.text("template_quick_reply_button_values")
    if not text:
        return
    try:
        values = msgspec.json.decode(text, type=list[str])
    except msgspec.MsgspecError:
        raise FieldsError.of("template_quick_reply_button_values", "must be a JSON array of texts.") from None
    if len(values) != len(template.buttons):
        raise RefusalError("(#132018) The button parameters do not match the template.")
    if ", " in text:
        call.odd("template_quick_reply_button_values is not compact JSON")


ANSWERS: Mapping[str, Callable[[Call], Body]] = {
    "send_template": send_template,
    "send_text": send_text,
    "send_broadcast_template": send_broadcast_template,
    "trigger_bot_flow": trigger_bot_flow,
}
