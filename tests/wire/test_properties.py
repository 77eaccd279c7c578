"""Whatever comes, nothing but our own errors comes out, and no success that the body does not say."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any, Final

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.contract.requests import REQUESTS
from wabotick_async import Outcome, ResponseError
from wabotick_async.wire import HTTPAnswer, decode

SUCCESS: Final = {"1", "success", "ok", "true"}
ENDPOINTS: Final = st.sampled_from(sorted(REQUESTS))
STATUS: Final = st.one_of(st.just(200), st.integers(-1, 1_000), st.sampled_from([401, 408, 422, 429, 503]))
HEADERS: Final = st.dictionaries(
    st.sampled_from(["retry-after", "x-ratelimit-reset", "content-type", "location"]),
    st.one_of(st.text(max_size=20), st.integers().map(str), st.datetimes().map("{:%a, %d %b %Y %H:%M:%S GMT}".format)),
)
KEYS: Final = st.sampled_from(
    [
        *("status", "message", "mesasge", "data", "error", "errors", "success", "nextOffset", "0", "1"),
        *("id", "media_id", "message_id", "labels", "custom_fields", "template_json", "variable_map", "button_content"),
        *("cart_total", "unseen_count", "map_needed", "chat_id", "phone_number", "access_token"),
    ]
)
SCALARS: Final = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from(["1", "0", "[", "{", "[]", "{}", '[{"id":1}]', "null", "success", "EAA" + "x" * 30, "\u0000"]),
)
VALUES: Final = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=5), inner, max_size=5)
)
BODIES: Final = st.dictionaries(KEYS, VALUES, max_size=6)
SAID_YES: Final = st.builds(lambda body, status: {**body, "status": status}, BODIES, st.sampled_from(["1", 1, True]))


def says_success(body: bytes) -> bool:
    """Judge a body by the contract's own words, without the package's decoder."""
    found: Any = json.loads(body.removeprefix(b"\xef\xbb\xbf"))
    status = found.get("status")
    if status is None:
        return found.get("success") is True
    return str(int(status) if isinstance(status, float) else status).strip().lower() in SUCCESS


def check(name: str, status: int, headers: dict[str, str], body: bytes) -> None:
    """Decode, and check that an error is ours and a success was said."""
    failure: ResponseError | None = None
    try:
        decode(HTTPAnswer(status=status, headers=headers, body=body), REQUESTS[name])
    except ResponseError as error:
        failure = error
    if failure is None:
        none_for_a_refusal = name == "get_subscriber" and b"subscriber not found" in body.lower()
        assert 200 <= status < 300
        assert says_success(body) or none_for_a_refusal
    else:
        assert failure.outcome in {Outcome.REFUSED, Outcome.UNKNOWN}
        assert failure.status == status


@settings(max_examples=150)
@given(ENDPOINTS, STATUS, HEADERS, st.binary(max_size=60))
@example("send_text", 429, {"retry-after": "--5"}, b"")
def test_any_bytes(name: str, status: int, headers: dict[str, str], body: bytes) -> None:
    check(name, status, headers, body)


@settings(max_examples=150)
@given(STATUS, HEADERS, VALUES | BODIES)
def test_any_json_for_every_endpoint(status: int, headers: dict[str, str], value: object) -> None:
    body = json.dumps(value).encode()
    for name in REQUESTS:
        check(name, status, headers, body)


@settings(max_examples=150)
@given(SAID_YES)
def test_any_success_for_every_endpoint(value: object) -> None:
    body = json.dumps(value).encode()
    for name in REQUESTS:
        check(name, 200, {}, body)


@settings(max_examples=100)
@given(ENDPOINTS, SAID_YES, st.data())
def test_any_part_of_an_answer_is_no_success(name: str, value: object, data: st.DataObject) -> None:
    body = json.dumps(value).encode()
    cut = body[: data.draw(st.integers(0, len(body) - 1))]

    with suppress(ResponseError):
        raise AssertionError(f"{decode(HTTPAnswer(status=200, headers={}, body=cut), REQUESTS[name])} from {cut!r}")
