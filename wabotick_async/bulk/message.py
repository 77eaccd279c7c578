"""Messages of a campaign: a request, the key that makes it one message, and its form in the journal."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from ..endpoints import Endpoint, Request
from ..errors import JournalError, RequestInvalidError
from .journal import KEY_LENGTH, NewRow

__all__ = ["BulkMessage", "read_request", "to_row"]


class BulkMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A request with a key of its own: two messages of a campaign with one key are one message."""

    request: Request[Any]
    key: str
    """For instance an order number. Without one, endpoint and all fields together are the key."""


def to_row(message: object, number: int) -> tuple[Request[Any], NewRow]:
    """Return the request in a message and its row for the journal.

    Args:
        message: a request or a `BulkMessage`.
        number: place in the source, from 1, for the complaint.

    Raises:
        RequestInvalidError: it is neither, or a request that a journal cannot keep.
    """
    request, key = (message.request, message.key) if isinstance(message, BulkMessage) else (message, None)
    if not isinstance(request, Request):
        raise RequestInvalidError(f"message {number}: expected a request, got {type(request).__name__}")
    if not isinstance(key, str | None):
        raise RequestInvalidError(f"message {number}: expected a text as key, got {type(key).__name__}")
    endpoint = request.endpoint
    if not _can_be_kept(type(request)):
        raise RequestInvalidError(f"message {number}: {endpoint.name} holds what a journal must not or cannot keep")
    try:
        payload = msgspec.json.encode(request)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise RequestInvalidError(f"message {number}: cannot be written as JSON: {error}") from error
    identity = payload if key is None else key.encode("utf-8", "surrogatepass")
    digest = _digest_of(endpoint.name, key is not None).copy()
    digest.update(identity)
    receiver = str(getattr(request, "phone_number", ""))
    return request, NewRow(digest.digest(), receiver, endpoint.name, payload)


def read_request(endpoint_name: str, payload: bytes, registry: Mapping[str, Endpoint]) -> Request[Any]:
    """Return the request in a row of a journal.

    Raises:
        JournalError: its endpoint is not declared in this process, or the row breaks the endpoint's rules.
    """
    if endpoint_name not in registry:
        raise JournalError(f"the journal holds {endpoint_name!r}, an endpoint that is not declared here")
    try:
        request: Request[Any] = msgspec.json.decode(payload, type=registry[endpoint_name].request_type)
    except msgspec.DecodeError as error:
        raise JournalError(f"a row of {endpoint_name!r} cannot be read: {error}") from error
    return request


@lru_cache(maxsize=256)
def _can_be_kept(request_type: type[Request[Any]]) -> bool:
    return not (request_type.endpoint.holds_file or request_type.endpoint.holds_secret)


@lru_cache(maxsize=256)
def _digest_of(endpoint_name: str, keyed: bool) -> hashlib.blake2b:
    """Return the digest of what comes before a message's identity, to be copied and gone on with."""
    begun = b"%d:%s:" % (keyed, endpoint_name.encode())
    return hashlib.blake2b(begun, digest_size=KEY_LENGTH, person=b"wabotick-message")
