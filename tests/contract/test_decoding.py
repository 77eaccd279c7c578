"""Every fixture file decodes to the answer type of its endpoint, or to the right error."""

from __future__ import annotations

import re
from contextlib import suppress
from types import UnionType
from typing import Any, Final, Union, get_args, get_origin

import pytest

from tests.contract.fixture_files import ANY, FIXTURES, endpoint_of, fixture_names, load_fixture
from tests.contract.requests import REQUESTS
from wabotick_async import (
    APIError,
    AuthenticationError,
    DecodeError,
    Outcome,
    RateLimitedError,
    ResponseError,
    SendReceipt,
    ServerError,
    UnexpectedPageError,
    ValidationError,
    WabotickError,
)
from wabotick_async.wire import HTTPAnswer, decode

SEND: Final = REQUESTS["send_text"]
READ: Final = REQUESTS["list_labels"]


def answer_to(name: str, request: Any) -> Any:
    """Decode a fixture file; a number in front of its name is the HTTP status."""
    status = re.match(r"(\d{3})-", name.rpartition("/")[2])
    body = load_fixture(name)
    return decode(HTTPAnswer(status=int(status[1]) if status else 200, headers={}, body=body), request)


def failure_of(name: str, request: Any) -> WabotickError:
    """Return the error that a fixture file decodes to."""
    with pytest.raises(WabotickError) as caught:
        answer_to(name, request)
    return caught.value


def fits(value: Any, form: Any) -> bool:
    """Tell whether a value is of a type form, its rows included."""
    origin, arguments = get_origin(form), get_args(form)
    if origin in {Union, UnionType}:
        return any(fits(value, one) for one in arguments)
    if origin is None:
        return isinstance(value, form)
    return isinstance(value, origin) and all(isinstance(row, arguments[0]) for row in value)


@pytest.mark.parametrize("name", fixture_names(kind="success") + fixture_names(kind="other"))
def test_a_success_decodes_to_the_answer_type(name: str) -> None:
    request = REQUESTS[endpoint_of(name)]

    assert fits(answer_to(name, request), request.endpoint.answer_type)


@pytest.mark.parametrize("name", fixture_names(kind="error"))
def test_an_error_sample_is_a_refusal_in_words(name: str) -> None:
    error = failure_of(name, REQUESTS[endpoint_of(name)])

    assert isinstance(error, APIError)
    assert error.outcome is Outcome.REFUSED
    assert error.text in load_fixture(name).decode()


UNANSWERED: Final[dict[str, tuple[type[WabotickError], Outcome]]] = {
    "200-login-page.html": (UnexpectedPageError, Outcome.UNKNOWN),
    "302-to-login.html": (UnexpectedPageError, Outcome.UNKNOWN),
    "401-plain.json": (AuthenticationError, Outcome.REFUSED),
    "401-with-status.json": (AuthenticationError, Outcome.REFUSED),
    "403-edge-challenge.html": (UnexpectedPageError, Outcome.REFUSED),
    "404-page.html": (UnexpectedPageError, Outcome.REFUSED),
    "422-validation.json": (ValidationError, Outcome.REFUSED),
    "429-edge.html": (RateLimitedError, Outcome.REFUSED),
    "429-too-many.json": (RateLimitedError, Outcome.REFUSED),
    "500-debug.json": (ServerError, Outcome.UNKNOWN),
    "500-page.html": (ServerError, Outcome.UNKNOWN),
    "503-edge-challenge.html": (ServerError, Outcome.UNKNOWN),
    "blank.txt": (DecodeError, Outcome.UNKNOWN),
    "cut.txt": (DecodeError, Outcome.UNKNOWN),
    "deep.json": (DecodeError, Outcome.UNKNOWN),
    "empty.txt": (DecodeError, Outcome.UNKNOWN),
    "error-text.json": (APIError, Outcome.REFUSED),
    "errors-map.json": (APIError, Outcome.REFUSED),
    "infinity.txt": (DecodeError, Outcome.UNKNOWN),
    "lone-surrogate.json": (DecodeError, Outcome.UNKNOWN),
    "nan.txt": (DecodeError, Outcome.UNKNOWN),
    "no-status.json": (DecodeError, Outcome.UNKNOWN),
    "not-utf8.bin": (DecodeError, Outcome.UNKNOWN),
    "nul.bin": (DecodeError, Outcome.UNKNOWN),
    "php-notice.txt": (UnexpectedPageError, Outcome.UNKNOWN),
    "refusal-arabic.json": (APIError, Outcome.REFUSED),
    "refusal-message-list.json": (APIError, Outcome.REFUSED),
    "refusal-message-missing.json": (APIError, Outcome.REFUSED),
    "refusal-message-number.json": (APIError, Outcome.REFUSED),
    "refusal-meta-code.json": (APIError, Outcome.REFUSED),
    "refusal-meta-hash-code.json": (APIError, Outcome.REFUSED),
    "status-0-number.json": (APIError, Outcome.REFUSED),
    "status-error.json": (APIError, Outcome.REFUSED),
    "status-failed.json": (APIError, Outcome.REFUSED),
    "status-null.json": (DecodeError, Outcome.UNKNOWN),
    "status-number-2.json": (DecodeError, Outcome.UNKNOWN),
    "status-object.json": (DecodeError, Outcome.UNKNOWN),
    "status-unknown.json": (DecodeError, Outcome.UNKNOWN),
    "success-false.json": (APIError, Outcome.REFUSED),
    "top-level-list.json": (DecodeError, Outcome.UNKNOWN),
    "top-level-null.json": (DecodeError, Outcome.UNKNOWN),
    "top-level-number.json": (DecodeError, Outcome.UNKNOWN),
    "top-level-text.json": (DecodeError, Outcome.UNKNOWN),
    "top-level-true.json": (DecodeError, Outcome.UNKNOWN),
    "two-answers.txt": (DecodeError, Outcome.UNKNOWN),
}
"""Answers to a send that accept nothing: the error, and what became of the message."""

ACCEPTED: Final = sorted({path.name for path in (FIXTURES / ANY).iterdir()} - UNANSWERED.keys())


@pytest.mark.parametrize("name", UNANSWERED)
def test_a_send_that_was_not_accepted(name: str) -> None:
    error = failure_of(f"{ANY}/{name}", SEND)

    wanted, outcome = UNANSWERED[name]
    assert isinstance(error, wanted)
    assert error.outcome is outcome


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_send_that_says_success_is_accepted_whatever_else_it_says(name: str) -> None:
    assert isinstance(answer_to(f"{ANY}/{name}", SEND), SendReceipt)


@pytest.mark.parametrize("name", sorted(path.name for path in (FIXTURES / ANY).iterdir()))
def test_nothing_but_our_own_errors_comes_out_of_a_read(name: str) -> None:
    with suppress(ResponseError):
        assert fits(answer_to(f"{ANY}/{name}", READ), READ.endpoint.answer_type)


@pytest.mark.parametrize("name", ["message-empty-list-text.json", "message-empty-object-text.json", "status-ok.json"])
def test_no_rows_is_no_error(name: str) -> None:
    assert list(answer_to(f"{ANY}/{name}", READ)) == []


def test_index_keys_are_ordered_as_numbers() -> None:
    assert [row.id for row in answer_to(f"{ANY}/message-mixed-keys.json", READ)] == ["1", "10", "11"]


def test_the_field_map_of_a_validation_is_exposed() -> None:
    error = failure_of(f"{ANY}/422-validation.json", SEND)

    assert isinstance(error, ValidationError)
    assert error.fields["phone_number"] == ["The phone number field is required."]
    assert len(error.fields["template_id"]) == 2
