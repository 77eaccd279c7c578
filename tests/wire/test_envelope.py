"""What `status` and `message` mean, in every shape that they were seen in, for all endpoints alike."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

import pytest

from tests.contract.requests import REQUESTS
from tests.wire.answers import answer, failure, message
from wabotick_async import APIError, DecodeError, NotFoundError, Outcome, ResponseError, UnexpectedPageError
from wabotick_async.models import Answer, Receipt, Rows

SUCCESS: Final = [1, "1", True, "success", "ok", "OK", " Success ", "true", "True", 1.0]
REFUSAL: Final = [0, "0", False, "error", "failed", "false", "FAILED", 0.0, -0.0]
NEITHER: Final[list[Any]] = ["", "pending", 2, "2", -1, 1.5, 1e300, [], {}, [1], {"code": 1}, "1.0", 10**30, "null"]


@pytest.mark.parametrize("status", SUCCESS, ids=repr)
@pytest.mark.parametrize("name", [name for name in REQUESTS if name not in {"upload_media", "get_message_status"}])
def test_success(status: object, name: str) -> None:
    answer({"status": status, "message": []}, name)


@pytest.mark.parametrize("status", REFUSAL, ids=repr)
@pytest.mark.parametrize("name", REQUESTS)
def test_refusal(status: object, name: str) -> None:
    error = failure({"status": status, "message": "no"}, name)

    assert (type(error), error.text, error.outcome) == (APIError, "no", Outcome.REFUSED)


@pytest.mark.parametrize("status", NEITHER, ids=repr)
def test_neither(status: object) -> None:
    error = failure({"status": status, "message": "?"})

    assert (type(error), error.outcome) == (DecodeError, Outcome.UNKNOWN)
    assert "neither success nor refusal" in str(error)


@pytest.mark.parametrize(
    "body", [{}, {"status": None}, {"message": "ok"}, {"success": "1"}, {"error": "", "errors": []}]
)
def test_an_absent_status_that_nothing_replaces(body: dict[str, Any]) -> None:
    assert type(failure(body)) is DecodeError


@pytest.mark.parametrize("body", [{"success": True}, {"status": None, "success": True, "error": "x"}])
def test_an_absent_status_that_says_success(body: dict[str, Any]) -> None:
    assert answer(body).message_id is None


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"success": False, "message": "no"}, "no"),
        ({"error": "no"}, "no"),
        ({"error": {"text": "no"}}, '{"text":"no"}'),
        ({"errors": {"a": ["no"]}}, '{"a":["no"]}'),
        ({"error": "no", "success": 1}, "no"),
    ],
)
def test_an_absent_status_that_says_refusal(body: dict[str, Any], text: str) -> None:
    assert failure(body).text == text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, ""),
        ({"message": None}, ""),
        ({"message": ["one", "two"]}, '["one","two"]'),
        ({"message": {"a": 1}}, '{"a":1}'),
        ({"message": 404}, "404"),
        ({"mesasge": "misspelt"}, "misspelt"),
        ({"message": "", "error": "other"}, "other"),
        ({"message": 10**30}, str(10**30)),
    ],
)
def test_the_words_of_a_refusal(body: dict[str, Any], text: str) -> None:
    assert failure({"status": "0", **body}).text == text


def test_the_words_of_a_refusal_are_shortened() -> None:
    assert len(failure({"status": "0", "message": "é" * 10_000}).text) == 500


@pytest.mark.parametrize(
    "body", [b"", b" \n", b"\xff\xfe", b'{"status":"1"', b'{"status":1}{}', b"NaN", b"nul\x00", "[]"]
)
def test_what_is_no_object_is_no_answer(body: bytes) -> None:
    error = failure(body)

    assert (type(error), error.outcome) == (DecodeError, Outcome.UNKNOWN)
    assert str(error).startswith("no valid answer: ")


@pytest.mark.parametrize("body", ["<html>", "\n <!DOCTYPE html>", "\ufeff<html>", '<br/>Notice {"status":"1"}'])
def test_a_page_is_told_by_its_first_sign(body: str) -> None:
    assert type(failure(body)) is UnexpectedPageError


def test_a_byte_order_mark_is_no_obstacle() -> None:
    assert answer('\ufeff{"status":"1","wa_message_id":"wamid.X"}').message_id == "wamid.X"


ROW_CALLS: Final = [
    name for name, one in REQUESTS.items() if getattr(one.endpoint.answer_type, "__origin__", None) is not None
]
ONE = {"id": 1, "subscriber_id": 1, "catalog_id": "1", "order_unique_id": "1"}
TWO = {"id": 2, "subscriber_id": 2, "catalog_id": "2", "order_unique_id": "2"}
ONE_TEXT: Final = '{"id":1,"subscriber_id":1,"catalog_id":"1","order_unique_id":"1"}'
SHAPES: Final[dict[str, tuple[Any, list[str]]]] = {
    "list": ([ONE, TWO], ["1", "2"]),
    "bare object": (ONE, ["1"]),
    "keyed by index": ({"0": ONE, "1": TWO}, ["1", "2"]),
    "keyed from 1, unordered": ({"10": TWO, "9": ONE}, ["1", "2"]),
    "leading zeros": ({"02": TWO, "1": ONE}, ["1", "2"]),
    "text of a list": (f"[{ONE_TEXT}]", ["1"]),
    "text of an object": (ONE_TEXT, ["1"]),
    "text keyed by index": ('{"0":' + ONE_TEXT + "}", ["1"]),
    "text with blanks": (f" \n [{ONE_TEXT}] ", ["1"]),
    "empty list": ([], []),
    "empty object": ({}, []),
    "text of an empty list": ("[]", []),
    "text of an empty object": ("{}", []),
    "null": (None, []),
}
WORDS: Final = ["", "Subscriber not found", "null", "[cut", '{"id":1', "[VIP] is not here", "{", "صفر"]
WRONG: Final[list[Any]] = [
    42,
    1.5,
    True,
    False,
    ["a"],
    [1],
    [ONE, None],
    [[ONE]],
    "[1]",
    {"0": ONE, "1": None},
    {"0": 5},
]


def identity(row: Any) -> str:
    value = next(
        getattr(row, name) for name in ("id", "subscriber_id", "order_unique_id", "catalog_id") if hasattr(row, name)
    )
    assert isinstance(value, str)
    return value


@pytest.mark.parametrize("name", ROW_CALLS)
@pytest.mark.parametrize("shape", SHAPES)
def test_rows_of_every_shape(name: str, shape: str) -> None:
    value, wanted = SHAPES[shape]

    assert [identity(row) for row in message(value, name)] == wanted


@pytest.mark.parametrize("name", ROW_CALLS)
@pytest.mark.parametrize("shape", SHAPES)
def test_rows_of_every_shape_under_data(name: str, shape: str) -> None:
    value, wanted = SHAPES[shape]
    found = answer({"status": "success", "message": "All is well.", "data": value}, name)

    assert [identity(row) for row in found] == wanted


@pytest.mark.parametrize("name", ROW_CALLS)
@pytest.mark.parametrize("words", WORDS)
def test_any_other_text_is_no_rows_and_that_text(name: str, words: str) -> None:
    found = message(words, name)

    assert isinstance(found, Rows)
    assert (list(found), found.text) == ([], words)


@pytest.mark.parametrize("name", ROW_CALLS)
@pytest.mark.parametrize("value", WRONG, ids=repr)
def test_what_is_neither_rows_nor_text_is_no_answer(name: str, value: object) -> None:
    error = failure({"status": "1", "message": value}, name)

    assert (type(error), str(error)) == (DecodeError, "expected rows that are objects")


@pytest.mark.parametrize("name", ROW_CALLS)
def test_no_place_for_rows_is_no_answer(name: str) -> None:
    assert "expected rows under message or data" in str(failure({"status": "1"}, name))


@pytest.mark.parametrize("key", ["message", "mesasge", "data"])
def test_rows_lie_under_any_of_three_keys(key: str) -> None:
    assert [row.id for row in answer({"status": "1", key: [ONE]}, "list_labels")] == ["1"]


@pytest.mark.parametrize("shape", SHAPES)
def test_one_subscriber_of_every_shape(shape: str) -> None:
    value, wanted = SHAPES[shape]
    found = message(value, "get_subscriber")

    assert ([] if found is None else [found.subscriber_id]) == wanted[:1]


@pytest.mark.parametrize("words", WORDS)
def test_no_subscriber_is_none(words: str) -> None:
    assert message(words, "get_subscriber") is None


@pytest.mark.parametrize(
    "value", [{"message_status": "read"}, [{"message_status": "read"}], '{"message_status":"read"}']
)
def test_one_status_of_every_shape(value: object) -> None:
    assert message(value, "get_message_status").status == "read"


@pytest.mark.parametrize(("value", "text"), [([], "nothing found"), ("Unknown message", "Unknown message")])
def test_no_status_is_not_found(value: object, text: str) -> None:
    error = failure({"status": "1", "message": value}, "get_message_status", status=201, headers={"a": "b"})

    assert (type(error), error.text, error.status, error.headers) == (NotFoundError, text, 201, {"a": "b"})


RECEIPTS: Final = [
    name
    for name, one in REQUESTS.items()
    if isinstance(one.endpoint.answer_type, type) and issubclass(one.endpoint.answer_type, Receipt)
]


@pytest.mark.parametrize("name", RECEIPTS)
@pytest.mark.parametrize("key", ["message", "mesasge"])
def test_texts_of_a_success_decide_nothing(name: str, key: str) -> None:
    found = answer({"status": "1", key: "Subscriber limit has been exceeded. (#131049)", "media_id": 5}, name)

    assert found.text == "Subscriber limit has been exceeded. (#131049)"


@pytest.mark.parametrize("value", [None, [], {}, 5, ["a"], {"a": 1}], ids=repr)
def test_a_receipt_without_words(value: object) -> None:
    assert message(value, "send_text").text == ""


@pytest.mark.parametrize("name", RECEIPTS)
def test_what_lies_under_data_counts_as_if_it_lay_above(name: str) -> None:
    found = answer({"status": "success", "data": {"media_id": 5, "other": 1}}, name)

    assert isinstance(found, Answer)
    assert found.extra["other"] == 1


@pytest.mark.parametrize("data", [None, [], "x", 5, [{"media_id": "1"}]])
def test_an_upload_without_an_id_is_no_answer(data: object) -> None:
    error = failure({"status": "1", "data": data}, "upload_media")

    assert (type(error), error.outcome) == (DecodeError, Outcome.UNKNOWN)
    assert "media_id" in str(error)


TOKEN: Final = "EAA" + "Gx9" * 10


@pytest.mark.parametrize("name", ROW_CALLS)
def test_words_in_the_place_of_rows_have_no_secrets(name: str) -> None:
    assert message(f"see {TOKEN}", name).text == "see ***"


@pytest.mark.parametrize("depth", [1, 40, 150, 300, 480, 900, 990, 1_000, 5_000])
@pytest.mark.parametrize("name", ["send_text", "list_templates", "get_subscriber"])
@pytest.mark.parametrize("status", [200, 422, 500])
def test_no_depth_breaks_anything_but_the_answer(depth: int, name: str, status: int) -> None:
    for inner in ("[" * depth + "]" * depth, '{"a":' * depth + "1" + "}" * depth):
        for body in (
            f'{{"status":{inner}}}',
            f'{{"status":"0","message":{inner}}}',
            f'{{"status":"0","errors":{{"a":[{inner}]}}}}',
            f'{{"status":"1","message":[{{"id":{inner},"template_json":{inner},"unknown":{inner}}}]}}',
        ):
            with suppress(ResponseError):
                answer(body, name, status=status)
