"""Requests as form bodies."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, NamedTuple

from msgspec import UNSET

from ..endpoints.base import Request, values_of
from ..endpoints.description import Endpoint
from ..endpoints.fields import PLAIN
from ..errors import ConfigurationError, RequestInvalidError
from ..values import Secret
from .http import HTTPRequest, Multipart
from .quoting import quoted, quoted_name

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
        fields = _quoted_fields(request, plan, phone_number_id) if plan.flat else None
        if fields is not None:
            body: bytes | Multipart = f"{TOKEN_FIELD}={token.quoted}{fields}".encode("ascii")
        else:
            body = _at_length(request, token, phone_number_id)
    except UnicodeEncodeError:
        raise RequestInvalidError("expected text that can be written as UTF-8, got half a surrogate pair") from None
    return HTTPRequest(path=plan.path, body=body, team_host=plan.team_host, unsafe=plan.unsafe)


class _Field(NamedTuple):
    name: str
    key: str
    """`&`, the quoted wire name, and `=`."""
    plain: bool
    """Whether text travels as it is."""
    write: Callable[[Any], Any]
    required: bool
    family: bool


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
    fields = tuple(
        _Field(
            name=one.name,
            key=f"&{quoted(one.wire_name)}=",
            plain=one.encoding.write is PLAIN.write,
            write=one.encoding.write,
            required=one.required,
            family=one.encoding.family is not None,
        )
        for one in travelling
    )
    return _Plan(
        path=endpoint.path,
        team_host=endpoint.team_host,
        unsafe=not endpoint.repeatable,
        flat=not endpoint.holds_file and TOKEN_FIELD not in wire_names and sum(one.family for one in fields) <= 1,
        values=values_of([one.name for one in fields]),
        fields=fields,
        wire_names=wire_names | {TOKEN_FIELD},
    )


def _quoted_fields(request: Request[Any], plan: _Plan, phone_number_id: str | None) -> str | None:
    """Return what `form_fields` does as it stands in a body, or None where a family brings the key of another field."""
    parts: list[str] = []
    for (name, key, plain, write, required, family), value in zip(plan.fields, plan.values(request), strict=True):
        given = value
        if given is UNSET or given is None:
            if name != _NUMBER_FIELD:
                continue
            given = _number(phone_number_id)
        written: Any = given if plain and type(given) is str else write(given)
        if family:
            if not plan.wire_names.isdisjoint(written):
                return None
            for one, text in written.items():
                parts.append(f"&{quoted_name(one)}={quoted(text)}")
        elif written:
            # Ids and numbers are the most of a form.
            parts.append(key + (written if written.isascii() and written.isalnum() else quoted(written)))
        elif required:
            parts.append(key)
    return "".join(parts)


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
