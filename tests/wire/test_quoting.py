"""Bodies byte for byte as urllib writes them: the short ways of the encoder change nothing."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any, Final
from urllib.parse import quote_plus

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.contract.requests import REQUESTS
from wabotick_async import (
    Acknowledgement,
    Request,
    RequestInvalidError,
    Safety,
    SendTemplate,
    SendText,
    TemplateVariable,
)
from wabotick_async.endpoints import EndpointRegistry
from wabotick_async.endpoints.fields import Encoding
from wabotick_async.endpoints.variables import TemplateVariables
from wabotick_async.values import Secret
from wabotick_async.wire import encode, form_fields
from wabotick_async.wire.quoting import quoted, quoted_name

NUMBER: Final = "109000000000001"
TOKENS: Final = st.from_regex(r"[0-9]{1,6}\|[!-~]{1,50}", fullmatch=True)
WRITABLE: Final = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)


def by_urllib(request: Request[Any], token: str, number: str | None) -> bytes:
    """Write a form the long way, with nothing kept from one request to the next."""
    form = {"apiToken": token, **form_fields(request, number)}
    return "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in form.items()).encode("ascii")


@given(WRITABLE)
@example("".join(map(chr, range(256))))
@example("नमस्ते\U0001f600")
def test_a_text(text: str) -> None:
    assert quoted(text) == quoted_name(text) == quote_plus(text)


@pytest.mark.parametrize("text", ["\ud800", "a" * 80 + "\udfff"])
def test_half_a_surrogate_pair(text: str) -> None:
    for quote in (quoted, quoted_name):
        with pytest.raises(UnicodeEncodeError):
            quote(text)


@given(TOKENS)
def test_a_secret(token: str) -> None:
    secret = Secret(token)

    assert secret.quoted == secret.quoted == quote_plus(token)
    assert token not in repr(secret)


@given(name=st.sampled_from([name for name in REQUESTS if name != "upload_media"]), token=TOKENS)
def test_each_endpoint(name: str, token: str) -> None:
    request = REQUESTS[name]

    assert encode(request, Secret(token), NUMBER).body == by_urllib(request, token, NUMBER)


NAMES: Final = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=80)


@given(variables=st.dictionaries(NAMES, NAMES, max_size=6), number=st.sampled_from([NUMBER, None]), token=TOKENS)
def test_templates(variables: dict[str, str], number: str | None, token: str) -> None:
    how: dict[str, Any] = {"phone_number": "919800000001", "template_id": "101", "variables": variables}
    if number is None:
        how["phone_number_id"] = NUMBER
    try:
        request = SendTemplate(**how)
    except RequestInvalidError:
        return

    assert encode(request, Secret(token), number).body == by_urllib(request, token, number)


@given(WRITABLE)
def test_texts(text: str) -> None:
    try:
        request = SendText(phone_number="919800000001", message=text)
    except RequestInvalidError:
        return

    assert encode(request, Secret("1|abc"), NUMBER).body == by_urllib(request, "1|abc", NUMBER)


own: Final = EndpointRegistry()
Family = Annotated[dict[str, str], Encoding(write=dict, family="<name>")]


@own.endpoint("one_family", "/x", Safety.UNSAFE)
class OneFamily(Request[Acknowledgement], frozen=True, kw_only=True):
    plain: str = "1"
    family: Family


@own.endpoint("two_families", "/y", Safety.UNSAFE)
class TwoFamilies(Request[Acknowledgement], frozen=True, kw_only=True):
    family: Family
    other: Family
    plain: str = "1"


@own.endpoint("own_token", "/z", Safety.UNSAFE)
class OwnToken(Request[Acknowledgement], frozen=True, kw_only=True):
    apiToken: str = "2|xyz"  # noqa: N815 - a field of an endpoint of one's own that is named like the token's


@own.endpoint("own_variable", "/v", Safety.UNSAFE)
class OwnVariable(Request[Acknowledgement], frozen=True, kw_only=True):
    variables: TemplateVariables
    mine: str = msgspec.field(name="templateVariable-a-1", default="2")


class Place(int, Enum):
    FIRST = 1


@pytest.mark.parametrize(
    "request_",
    [
        OwnVariable(variables={"a": "1"}),
        OwnVariable(variables={"b": "1"}),
        SendTemplate(phone_number="919800000001", template_id="101", variables={"a": "1", "x" * 65: "& &"}),
        SendTemplate(
            phone_number="919800000001", template_id="101", variables=[TemplateVariable("a", "1", Place.FIRST)]
        ),
        OneFamily(family={"a": "1", "b c": "2&"}),
        OneFamily(family={"plain": "2", "x": "y"}),
        OneFamily(family={"apiToken": "no"}),
        OneFamily(family={}),
        TwoFamilies(family={"a": "1", "b": "2"}, other={"b": "3", "plain": "9"}),
        OwnToken(),
    ],
    ids=repr,
)
def test_keys_that_meet(request_: Request[Any]) -> None:
    body = encode(request_, Secret("1|abc"), NUMBER).body

    assert body == by_urllib(request_, "1|abc", NUMBER)
