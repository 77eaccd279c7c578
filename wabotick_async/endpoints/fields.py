"""How single fields travel: a clean-up at construction, a wire form, and the way back from typed text.

A field's type names its quirk once: `label_ids: CommaList`. Whatever has no quirk travels as its plain text.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterable, Callable, Sequence
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import msgspec

from ..values import clean_phone_number

__all__ = [
    "PLAIN",
    "UNWRITABLE",
    "CommaList",
    "Encoding",
    "FileNote",
    "FilePart",
    "FileSource",
    "HTTPSLink",
    "JSONValue",
    "MetaId",
    "NumericId",
    "PageNumber",
    "PhoneNumber",
    "PhoneNumberId",
    "RequiredText",
    "ShortId",
    "WebLink",
    "is_writable",
    "limit_up_to",
    "plain_text",
    "read_json",
]

FileSource = str | os.PathLike[str] | bytes | AsyncIterable[bytes]
"""Where an upload reads from: a path, bytes, or an asynchronous stream of bytes."""


def _keep(value: Any) -> Any:
    return value


UNWRITABLE: Final = "expected text that can be written as UTF-8, got half a surrogate pair"


def is_writable(text: str) -> bool:
    """Tell whether a text can be written as UTF-8, that is to the wire and to a journal."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def plain_text(value: object) -> str:
    """Write one value as form text; booleans are `1` and `0` (contract, "Headers and encodings")."""
    if isinstance(value, bool):
        return "1" if value else "0"
    return str(value)


class Encoding:
    """The quirk of one field.

    Args:
        clean: turns what the caller gave into the stored value, or raises ValueError saying what was expected.
        write: the stored value as form text.
        read: typed text (a command line's) as something that `clean` takes.
        family: the value is many form keys: `write` returns `{wire name: text}`.
        file: the value is a file part of a multipart body.
        local: the field describes another one and has no key of its own.
        required: the server wants it although the struct has a default.
    """

    def __init__(
        self,
        *,
        clean: Callable[[Any], Any] = _keep,
        write: Callable[[Any], Any] = plain_text,
        read: Callable[[str], Any] = _keep,
        family: str | None = None,
        file: bool = False,
        local: bool = False,
        required: bool = False,
    ) -> None:
        self.clean = clean
        self.write = write
        self.read = read
        self.family = family
        self.file = file
        self.local = local
        self.required = required


PLAIN: Final = Encoding()


def _clean_phone(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"expected text, got {type(value).__name__}")
    return clean_phone_number(value)


def _clean_text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("expected a text that is not empty")
    return value


_LONGEST_ID: Final = 32
_LONGEST_SHORT_ID: Final = 11


def _clean_meta_id(value: object) -> str:
    text = plain_text(value).strip()
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST_ID):
        raise ValueError(f"expected digits, got {text[:40]!r}")
    return text


def _clean_short_id(value: object) -> str:
    text = value if type(value) is str else plain_text(value)
    if not text.isdigit():
        text = text.strip()
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"expected the template's short number from the template list, got {text[:40]!r}")
    if len(text) > _LONGEST_SHORT_ID:
        raise ValueError(f"expected the short id of the template list, got Meta's long one {text[:40]!r}")
    return text


def _clean_link(schemes: tuple[str, ...]) -> Callable[[object], str]:
    def clean(value: object) -> str:
        try:
            parts = urlsplit(value if isinstance(value, str) else "")
            login = parts.username or parts.password
        except ValueError:
            parts, login = urlsplit(""), None
        if parts.scheme not in schemes or not parts.hostname or login or re.search(r"[\s\x00-\x1f]", str(value)):
            raise ValueError(f"expected a public {' or '.join(schemes)} link without a login")
        return str(value)

    return clean


def _clean_list(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, Sequence) or isinstance(value, bytes):
        raise ValueError(f"expected a list of ids, got {type(value).__name__}")
    ids = tuple(plain_text(one).strip() for one in value)
    if not ids or not all(re.fullmatch(r"[\w.-]+", one) for one in ids):
        raise ValueError("expected one or more ids")
    return ids


def _clean_json(value: object) -> object:
    if isinstance(value, set | frozenset):
        raise ValueError("expected a value that can be written as JSON, got a set, which has no order")
    try:
        # The value that JSON makes of it: what a journal brings back, and nobody else's to change.
        return msgspec.json.decode(msgspec.json.encode(value))
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as error:
        raise ValueError(f"expected a value that can be written as JSON: {error}") from error


def _write_json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def read_json(text: str) -> object:
    """Read typed text as JSON.

    Raises:
        ValueError: it is none.
    """
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise ValueError(f"expected JSON: {error}") from error


def _whole_number(low: int, high: int | None, *, required: bool = False) -> Encoding:
    expected = f"a whole number from {low}" + (f" to {high}" if high else "")

    def clean(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or value < low or (high and value > high):
            raise ValueError(f"expected {expected}, got {value!r}")
        return value

    def read(text: str) -> int:
        try:
            return int(text)
        except ValueError:
            raise ValueError(f"expected {expected}, got {text!r}") from None

    return Encoding(clean=clean, read=read, required=required)


def limit_up_to(most: int) -> Encoding:
    """Return the encoding of a page size from 1 to `most` rows."""
    return _whole_number(1, most, required=True)


PhoneNumber = Annotated[str, Encoding(clean=_clean_phone)]
RequiredText = Annotated[str, Encoding(clean=_clean_text)]
FilePart = Annotated[FileSource, Encoding(file=True)]
FileNote = Annotated[str, Encoding(local=True)]
PhoneNumberId = Annotated[str, Encoding(clean=_clean_meta_id, required=True)]
MetaId = Annotated[str, Encoding(clean=_clean_meta_id)]
ShortId = Annotated[str, Encoding(clean=_clean_short_id)]
HTTPSLink = Annotated[str, Encoding(clean=_clean_link(("https",)))]
WebLink = Annotated[str, Encoding(clean=_clean_link(("https", "http")))]
PageNumber = Annotated[int, _whole_number(1, None)]
NumericId = Annotated[int, _whole_number(0, None)]
CommaList = Annotated[Sequence[str | int], Encoding(clean=_clean_list, write=",".join)]
JSONValue = Annotated[Any, Encoding(clean=_clean_json, write=_write_json, read=read_json)]
