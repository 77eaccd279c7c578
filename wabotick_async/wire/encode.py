"""Requests as form bodies."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote_plus

from msgspec import UNSET

from ..endpoints.base import Request
from ..errors import ConfigurationError, RequestInvalidError
from ..values import Secret
from .http import HTTPRequest, Multipart

__all__ = ["encode", "form_fields"]

TOKEN_FIELD = "apiToken"  # noqa: S105 - the field's name, contract "Authentication"


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
            if field.name != "phone_number_id":
                continue
            if phone_number_id is None:
                raise ConfigurationError("expected a phone_number_id in the request or in the client")
            value = phone_number_id
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
    endpoint = request.endpoint
    form = {TOKEN_FIELD: token.reveal(), **form_fields(request, phone_number_id)}
    file_field = next((field for field in endpoint.fields if field.encoding.file), None)
    try:
        if file_field is None:
            pairs = (f"{quote_plus(name)}={quote_plus(value)}" for name, value in form.items())
            return HTTPRequest(
                path=endpoint.path,
                body="&".join(pairs).encode("ascii"),
                team_host=endpoint.team_host,
                unsafe=not endpoint.repeatable,
            )
        for value in form.values():
            value.encode()
    except UnicodeEncodeError:
        raise RequestInvalidError("expected text that can be written as UTF-8, got half a surrogate pair") from None
    upload = Multipart(
        fields=form,
        file_field=file_field.wire_name,
        file=getattr(request, file_field.name),
        file_name=getattr(request, "file_name", "") or "file",
        content_type=getattr(request, "content_type", "") or "application/octet-stream",
    )
    return HTTPRequest(path=endpoint.path, body=upload, team_host=endpoint.team_host, unsafe=not endpoint.repeatable)
