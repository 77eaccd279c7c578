"""Rows as structs, lenient about what PHP makes of types.

Ids come as int or text, flags as `"0"`, lists as comma text, JSON inside strings, `"null"` for null, `[]` for `{}`
(contract, "Types"). The type of a field decides how it is read, so the rules hold for every answer, also a user's own.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Final, TypeVar, cast

import msgspec

from ..models.base import Answer, JSONText, attach_extra, decode_json_text
from ..redaction import may_hold_token, redact, strip_secrets

__all__ = ["to_struct"]

AnswerT = TypeVar("AnswerT", bound=Answer)
Reader = Callable[[Any], Any]

_MISSING: Final = object()


def to_struct(raw: Mapping[str, Any], answer_type: type[AnswerT]) -> AnswerT:
    """Convert one row.

    Raises:
        ValueError: a field cannot be read as its type, or a field that is always there is missing.
    """
    readers, aliases = _plan(answer_type)
    values: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for name, value in raw.items():
        target = name if name in readers else aliases.get(name)
        if target is None:
            extra[name] = value
        elif raw.get(target) is None or target == name:
            # A null beside another spelling that has a value says nothing.
            read = readers[target](value)
            if read is not _MISSING and (read is not None or target not in values):
                values[target] = read
    try:
        struct = msgspec.convert(values, answer_type, strict=False)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None
    if extra:
        attach_extra(struct, cast("dict[str, Any]", strip_secrets(extra)))
    return struct


@lru_cache(maxsize=256)
def _plan(answer_type: type[Answer]) -> tuple[dict[str, Reader], Mapping[str, str]]:
    fields = msgspec.structs.fields(answer_type)
    wire_names = {field.name: field.encode_name for field in fields}
    readers = {field.encode_name: _reader(field.type) for field in fields}
    return readers, {alias: wire_names.get(name, name) for alias, name in answer_type.aliases.items()}


def _reader(hint: Any) -> Reader:
    if hint == JSONText:
        return _json_text
    optional = False
    if typing.get_origin(hint) in {typing.Union, types.UnionType}:
        arguments = [one for one in typing.get_args(hint) if one is not type(None)]
        optional = len(arguments) < len(typing.get_args(hint))
        hint = arguments[0] if len(arguments) == 1 else hint
    read = _READERS.get(typing.get_origin(hint) or hint, lambda value: value)

    def read_or_default(value: Any) -> Any:
        if value is None or (optional and value == "null"):
            return None if optional else _MISSING
        return read(value)

    return read_or_default


def _text(value: object) -> str:
    if isinstance(value, str):
        return redact(value) if may_hold_token(value) else value
    if isinstance(value, bool):
        return "1" if value else "0"
    return msgspec.json.encode(strip_secrets(value)).decode()


def _json_text(value: object) -> object:
    if value is None:
        return _MISSING
    if isinstance(value, str):
        decoded = decode_json_text(value)
        cleaned = strip_secrets(decoded)
        return redact(value) if cleaned == decoded else msgspec.json.encode(cleaned).decode()
    return msgspec.json.encode(strip_secrets(value)).decode()


def _flag(value: object) -> object:
    return str(value).strip().lower() in {"1", "true", "yes"}


def _number(value: object) -> object:
    return _MISSING if value == "" else value


def _money(value: object) -> object:
    if value == "":
        return _MISSING
    try:
        return Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f"expected an amount, got {str(value)[:40]!r}") from None


def _texts(value: object) -> object:
    if isinstance(value, str):
        decoded = decode_json_text(value) if value.startswith("[") else None
        value = decoded if isinstance(decoded, list) else value.split(",")  # a label may begin with a bracket
    if isinstance(value, Mapping):
        value = list(value.values())
    if not isinstance(value, list):
        return ()
    return tuple(text for one in value if one is not None and (text := _text(one).strip()))


def _text_map(value: object) -> object:
    if isinstance(value, str):
        decoded = decode_json_text(value) if value.startswith("{") else None
        value = decoded if isinstance(decoded, dict) else _pairs(value)
    if not isinstance(value, Mapping):
        return {}
    return {str(name): "" if one is None else _text(one) for name, one in value.items()}


def _pairs(text: str) -> dict[str, str]:
    # Contract, row 12: one brand writes custom fields as `name:value,name:value`.
    pairs = (pair.partition(":") for pair in text.split(",") if ":" in pair)
    return {name.strip(): value.strip() for name, _, value in pairs}


_READERS: Final[dict[Any, Reader]] = {
    str: _text,
    bool: _flag,
    int: _number,
    float: _number,
    Decimal: _money,
    tuple: _texts,
    dict: _text_map,
}
