"""What a limit concerns: the account, a sending number, a template, or one recipient."""

from __future__ import annotations

from collections.abc import Callable
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
    values_of = _values_of(type(request))
    if values_of is None:
        return UNSCOPED
    number, recipient, template = values_of(request)
    number = number or phone_number_id or ""
    return Scopes(
        _scope("number", number),
        _scope("template", template) if template else None,
        Scope("recipient", f"{number}:{recipient}") if recipient else None,
    )


@lru_cache(maxsize=256)
def _values_of(request_type: type[Request[Any]]) -> Callable[[Any], tuple[str, str, str]] | None:
    """Return what returns sending number, recipient and template of a message, empty where it names none."""
    if request_type.endpoint.answer_type is not SendReceipt:
        return None

    def texts(request: Request[Any]) -> tuple[str, str, str]:
        return _text(request, "phone_number_id"), _text(request, "phone_number"), _text(request, "template_id")

    return texts


def _text(request: Request[Any], field: str) -> str:
    value = getattr(request, field, "")
    return value if isinstance(value, str) else ""


@lru_cache(maxsize=1024)
def _scope(kind: str, value: str) -> Scope:
    # Numbers and templates are few, so one value of each serves all messages.
    return Scope(kind, value)
