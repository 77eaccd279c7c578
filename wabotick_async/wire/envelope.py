"""The envelope around every answer: did it succeed, what does it say, which rows does it bring.

These are the rules of contract/README.md ("What `status` means", "The `message` key"), once for all endpoints.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from ..redaction import redact

__all__ = ["BOM", "Envelope", "parse_json"]

BOM: Final = b"\xef\xbb\xbf"
_SUCCESS: Final = frozenset({"1", "success", "ok", "true"})
_REFUSAL: Final = frozenset({"0", "false", "error", "failed"})
_MISSPELT: Final = "mesasge"  # contract, row 13
_TEXT_LIMIT: Final = 500


def parse_json(body: bytes) -> Any:
    """Decode JSON whatever the content type says.

    Raises:
        ValueError: the bytes are no JSON, or nested deeper than any answer is.
    """
    try:
        return msgspec.json.decode(body.removeprefix(BOM))
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise ValueError(str(error)) from None


class Envelope:
    """A JSON object that the platform answered."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        self.body = body
        self.message: Any = body.get("message", body.get(_MISSPELT))

    @property
    def success(self) -> bool | None:
        """Tell whether the body says success, refusal, or None for neither."""
        status = self.body.get("status")
        if status is not None:
            return _verdict(status)
        if isinstance(flag := self.body.get("success"), bool):
            return flag
        return False if self.body.get("error") or self.body.get("errors") else None

    @property
    def text(self) -> str:
        """Return what the body says in words, shortened; texts never decide anything."""
        for value in (self.message, self.body.get("error"), self.body.get("errors")):
            if value:
                text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
                return redact(text)[:_TEXT_LIMIT]  # in this order: half a token has no form to know it by
        return ""

    @property
    def fields(self) -> dict[str, list[str]]:
        """Return complaints a field, of a validation answer."""
        errors = self.body.get("errors")
        if not isinstance(errors, Mapping):
            return {}
        return {
            name: [str(one) for one in said] if isinstance(said, list) else [str(said)] for name, said in errors.items()
        }

    def whole(self) -> dict[str, Any]:
        """Return the body with what lies under `data` lifted up, for answers that are no rows."""
        data = self.body.get("data")
        inner = data if isinstance(data, Mapping) else {}
        return {**self.body, **inner, "text": self.message if isinstance(self.message, str) else ""}

    def rows(self) -> tuple[list[dict[str, Any]], str]:
        """Return the rows, and the text that stands in their place where nothing was found.

        Raises:
            ValueError: what stands in the place of rows is neither rows nor text.
        """
        text = ""
        for source in (self.message, self.body.get("data")):
            value = _decoded(source)
            if isinstance(value, str):
                text = text or value
            elif value is not None:
                return _as_rows(value), ""
        if "message" not in self.body and "data" not in self.body and _MISSPELT not in self.body:
            raise ValueError("expected rows under message or data")
        return [], redact(text)


def _verdict(status: object) -> bool | None:
    if isinstance(status, float) and status.is_integer():
        status = int(status)
    word = str(status).strip().lower()
    if word in _SUCCESS:
        return True
    return False if word in _REFUSAL else None


def _decoded(source: object) -> object:
    if isinstance(source, str) and source.lstrip()[:1] in {"[", "{"}:
        try:
            return parse_json(source.strip().encode())
        except ValueError:
            return source
    return source


def _as_rows(value: object) -> list[dict[str, Any]]:
    if isinstance(value, Mapping):
        value = _from_mapping(value)
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise ValueError("expected rows that are objects")
    return value


def _from_mapping(value: Mapping[str, Any]) -> list[Any]:
    if not value:
        return []
    if all(key.isascii() and key.isdigit() for key in value):
        return [value[key] for key in sorted(value, key=int)]
    return [dict(value)]
