"""Answers of the platform as JSON or as lines for a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET

from ..models import Answer
from ..redaction import strip_secrets
from .terminal import out, plain, plain_json

__all__ = ["print_json", "print_lines", "to_plain_data"]


def to_plain_data(value: object) -> Any:  # Any: whatever JSON can hold
    """Return an answer in JSON's types, its fields under the names that the package gives them, without secrets."""
    return strip_secrets(_convert(value))


def _convert(value: object) -> Any:
    if isinstance(value, msgspec.Struct):
        fields = {name: getattr(value, name) for name in value.__struct_fields__}
        if isinstance(value, Answer):
            fields["extra"] = value.extra or UNSET
        return {name: _convert(inner) for name, inner in fields.items() if inner is not UNSET}
    if isinstance(value, Mapping):
        return {str(name): _convert(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_convert(inner) for inner in value]
    return value


def print_json(value: object) -> None:
    """Print an answer as JSON."""
    out(plain_json(to_plain_data(value)))


def print_lines(value: object) -> None:
    """Print an answer as `name  value` lines; rows are separated by an empty line."""
    data = to_plain_data(value)
    if not data:
        out("nothing found")
    for place, row in enumerate(data if isinstance(data, list) else [data] if data else []):
        if place:
            out()
        for name, inner in row.items():
            if name != "extra" and inner not in (None, "", [], {}):
                text = inner if isinstance(inner, str) else msgspec.json.encode(inner).decode()
                out(f"{name:<24} {plain(text)}")
