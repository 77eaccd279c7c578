"""The two ways to answer: as the vendor documentation prints it, and as the sibling brands do.

The sibling dialect changes shape from call to call (status as text or number, rows as list, index-keyed object or JSON
text, ids as number or text), in a fixed order, so that a client which got one shape right by luck fails on the next.
"""

import enum
import json
from collections.abc import Sequence

from .call import Call
from .contract import Body

_IDS = frozenset({"id", "subscriber_id", "user_id", "whatsapp_bot_id", "whatsapp_business_id", "assigned_agent_id"})


class Dialect(enum.StrEnum):
    """Name a way to answer."""

    VENDOR = "vendor"
    """The samples of the vendor documentation."""
    SIBLING = "sibling"
    """The shapes seen on brands that run the same platform."""


def is_sibling(call: Call) -> bool:
    """Tell whether the call is to be answered as the siblings do."""
    return call.dialect == Dialect.SIBLING


def yes(call: Call) -> object:
    """Return the `status` of a success: a boolean where the contract has one."""
    status = call.endpoint.sample()["status"]
    if is_sibling(call) and isinstance(status, str):
        return ("1", 1)[call.turn % 2]
    return status


def no(call: Call) -> object:
    """Return the `status` of a refusal: a boolean where success is one."""
    if isinstance(call.endpoint.sample()["status"], bool):
        return False
    return ("0", 0, "error", False)[call.turn % 4] if is_sibling(call) else "0"


def done(call: Call) -> Body:
    """Answer a write with the sample of the contract."""
    return {**call.endpoint.sample(), "status": yes(call)}


def refused(call: Call, text: str) -> Body:
    """Answer with a refusal (HTTP 200)."""
    return {"status": no(call), "message": text}


def nothing_found(call: Call, text: str) -> Body:
    """Answer that there is no such thing: a refusal, or status 1 and a text on the siblings."""
    return {"status": yes(call), "message": text} if is_sibling(call) else refused(call, text)


def listed(call: Call, rows: Sequence[Body], *, key: str = "message") -> Body:
    """Answer with rows."""
    # The sample of a single subscriber has its row under `data`; as a list it is under `message`.
    answer = {name: value for name, value in done(call).items() if key != "message" or name != "data"}
    answer[key] = _sibling_rows(call.turn, rows) if is_sibling(call) else list(rows)
    return answer


def sent(call: Call, message_id: str | None) -> Body:
    """Answer an accepted template, text or media message."""
    if call.endpoint.name != "send_template":
        return {**done(call), "wa_message_id": message_id}
    shapes = call.endpoint.other_success_shapes
    if message_id is None:
        return dict(shapes[1 if is_sibling(call) else 2].shape)
    if is_sibling(call):
        return {**shapes[0].shape, "status": yes(call), "wa_message_id": message_id}
    return {**call.endpoint.sample(), "data": {"message_id": message_id}}


def content_type(call: Call) -> str:
    """Return the content type of an answer: the siblings sometimes call their JSON a page."""
    return "text/html" if is_sibling(call) and call.turn % 3 == 2 else "application/json"


def _sibling_rows(turn: int, rows: Sequence[Body]) -> object:
    mixed = [_mixed_ids(row) if index % 2 else row for index, row in enumerate(rows)]
    # PHP prints an empty array as [], whatever it would be when filled.
    keyed: object = {str(index): row for index, row in enumerate(mixed)} or []
    match turn % 4:
        case 0:
            return mixed
        case 1:
            return keyed
        case 2:
            return json.dumps(mixed)
        case _:
            return json.dumps(keyed)


def _mixed_ids(row: Body) -> Body:
    return {key: str(value) if key in _IDS and isinstance(value, int) else value for key, value in row.items()}
