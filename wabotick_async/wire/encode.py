"""Requests as form bodies."""

from __future__ import annotations

from collections.abc import Callable, Set
from functools import lru_cache
from typing import Any, Final, NamedTuple

from msgspec import UNSET

from ..endpoints.base import Request, values_of
from ..endpoints.description import Endpoint, FieldSpec
from ..endpoints.fields import PLAIN
from ..endpoints.variables import VARIABLE_PREFIX, write_variables
from ..errors import ConfigurationError, RequestInvalidError
from ..values import Secret
from .http import HTTPRequest, Multipart
from .quoting import LONGEST_NAME, quoted, quoted_name

__all__ = ["encode", "form_fields"]

TOKEN_FIELD: Final = "apiToken"  # noqa: S105 - the field's name, contract "Authentication"
_NUMBER_FIELD: Final = "phone_number_id"


def form_fields(request: Request[Any], phone_number_id: str | None = None) -> dict[str, str]:
    """Return the form of a request by wire name, without the token and without the file.

    Fields that are left out or empty stay out: an empty value could blank a stored one (contract, row 15).

    Raises:
        ConfigurationError: the endpoint wants a sending number, and neither request nor client name one.
    """
    form: dict[str, str] = {}
    for field in request.endpoint.fields:
        encoding = field.encoding
        if encoding.file or encoding.local:
            continue
        value = getattr(request, field.name)
        if value is UNSET or value is None:
            if field.name != _NUMBER_FIELD:
                continue
            value = _number(phone_number_id)
        written = encoding.write(value)
        if encoding.family is not None:
            form.update(written)
        elif written or field.required:
            form[field.wire_name] = written
    return form


def encode(request: Request[Any], token: Secret, phone_number_id: str | None = None) -> HTTPRequest:
    """Write a request as a POST.

    Raises:
        ConfigurationError: see `form_fields`.
        RequestInvalidError: a text cannot be written as UTF-8.
    """
    plan = _plan(type(request))
    try:
        parts: list[str] = []  # without the token: a traceback may show local variables
        if plan.flat and _add_fields(parts, request, plan, phone_number_id):
            body: bytes | Multipart = f"{TOKEN_FIELD}={token.quoted}{''.join(parts)}".encode("ascii")
        else:
            body = _at_length(request, token, phone_number_id)
    except UnicodeEncodeError:
        raise RequestInvalidError("expected text that can be written as UTF-8, got half a surrogate pair") from None
    return HTTPRequest(path=plan.path, body=body, team_host=plan.team_host, unsafe=plan.unsafe)


_Field = tuple[str, str, bool, bool, Callable[[Any], Any], bool, bool]
"""Name; `&`, the quoted wire name and `=`; whether text travels as it is; whether it is the variables of a template and
no other field can bring a key of theirs; what writes it; whether it is required; whether it is a family.

A plain tuple, for a named one is taken apart far more slowly."""


class _Plan(NamedTuple):
    """What can be known of a request's form before its values are: made once for each type."""

    path: str
    team_host: bool
    unsafe: bool
    flat: bool
    """Whether the form can be written field by field: no file, and not two fields that may bring the same key."""
    values: Callable[[Any], tuple[Any, ...]]
    fields: tuple[_Field, ...]
    wire_names: frozenset[str]


@lru_cache(maxsize=256)
def _plan(request_type: type[Request[Any]]) -> _Plan:
    endpoint: Endpoint = request_type.endpoint
    travelling = [one for one in endpoint.fields if not one.encoding.local]
    wire_names = frozenset(one.wire_name for one in travelling if one.encoding.family is None)
    fields = tuple(_field(one, wire_names) for one in travelling)
    return _Plan(
        path=endpoint.path,
        team_host=endpoint.team_host,
        unsafe=not endpoint.repeatable,
        flat=not endpoint.holds_file
        and TOKEN_FIELD not in wire_names
        and sum(one.encoding.family is not None for one in travelling) <= 1,
        values=values_of([one.name for one in travelling]),
        fields=fields,
        wire_names=wire_names | {TOKEN_FIELD},
    )


def _field(spec: FieldSpec, wire_names: Set[str]) -> _Field:
    write = spec.encoding.write
    variables = write is write_variables and not any(one.startswith(VARIABLE_PREFIX) for one in wire_names)
    family = spec.encoding.family is not None
    return spec.name, f"&{quoted(spec.wire_name)}=", write is PLAIN.write, variables, write, spec.required, family


def _add_fields(parts: list[str], request: Request[Any], plan: _Plan, phone_number_id: str | None) -> bool:
    """Add what `form_fields` returns as it stands in a body; False where a family brings the key of another field."""
    for (name, key, plain, variables, write, required, family), value in zip(
        plan.fields, plan.values(request), strict=True
    ):
        given: Any = value  # as many types as fields
        if given is UNSET or given is None:
            if name != _NUMBER_FIELD:
                continue
            given = _number(phone_number_id)
        if variables:
            for one in given:
                parts += _variable_key(one.name, one.position), quoted(one.value)
            continue
        written: Any = given if plain and type(given) is str else write(given)
        if family:
            if not plan.wire_names.isdisjoint(written):
                return False
            for one, text in written.items():
                parts += f"&{quoted_name(one)}=", quoted(text)
        elif written:
            # Ids and numbers are the most of a form.
            parts += key, written if written.isascii() and written.isalnum() else quoted(written)
        elif required:
            parts.append(key)
    return True


def _at_length(request: Request[Any], token: Secret, phone_number_id: str | None) -> bytes | Multipart:
    endpoint = request.endpoint
    fields = form_fields(request, phone_number_id)
    file_field = next((field for field in endpoint.fields if field.encoding.file), None)
    if file_field is None:
        form = {TOKEN_FIELD: token.reveal(), **fields}
        return "&".join(f"{quoted(name)}={quoted(value)}" for name, value in form.items()).encode("ascii")
    for value in fields.values():
        value.encode()
    return Multipart(
        fields={TOKEN_FIELD: token.reveal(), **fields},
        file_field=file_field.wire_name,
        file=getattr(request, file_field.name),
        file_name=getattr(request, "file_name", "") or "file",
        content_type=getattr(request, "content_type", "") or "application/octet-stream",
    )


def _number(phone_number_id: str | None) -> str:
    if phone_number_id is None:
        raise ConfigurationError("expected a phone_number_id in the request or in the client")
    return phone_number_id


def _variable_key(name: str, position: int | None) -> str:
    """Return `&`, the quoted wire name of a template's variable, and `=`; see `quoted_name` for why it is kept."""
    return _kept_key(name, position) if len(name) <= LONGEST_NAME else _new_key(name, position)


def _new_key(name: str, position: int | None) -> str:
    return f"&{quoted(f'{VARIABLE_PREFIX}{name}-{position}')}="


# Typed, because a number that is equal to another may be written in another way.
_kept_key: Final = lru_cache(maxsize=1024, typed=True)(_new_key)
