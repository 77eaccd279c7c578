"""How single fields travel: a clean-up at construction, a wire form, and the way back from typed text.

A field's type names its quirk once: `label_ids: CommaList`. Whatever has no quirk travels as its plain text.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterable, Callable, Mapping, Sequence
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
    "TemplateVariable",
    "TemplateVariables",
    "WebLink",
    "is_writable",
    "limit_up_to",
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


def _plain_text(value: object) -> str:
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
        write: Callable[[Any], Any] = _plain_text,
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


def _clean_meta_id(value: object) -> str:
    text = _plain_text(value).strip()
    if not re.fullmatch(r"[0-9]{1,32}", text):
        raise ValueError(f"expected digits, got {text[:40]!r}")
    return text


_LONGEST_SHORT_ID: Final = 11


def _clean_short_id(value: object) -> str:
    text = _plain_text(value).strip()
    if not re.fullmatch(r"[0-9]+", text):
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
    ids = tuple(_plain_text(one).strip() for one in value)
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


def _read_json(text: str) -> object:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise ValueError(f"expected JSON: {error}") from error


class TemplateVariable(msgspec.Struct, frozen=True):
    """One variable of a template's body. One name may occur at two positions."""

    name: str
    """As the dashboard shows it; may hold hyphens."""
    value: str
    position: int | None = None
    """From 1; left out, its place in the sequence counts."""


# Meta refuses values with a newline, a tab or more than four blanks in a row (contract, row 2).
_REFUSED_BLANKS: Final = re.compile(r"[ \u00a0]*[\r\n\t\v\f]\s*| {5,}")


def _clean_variables(value: object) -> tuple[TemplateVariable, ...]:
    if isinstance(value, Mapping):
        given = [TemplateVariable(name, text) for name, text in value.items()]
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        given = list(value)
    else:
        raise ValueError("expected a mapping of names to values, or TemplateVariable values in order")
    variables = tuple(_clean_variable(one, place) for place, one in enumerate(given, 1))
    positions = [one.position for one in variables]
    if len(set(positions)) != len(positions):
        raise ValueError(f"expected each position once, got {positions}")
    return variables


def _clean_variable(variable: object, place: int) -> TemplateVariable:
    if not isinstance(variable, TemplateVariable) or not _is_text(variable.name):
        raise ValueError(f"variable {place}: expected a TemplateVariable with a name")
    value: object = variable.value
    text = _REFUSED_BLANKS.sub(" ", _plain_text(value)).strip() if isinstance(value, str | int | float) else ""
    if not text:
        raise ValueError(f"variable {variable.name!r}: expected a value; without one it would arrive as '-'")
    if not is_writable(variable.name + text):
        raise ValueError(f"variable {variable.name!r}: {UNWRITABLE}")
    position: object = place if variable.position is None else variable.position
    if not isinstance(position, int) or isinstance(position, bool) or position < 1:
        raise ValueError(f"variable {variable.name!r}: expected a position from 1, got {position}")
    return TemplateVariable(variable.name, text, position)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _write_variables(variables: Sequence[TemplateVariable]) -> dict[str, str]:
    return {f"templateVariable-{one.name}-{one.position}": one.value for one in variables}


def _read_variables(text: str) -> object:
    value = _read_json(text) if text.lstrip().startswith(("{", "[")) else None
    if isinstance(value, list):
        try:
            return msgspec.convert(value, list[TemplateVariable])
        except msgspec.ValidationError as error:
            raise ValueError(f"expected variables with name and value: {error}") from error
    if isinstance(value, dict):
        return value
    raise ValueError('expected a JSON object such as {"name":"value"}')


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
JSONValue = Annotated[Any, Encoding(clean=_clean_json, write=_write_json, read=_read_json)]
TemplateVariables = Annotated[
    Mapping[str, str] | Sequence[TemplateVariable],
    Encoding(
        clean=_clean_variables,
        write=_write_variables,
        read=_read_variables,
        family="templateVariable-<name>-<position>",
    ),
]
