"""What a limit concerns: the account, a sending number, a template, or one recipient."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final, NamedTuple

from ...endpoints.base import Request
from ...models import SendReceipt
from ...redaction import mask_phone_number

__all__ = ["ACCOUNT", "UNSCOPED", "Scope", "Scopes", "scopes_of"]


class Scope(NamedTuple):
    """What a limit or a pause concerns."""

    kind: str
    """`account`, `number`, `template` or `recipient`."""
    value: str = ""
    """Id of the number or template; number and recipient, joined by a colon."""

    def __str__(self) -> str:
        shown = mask_phone_number(self.value.rpartition(":")[2]) if self.kind == "recipient" else self.value
        return f"{self.kind} {shown}".rstrip()


ACCOUNT: Final = Scope("account")


class Scopes(NamedTuple):
    """The scopes of one request besides the account; those that it is not in are None."""

    number: Scope | None = None
    template: Scope | None = None
    recipient: Scope | None = None

    def of_kind(self, kind: str) -> Scope:
        """Return the scope of a kind, or the account where the request is in none of that kind."""
        scope: Scope | None = getattr(self, kind, None)
        return scope or ACCOUNT


UNSCOPED: Final = Scopes()


def scopes_of(request: Request[Any], phone_number_id: str | None) -> Scopes:
    """Return the scopes of a request: only messages to one recipient have any.

    Args:
        request: what is to be sent.
        phone_number_id: the sending number, where the request names none.
    """
    if not _is_message(type(request)):
        return UNSCOPED
    number = _text(request, "phone_number_id") or phone_number_id or ""
    template = _text(request, "template_id")
    recipient = _text(request, "phone_number")
    return Scopes(
        number=Scope("number", number),
        template=Scope("template", template) if template else None,
        recipient=Scope("recipient", f"{number}:{recipient}") if recipient else None,
    )


@lru_cache(maxsize=256)
def _is_message(request_type: type[Request[Any]]) -> bool:
    return request_type.endpoint.answer_type is SendReceipt


def _text(request: Request[Any], field: str) -> str:
    value = getattr(request, field, "")
    return value if isinstance(value, str) else ""
