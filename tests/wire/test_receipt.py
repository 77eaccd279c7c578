"""The short way of reading a receipt is the long way, only shorter."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.contract.requests import REQUESTS
from wabotick_async import ResponseError, SendReceipt
from wabotick_async.wire import HTTPAnswer, decode
from wabotick_async.wire.receipt import plain_receipt

FIXTURES: Final = Path(__file__).parents[1] / "fixtures"
BODIES: Final = {f"{one.parent.name}/{one.name}": one.read_bytes() for one in sorted(FIXTURES.glob("*/*.json"))}
TOKEN: Final = "12|" + "aB3" * 10
META_TOKEN: Final = "EAA" + "Gx9" * 10


def seen(body: bytes, status: int = 200) -> object:
    """Return all that an answer tells, or the error. The short way is taken with status 200 alone."""
    try:
        found = decode(HTTPAnswer(status=status, headers={}, body=body), REQUESTS["send_template"])
    except ResponseError as error:
        return type(error), error.message, error.outcome
    assert isinstance(found, SendReceipt)
    return found, found.extra


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_printed_answers(body: bytes) -> None:
    assert seen(body) == seen(body, 201)


@pytest.mark.parametrize("name", ["send_template/success-1", "send_template/other-1", "send_text/success-1"])
def test_what_is_read_straight(name: str) -> None:
    assert plain_receipt(BODIES[f"{name}.json"]) is not None


IDS: Final = st.one_of(
    st.text(max_size=8),
    st.sampled_from(["null", "", "wamid.X", "wamid.EAA" + "x" * 30, META_TOKEN, TOKEN, "a://b:c@d", "\ud800", "%7"]),
    st.none() | st.integers(),
)
DATA: Final = st.one_of(
    IDS,
    st.dictionaries(st.sampled_from(["message_id", "wa_message_id", "access_token", "status"]), IDS, max_size=2),
    st.builds(lambda message_id: {"message_id": message_id}, IDS),
)
ANSWERS: Final = st.fixed_dictionaries(
    {"status": st.sampled_from(["success", "1", 1, True, "0", "ok"]), "message": IDS},
    optional={"data": DATA, "wa_message_id": IDS, "message_id": IDS, "access_token": IDS, "text": IDS},
)


@given(ANSWERS, st.booleans())
@example({"status": "success", "message": "sent", "data": {"message_id": "wamid.X"}}, True)
@example({"status": "1", "message": META_TOKEN, "wa_message_id": "wamid.X"}, True)
@example({"status": "1", "message": "http://user:secret@host", "wa_message_id": "wamid.X"}, True)
def test_any_answer(answer: dict[str, Any], ascii_only: bool) -> None:
    body = json.dumps(answer, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")

    assert seen(body) == seen(body, 201)


@given(st.sampled_from(sorted(BODIES)), st.data())
def test_broken_answers(name: str, data: st.DataObject) -> None:
    body = bytearray(BODIES[name])
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(body)))
        body[at : at + data.draw(st.integers(0, 2))] = data.draw(
            st.sampled_from([b"", b"\xff", b'"', b"\\", b",", b"1"])
        )

    assert seen(bytes(body)) == seen(bytes(body), 201)


@pytest.mark.parametrize(
    "body",
    [
        b'{"status":"1","message":"a","message":"b","wa_message_id":"x","wa_message_id":"y"}',
        b'{"status":"0","message":"a","status":"1","wa_message_id":"y"}',
        b'{"status":"1","message":"a","data":{"message_id":"x"},"data":{}}',
        b'{"status":"1","message":"a","data":{"message_id":"x","message_id":"y"}}',
        b'{"status":"1","message":"a","data":{"message_id":"x"},"wa_message_id":"y"}',
        b'{"status":"1","message":"a","wa_message_id":"y"} x',
        b'{"status":"1","message":"\\u0045AA' + b"x" * 30 + b'","wa_message_id":"y"}',
    ],
)
def test_keys_twice_and_escapes(body: bytes) -> None:
    assert seen(body) == seen(body, 201)


@pytest.mark.parametrize("secret", [TOKEN, META_TOKEN, TOKEN.replace("|", "%7C")])
def test_no_secret_is_kept(secret: str) -> None:
    body = json.dumps({"status": "1", "message": secret, "wa_message_id": secret}).encode()

    assert secret not in repr(seen(body))
    assert plain_receipt(body) is None
