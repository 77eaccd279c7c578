"""What all answers share: the response behind them, the fields that they do not know, rows and pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, TypeVar, cast

import msgspec

__all__ = [
    "Acknowledgement",
    "Answer",
    "JSONText",
    "Page",
    "Receipt",
    "Response",
    "Rows",
    "attach_extra",
    "attach_response",
    "decode_json_text",
    "decode_object",
]

RowT = TypeVar("RowT")

JSONText = Annotated[str, msgspec.Meta(description="JSON inside a string")]
"""A field that holds JSON as text. It is kept as text, without its secrets, and decoded only when somebody asks."""


class Response(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How an answer came."""

    status: int
    """HTTP status code."""
    headers: Mapping[str, str]
    """Header fields by lower-case name."""
    attempts: int
    """Tries that it took, the successful one included."""
    elapsed: float
    """Seconds since the call began, waiting for the rate limiter included."""


class _Traced:
    """Carry the response of the call that brought a value, without counting it to the value."""

    __slots__ = ()

    @property
    def response(self) -> Response | None:
        """Status, headers, attempts and elapsed seconds of the call; None for a value that no call brought."""
        response: Response | None = self.__dict__.get("_response")
        return response


def attach_extra(answer: Answer, extra: Mapping[str, Any]) -> None:
    """Note the fields of an answer that its struct does not know."""
    vars(answer)["_extra"] = extra  # beside its fields, so that it does not count to its value


def attach_response(value: object, response: Response) -> None:
    """Note how a value came; a value that cannot carry it, such as None, stays as it is."""
    if isinstance(value, _Traced):
        vars(value)["_response"] = response


class Answer(_Traced, msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Base of every answer struct. Unknown fields never fail a call; find them in `extra`."""

    aliases: ClassVar[Mapping[str, str]] = {}
    """Other wire names of a field, as sibling brands spell it: `{wire name: wire name used here}`."""

    @property
    def extra(self) -> Mapping[str, Any]:
        """Return the fields of the answer that this struct does not know, without their secrets."""
        return cast("Mapping[str, Any]", self.__dict__.get("_extra", {}))


class Receipt(Answer, frozen=True, kw_only=True, dict=True):
    """Base of answers that are read from the answer as a whole, not from rows below `message`."""

    text: str = ""
    """The server's words. They never decide anything."""


class Acknowledgement(Receipt, frozen=True, kw_only=True, dict=True):
    """The platform did what a write asked for."""


class Rows(list[RowT], _Traced):
    """A list of rows that knows its response."""

    text: str = ""
    """The server's words where it sent a text instead of rows, for instance that nothing was found."""


class Page(Rows[RowT]):
    """One page of rows."""

    def __init__(self, rows: list[RowT], *, page: int = 1, limit: int = 0, next_offset: int | None = None) -> None:
        super().__init__(rows)
        self.page = page
        """Number of this page, from 1."""
        self.limit = limit
        """Rows asked for."""
        self.next_offset = next_offset
        """What the server named as next. One printed sample is unexplained, so it serves as a stop signal only."""

    @property
    def next_page(self) -> int | None:
        """Return the number of the next page, or None after a short or empty one (contract, "Paging")."""
        return None if len(self) == 0 or len(self) < self.limit else self.page + 1


def decode_json_text(text: str | None) -> Any:
    """Decode JSON inside a string; None where it is none. An inner text never fails a call."""
    if not text:
        return None
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None


def decode_object(text: str | None) -> dict[str, Any]:
    """Decode a JSON object inside a string; PHP's empty array and every other shape become `{}`."""
    value = decode_json_text(text)
    return value if isinstance(value, dict) else {}
