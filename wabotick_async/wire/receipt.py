"""The commonest answer by far, read straight: a plain success of a send. All else takes the long way in `decode`."""

from __future__ import annotations

from typing import Final, Literal

import msgspec
from msgspec import UNSET, UnsetType

from ..models.base import attach_extra
from ..models.messages import SendReceipt
from ..redaction import may_hold_token

__all__ = ["plain_receipt"]


class _Inner(msgspec.Struct, forbid_unknown_fields=True):
    message_id: str


class _PlainSuccess(msgspec.Struct, forbid_unknown_fields=True):
    """The two forms of a success that the contract prints, to the letter."""

    status: Literal["success", "1"]
    message: str
    data: _Inner | UnsetType = UNSET
    wa_message_id: str | UnsetType = UNSET


_DECODER: Final = msgspec.json.Decoder(_PlainSuccess)


def plain_receipt(body: bytes) -> SendReceipt | None:
    """Return the receipt in a body of exactly the expected shape, in which nothing can be a secret; else None."""
    try:
        said = _DECODER.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return None
    extra: dict[str, object] = {"status": said.status, "message": said.message}
    message_id: str | UnsetType
    if said.data is UNSET:
        message_id = said.wa_message_id
    elif said.wa_message_id is UNSET:
        message_id = said.data.message_id
        extra["data"] = {"message_id": message_id}
    else:
        return None
    if message_id is UNSET or message_id == "null" or not _are_plain(message_id, said.message):
        return None
    receipt = SendReceipt(text=said.message, message_id=message_id)
    attach_extra(receipt, extra)
    return receipt


def _are_plain(*texts: str) -> bool:
    """Tell whether `redact` leaves texts as they are, for they have none of the marks that it looks for."""
    together = "\n".join(texts)
    return "@" not in together and not may_hold_token(together)
