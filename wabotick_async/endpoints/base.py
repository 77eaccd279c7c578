"""Requests: a call is a value, declared once, from which everything else is derived."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, ClassVar, Final, Generic, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from ..errors import RequestInvalidError
from ..redaction import REDACTED, is_secret_name, redact, strip_secrets
from .description import Endpoint, FieldSpec
from .fields import PLAIN, UNWRITABLE, Encoding, PhoneNumber, PhoneNumberId, is_writable

__all__ = [
    "NumberRequest",
    "Request",
    "SubscriberRequest",
    "answer_type_of",
    "cleaned_at_once",
    "field_specs",
    "fields_without_none",
    "values_of",
]

AnswerT_co = TypeVar("AnswerT_co", covariant=True)

_LONGEST_SHOWN: Final = 300


ValuesOf = Callable[[Any], tuple[Any, ...]]
CleanedAtOnce = tuple[tuple[str, ...], ValuesOf, tuple[tuple[str, Callable[[Any], Any] | None], ...]]
"""A class's fields, what returns their values, and their clean-ups."""


class Request(msgspec.Struct, Generic[AnswerT_co], frozen=True, kw_only=True, omit_defaults=True):
    """Base of every request; the type parameter is what the platform answers.

    Values are cleaned and checked when a request is made, so that a wrong one is found before anything is sent.

    Raises:
        RequestInvalidError: a field breaks a rule of the contract; the message names field and expectation.
    """

    endpoint: ClassVar[Endpoint]
    """Path, safety class and fields; set by the registry."""
    _cleaners: ClassVar[tuple[tuple[str, Encoding], ...]] = ()
    _cleaned_at_once: ClassVar[CleanedAtOnce] = ((), lambda _: (), ())
    _without_none: ClassVar[Mapping[str, bool]] = {}
    """Fields that are never None, and whether None then is another way to leave them out."""

    def __post_init__(self) -> None:
        if not self._clean_at_once():
            self._clean_one_by_one()
        self.check()

    def _clean_at_once(self) -> bool:
        """Clean all values; or change nothing and return False, where one may be wrong or is None."""
        names, values_of, cleaners = self._cleaned_at_once
        if names is not self.__struct_fields__:  # a class below the declared one
            return False
        changed: list[tuple[str, Any]] = []
        for (name, clean), value in zip(cleaners, values_of(self), strict=True):
            if value is UNSET:
                continue
            if value is None or (isinstance(value, str) and not value.isascii() and not is_writable(value)):
                return False
            if clean is None:
                continue
            try:
                cleaned = clean(value)
            except ValueError:
                return False
            if cleaned is not value:
                changed.append((name, cleaned))
        for name, cleaned in changed:
            msgspec.structs.force_setattr(self, name, cleaned)
        return True

    def _clean_one_by_one(self) -> None:
        """Clean value by value; name the one that is wrong, and leave out those that are None."""
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if value is None and name in self._without_none:
                if not self._without_none[name]:
                    raise RequestInvalidError("expected a value, got None", field=name)
                msgspec.structs.force_setattr(self, name, UNSET)
            if isinstance(value, str) and not is_writable(value):
                raise RequestInvalidError(UNWRITABLE, field=name)
        for name, encoding in self._cleaners:
            value = getattr(self, name)
            if value is UNSET or value is None:
                continue
            try:
                cleaned = encoding.clean(value)
            except ValueError as error:
                raise RequestInvalidError(str(error), field=name) from None
            if cleaned is not value:
                msgspec.structs.force_setattr(self, name, cleaned)

    def check(self) -> None:
        """Check rules that concern several fields; for subclasses."""

    def __repr__(self) -> str:
        shown = (
            f"{name}={REDACTED if is_secret_name(name) else _shown(getattr(self, name))}"
            for name in self.__struct_fields__
            if getattr(self, name) is not UNSET
        )
        return f"{type(self).__name__}({', '.join(shown)})"


def _shown(value: object) -> str:
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    text = redact(repr(strip_secrets(value)))
    return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…"


class NumberRequest(Request[AnswerT_co], frozen=True, kw_only=True, omit_defaults=True):
    """Base of requests that concern one sending number."""

    phone_number_id: PhoneNumberId | UnsetType = UNSET
    """Meta's id of the sending number; left out, the client's own."""


class SubscriberRequest(NumberRequest[AnswerT_co], frozen=True, kw_only=True, omit_defaults=True):
    """Base of requests that concern one recipient of a sending number."""

    phone_number: PhoneNumber
    """The recipient: digits with country code."""


def field_specs(request_type: type[Request[Any]]) -> tuple[FieldSpec, ...]:
    """Return the fields of a request struct in the order of their declaration."""
    encoded = ((info, _encoding_in(info.type)) for info in msgspec.structs.fields(request_type))
    return tuple(
        FieldSpec(
            name=info.name,
            wire_name=info.encode_name,
            required=info.required or encoding.required,
            type=info.type,
            encoding=encoding,
        )
        for info, encoding in encoded
    )


def values_of(names: Sequence[str]) -> ValuesOf:
    """Return what returns the values of these fields, as fast as may be."""
    return attrgetter(*names) if len(names) > 1 else lambda value: tuple(getattr(value, name) for name in names)


def cleaned_at_once(request_type: type[Request[Any]], fields: Iterable[FieldSpec]) -> CleanedAtOnce:
    """Return what a request needs to clean its values in one go."""
    cleaners = tuple((one.name, None if one.encoding.clean is PLAIN.clean else one.encoding.clean) for one in fields)
    names = request_type.__struct_fields__
    return names, values_of(names), cleaners


def fields_without_none(fields: Iterable[FieldSpec]) -> dict[str, bool]:
    """Return the fields that are never None by their types, and whether they may be left out."""
    forms = {one.name: _alternatives(one.type) for one in fields}
    return {name: UnsetType in form for name, form in forms.items() if type(None) not in form}


def _alternatives(hint: Any) -> tuple[Any, ...]:
    return typing.get_args(hint) if typing.get_origin(hint) in {typing.Union, types.UnionType} else (hint,)


def _encoding_in(hint: Any) -> Encoding:
    for part in (hint, *typing.get_args(hint)):
        for note in getattr(part, "__metadata__", ()):
            if isinstance(note, Encoding):
                return note
    return PLAIN


def answer_type_of(request_type: type[Request[Any]]) -> Any:
    """Return what stands in the brackets of a request's base: `SendReceipt` of `SubscriberRequest[SendReceipt]`."""
    for cls in request_type.__mro__:
        for base in getattr(cls, "__orig_bases__", ()):
            origin, arguments = typing.get_origin(base), typing.get_args(base)
            if isinstance(origin, type) and issubclass(origin, Request) and not isinstance(arguments[0], TypeVar):
                return arguments[0]
    raise TypeError(f"{request_type.__name__}: name the answer's type in the base, such as Request[Acknowledgement]")
