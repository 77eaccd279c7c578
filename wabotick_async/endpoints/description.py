"""What an endpoint is: path, safety class and fields."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from ..redaction import is_secret_name

__all__ = ["Endpoint", "FieldSpec", "Safety"]


class FieldSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One field of a request, as everything that is derived from the request sees it."""

    name: str
    wire_name: str
    required: bool
    type: Any
    encoding: Any
    """The field's `Encoding`."""

    @property
    def secret(self) -> bool:
        """Tell whether the field holds a credential."""
        return is_secret_name(self.name)


class Safety(StrEnum):
    """What a repeat of a call does."""

    SAFE = "safe"
    """A read: nothing."""
    IDEMPOTENT = "idempotent"
    """A write whose repeat does no harm."""
    UNSAFE = "unsafe"
    """A repeat sends or adds again."""


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One call of the platform, as declared by its request struct."""

    name: str
    path: str
    safety: Safety
    request_type: type[Any]
    """The request struct."""
    answer_type: Any
    """What the platform answers, as a type form."""
    fields: tuple[FieldSpec, ...]
    alternative_paths: tuple[str, ...] = ()
    """Where sibling brands keep it; tried in turn after a 404."""
    team_host: bool = False
    """Whether it goes to the client's `team_base_url` where one is set."""

    @property
    def repeatable(self) -> bool:
        """Tell whether a repeat does no harm."""
        return self.safety is not Safety.UNSAFE

    @property
    def holds_file(self) -> bool:
        """Tell whether the call uploads a file."""
        return any(field.encoding.file for field in self.fields)

    @property
    def holds_secret(self) -> bool:
        """Tell whether the request holds a credential besides the token."""
        return any(field.secret for field in self.fields)
