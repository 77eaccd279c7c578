"""Cleaning in one go is cleaning value by value: the same values, the same errors."""

from __future__ import annotations

import re
from typing import Any, Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.contract.requests import REQUESTS
from wabotick_async import Acknowledgement, Request, RequestInvalidError, SendTemplate, TemplateVariable
from wabotick_async.values import clean_phone_number


class AtLength(SendTemplate, frozen=True, kw_only=True):
    """A class below a declared one is cleaned value by value."""


class Undeclared(Request[Acknowledgement], frozen=True, kw_only=True):
    name: str


class Empty(Request[Acknowledgement], frozen=True, kw_only=True):
    pass


TEXTS: Final = st.one_of(
    st.text(max_size=12),
    st.text(" \u00a0\t\n\r\v\f\x1c\u2028a\ud800", max_size=12),
    st.sampled_from(["", " ", "a     b", "a    b", " a", "a\u00a0", "\udfff", "919800000001", "1" * 12, "-"]),
)
VALUES: Final = st.one_of(TEXTS, st.integers(-1, 10**12), st.none(), st.booleans(), st.floats())
VARIABLES: Final = st.one_of(
    VALUES,
    st.dictionaries(TEXTS, VALUES, max_size=3),
    st.lists(st.builds(TemplateVariable, TEXTS, VALUES, st.none() | st.integers(-1, 4) | st.booleans()), max_size=3),
)
FIELDS: Final = st.fixed_dictionaries(
    {"phone_number": VALUES, "template_id": VALUES},
    optional={"variables": VARIABLES, "phone_number_id": VALUES, "header_media_url": VALUES},
)
GOOD: Final[dict[str, Any]] = {"phone_number": "919800000001", "template_id": "101"}


def made(request_type: type[SendTemplate], fields: dict[str, Any]) -> object:
    """Return the values of a request, or what is said against it."""
    try:
        request = request_type(**fields)
    except RequestInvalidError as error:
        return error.message
    return [getattr(request, name) for name in request.__struct_fields__]


@given(FIELDS)
@example({"phone_number": "1", "template_id": "\ud800"})
@example({"phone_number": None, "template_id": "x"})
def test_any_values(fields: dict[str, Any]) -> None:
    assert made(SendTemplate, fields) == made(AtLength, fields)


@given(VARIABLES)
def test_any_variables(variables: object) -> None:
    fields = {**GOOD, "variables": variables}

    assert made(SendTemplate, fields) == made(AtLength, fields)


@given(TEXTS)
def test_the_value_of_a_variable(text: str) -> None:
    expected = re.sub(r"[ \u00a0]*[\r\n\t\v\f]\s*| {5,}", " ", text).strip()
    try:
        found = SendTemplate(**GOOD, variables={"name": text}).variables
    except RequestInvalidError:
        assert not expected or re.search(r"[\ud800-\udfff]", text)
    else:
        assert found == (TemplateVariable("name", expected, 1),)


@given(st.from_regex(r"[0-9]{1,17}\n?", fullmatch=True))
def test_digits_are_a_phone_number_as_any_text_is(digits: str) -> None:
    def cleaned(text: str) -> str:
        try:
            return clean_phone_number(text)
        except ValueError as error:
            return str(error).partition(", got")[0]

    assert cleaned(digits) == cleaned(" " + digits)


def test_a_text_of_another_class_becomes_plain() -> None:
    class Text(str):
        __slots__ = ()

    assert type(clean_phone_number(Text("919800000001"))) is str


@pytest.mark.parametrize("name", REQUESTS)
def test_clean_values_are_left_alone(name: str) -> None:
    request = REQUESTS[name]
    again = type(request)(**{one: getattr(request, one) for one in request.__struct_fields__})

    assert again == request


def test_a_request_that_is_not_declared() -> None:
    assert Empty() == Empty()
    with pytest.raises(RequestInvalidError):
        Undeclared(name="\ud800")
