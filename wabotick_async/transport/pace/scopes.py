"""What a limit concerns: the account, a sending number, a template, or one recipient."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from operator import attrgetter
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
_new: Final = tuple.__new__


def scopes_of(request: Request[Any], phone_number_id: str | None) -> Scopes:
    """Return the scopes of a request: only messages to one recipient have any.

    Args:
        request: what is to be sent.
        phone_number_id: the sending number, where the request names none.
    """
    values_of = _values_of(type(request))
    if values_of is None:
        return UNSCOPED
    own, recipient, template = values_of(request)
    number = own if own and isinstance(own, str) else phone_number_id or ""
    several = _several(number, template if isinstance(template, str) else "")
    if not recipient or not isinstance(recipient, str):
        return several
    # Made the short way: the long one of a named tuple takes twice as long.
    return _new(Scopes, (several[0], several[1], _new(Scope, ("recipient", f"{number}:{recipient}"))))


@lru_cache(maxsize=256)
def _values_of(request_type: type[Request[Any]]) -> Callable[[Any], tuple[Any, ...]] | None:
    """Return what returns sending number, recipient and template of a message, empty where it has no such field."""
    if request_type.endpoint.answer_type is not SendReceipt:
        return None
    names = "phone_number_id", "phone_number", "template_id"
    if all(hasattr(request_type, name) for name in names):
        return attrgetter(*names)
    return lambda request: tuple(getattr(request, name, "") for name in names)


@lru_cache(maxsize=1024)
def _several(number: str, template: str) -> Scopes:
    # Numbers and templates are few, so one value of each pair serves all messages.
    return Scopes(Scope("number", number), Scope("template", template) if template else None)
