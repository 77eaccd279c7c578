"""What all answers share: the response behind them, pages, and JSON inside strings."""

from __future__ import annotations

import copy
import pickle
from typing import Any, Final

import pytest

from wabotick_async import ConversationRow, Label, Page, Response, Rows, SendReceipt
from wabotick_async.models.base import attach_extra, attach_response, decode_json_text, decode_object

RESPONSE: Final = Response(status=200, headers={"a": "b"}, attempts=2, elapsed=0.5)


@pytest.mark.parametrize("value", [SendReceipt(), Rows([Label()]), Page([Label()])], ids=["struct", "rows", "page"])
def test_an_answer_carries_its_response(value: Any) -> None:
    assert value.response is None
    attach_response(value, RESPONSE)

    assert value.response is RESPONSE


@pytest.mark.parametrize("value", [None, {}, [], 5])
def test_a_value_that_cannot_carry_it_stays(value: object) -> None:
    before = copy.copy(value)
    attach_response(value, RESPONSE)

    assert value == before


def test_response_and_extra_do_not_count_to_the_value() -> None:
    receipt = SendReceipt(message_id="x")
    attach_response(receipt, RESPONSE)
    attach_extra(receipt, {"a": 1})

    assert receipt == SendReceipt(message_id="x")
    assert repr(receipt) == "SendReceipt(text='', message_id='x')"
    assert receipt.extra == {"a": 1}


def test_answers_are_frozen() -> None:
    with pytest.raises(AttributeError):
        SendReceipt().message_id = "x"  # type: ignore[misc]  # the point of the test


def test_rows_are_a_list_with_words() -> None:
    rows = Rows([Label(id="1")])

    assert rows == [Label(id="1")]
    assert (rows.text, len(rows), rows[0].id) == ("", 1, "1")


@pytest.mark.parametrize(
    ("count", "limit", "following"), [(0, 0, None), (0, 2, None), (1, 2, None), (2, 2, 4), (3, 2, 4), (1, 0, 4)]
)
def test_a_full_page_has_a_next_one(count: int, limit: int, following: int | None) -> None:
    page = Page([Label()] * count, page=3, limit=limit, next_offset=101)

    assert (page.next_page, page.next_offset) == (following, 101)


def test_a_page_survives_a_pickle() -> None:
    page = Page([Label(id="1")], page=2, limit=1)
    twin = pickle.loads(pickle.dumps(page))

    assert (twin, twin.page, twin.limit, twin.next_page) == (page, 2, 1, 3)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a":1}', {"a": 1}),
        ("[1]", [1]),
        ("5", 5),
        *((text, None) for text in ("null", "", None, "{", "prose", "[" * 5_000, "\ud83d", "\ufeff{}")),
    ],
)
def test_an_inner_text_never_fails(text: str | None, value: object) -> None:
    assert decode_json_text(text) == value


@pytest.mark.parametrize(
    ("text", "value"), [('{"a":1}', {"a": 1}), ("[]", {}), ('["a"]', {}), ("5", {}), ("x", {}), ("", {}), (None, {})]
)
def test_every_other_shape_of_an_object_is_empty(text: str | None, value: object) -> None:
    assert decode_object(text) == value


def test_prose_in_a_conversation_is_no_content() -> None:
    row = ConversationRow(raw_content="Label VIP was set")

    assert (row.content, row.raw_content) == (None, "Label VIP was set")
