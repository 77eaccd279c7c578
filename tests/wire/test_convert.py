"""Rows as structs: lenient about types, deaf to unknown fields, without secrets."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import msgspec
import pytest

from tests.wire.answers import failure, message
from wabotick_async import DecodeError, EndpointRegistry, Request, Rows, Safety, Subscriber
from wabotick_async.models import Answer
from wabotick_async.wire import HTTPAnswer, decode
from wabotick_async.wire.convert import to_struct

TOKEN: Final = "EAA" + "Gx9" * 10
API_TOKEN: Final = "12|" + "aB3" * 10


def first(endpoint: str, row: dict[str, Any]) -> Any:
    return message([row], endpoint)[0]


@pytest.mark.parametrize(
    ("value", "text"),
    [(5, "5"), ("5", "5"), (10**30, str(10**30)), (172310467380123456789, "172310467380123456789"), (1.5, "1.5")],
)
def test_ids_come_as_numbers_or_text(value: object, text: str) -> None:
    assert first("list_labels", {"id": value}).id == text
    assert first("list_catalog_orders", {"order_unique_id": value}).order_unique_id == text


@pytest.mark.parametrize(("value", "text"), [(True, "1"), (False, "0"), ({"a": 1}, '{"a":1}'), ([1], "[1]"), ("", "")])
def test_anything_can_be_read_as_text(value: object, text: str) -> None:
    assert first("list_labels", {"status": value}).status == text


def test_null_is_none_or_the_default() -> None:
    label = first("list_labels", {"id": None, "label_name": None, "status": None})

    assert (label.id, label.name, label.status) == ("", "", None)


@pytest.mark.parametrize(("field", "value"), [("email", None), ("label_names", ()), ("unseen_count", None)])
def test_null_as_text(field: str, value: object) -> None:
    row = first("list_subscribers", {field: "null"}) if field != "label_names" else first("list_subscribers", {})

    assert getattr(row, field.replace("label_names", "labels")) == value


@pytest.mark.parametrize(
    ("value", "flag"), [("1", True), ("0", False), (1, True), (0, False), (True, True), ("yes", True), ("", False)]
)
def test_flags(value: object, flag: bool) -> None:
    assert first("list_templates", {"map_needed": value}).map_needed is flag


@pytest.mark.parametrize(("value", "number"), [(5, 5), ("5", 5), ("", None), (None, None), (0, 0), (5.0, 5)])
def test_whole_numbers(value: object, number: int | None) -> None:
    assert first("list_subscribers", {"unseen_count": value}).unseen_count == number


@pytest.mark.parametrize(
    ("value", "amount"),
    [(4300, "4300"), ("4300.50", "4300.50"), (43.1, "43.1"), ("", None), (None, None), ("null", None), ("-5", "-5")],
)
def test_amounts_are_exact(value: object, amount: str | None) -> None:
    total = first("list_catalog_orders", {"cart_total": value}).cart_total

    assert total == (None if amount is None else Decimal(amount))


@pytest.mark.parametrize(
    ("endpoint", "row", "problem"),
    [
        ("list_catalog_orders", {"cart_total": "much"}, "expected an amount, got 'much'"),
        ("list_catalog_orders", {"cart_total": [1]}, "expected an amount"),
        ("list_subscribers", {"unseen_count": "many"}, "int"),
        ("list_subscribers", {"unseen_count": [1]}, "int"),
    ],
)
def test_what_cannot_be_read_is_no_answer(endpoint: str, row: dict[str, Any], problem: str) -> None:
    error = failure({"status": "1", "message": [row]}, endpoint)

    assert type(error) is DecodeError
    assert problem in str(error)


@pytest.mark.parametrize(
    ("value", "labels"),
    [
        ("One ,two", ("One", "two")),
        ("", ()),
        (",", ()),
        ("One", ("One",)),
        (["Lead", "Active"], ("Lead", "Active")),
        (["Lead", None, 5, " "], ("Lead", "5")),
        ('["Lead","Active"]', ("Lead", "Active")),
        ({"1": "Lead", "2": "Active"}, ("Lead", "Active")),
        ("[VIP],Lead", ("[VIP]", "Lead")),
        ("[5]", ("5",)),
        ("[]", ()),
        ([], ()),
        ({}, ()),
        (None, ()),
        (5, ()),
    ],
)
@pytest.mark.parametrize("key", ["labels", "label_names"])
def test_labels(key: str, value: object, labels: tuple[str, ...]) -> None:
    assert first("list_subscribers", {key: value}).labels == labels


@pytest.mark.parametrize(
    ("value", "fields"),
    [
        ({"a": "b", "c": 5, "d": None}, {"a": "b", "c": "5", "d": ""}),
        ([], {}),
        ("[]", {}),
        (None, {}),
        ("", {}),
        ("brand_name:X,order_id:Y", {"brand_name": "X", "order_id": "Y"}),
        (" link : https://a.test , odd", {"link": "https://a.test"}),
        ('{"a":"b"}', {"a": "b"}),
        ("{odd}:x", {"{odd}": "x"}),
        (["x"], {}),
        (5, {}),
    ],
)
def test_custom_fields(value: object, fields: dict[str, str]) -> None:
    assert first("list_subscribers", {"custom_fields": value}).custom_fields == fields


@pytest.mark.parametrize(
    ("row", "number"),
    [
        ({"chat_id": "91"}, "91"),
        ({"phone_number": "92", "chat_id": "91"}, "92"),
        ({"chat_id": "91", "phone_number": "92"}, "92"),
        ({"phone_number": None, "chat_id": "91"}, "91"),
        ({"chat_id": "91", "phone_number": None}, "91"),
        ({"chat_id": None, "phone_number": None}, None),
        ({"phone_number": "", "chat_id": "91"}, ""),
    ],
)
def test_other_spellings(row: dict[str, Any], number: str | None) -> None:
    assert first("list_subscribers", row).phone_number == number


def test_unknown_fields_are_extra_without_their_secrets() -> None:
    label = first("list_labels", {"id": 1, "new": {"access_token": "x", "n": 1}, "token": "y", "note": f"see {TOKEN}"})

    assert label.extra == {"new": {"access_token": "***", "n": 1}, "token": "***", "note": "see ***"}
    assert first("list_labels", {"id": 1}).extra == {}


def test_extra_does_not_count_to_the_value() -> None:
    assert first("list_labels", {"id": 1, "new": 1}) == first("list_labels", {"id": 1})


@pytest.mark.parametrize("secret", [TOKEN, API_TOKEN, API_TOKEN.replace("|", "%7C")])
@pytest.mark.parametrize("value", ["see {}", ["see {}"], {"a": "see {}"}], ids=["text", "list", "object"])
def test_no_secret_in_a_text(value: Any, secret: str) -> None:
    filled = msgspec.json.decode(msgspec.json.encode(value).decode().replace("{}", secret))

    assert secret not in str(first("list_labels", {"label_name": filled}).name)


JSON_TEXTS: Final[dict[str, tuple[Any, Any]]] = {
    "object": ('{"a":1}', {"a": 1}),
    "already decoded": ({"a": 1}, {"a": 1}),
    "PHP's empty array": ("[]", {}),
    "empty array, decoded": ([], {}),
    "empty": ("", {}),
    "null": (None, {}),
    "null as text": ("null", {}),
    "broken": ('{"a":', {}),
    "prose": ("label was set", {}),
    "number": (5, {}),
    "too deep": ('{"a":' * 3_000 + "1" + "}" * 3_000, {}),
    "token": (f'{{"access_token":"{TOKEN}","a":1}}', {"access_token": "***", "a": 1}),
    "token of another form": ('{"access_token":"x"}', {"access_token": "***"}),
    "token by form": (f'{{"note":"{TOKEN}"}}', {"note": "***"}),
    "token in escapes": ('{"note":"\\u0045AA' + "Gx9" * 10 + '"}', {"note": "***"}),
    "token, decoded": ({"access_token": TOKEN}, {"access_token": "***"}),
    "token in broken text": (f'{{"access_token":"{TOKEN}"', {}),
}


@pytest.mark.parametrize("case", JSON_TEXTS)
def test_json_inside_a_string(case: str) -> None:
    value, wanted = JSON_TEXTS[case]
    template = first("list_templates", {"id": 1, "template_json": value})

    assert template.definition == wanted
    assert TOKEN not in f"{template!r} {template.raw_definition}"
    assert isinstance(template.raw_definition, str)


def test_json_without_secrets_is_left_as_it_came() -> None:
    text = '{ "b": 1,\n"a": "\\u00e9" }'

    assert first("list_templates", {"template_json": text}).raw_definition == text


class Plain(msgspec.Struct):
    name: str
    size: int = 0


class Traced(Answer, frozen=True, kw_only=True, dict=True):
    price: float | None = None
    either: int | str | None = None
    aliases = {"cost": "price"}  # noqa: RUF012 - the base declares the class variable


def own_answer(answer_type: Any, body: object) -> Any:
    """Decode the answer to an endpoint of a user's own."""

    class Own(Request[answer_type], frozen=True, kw_only=True):
        pass

    EndpointRegistry().endpoint("own", "/own", Safety.SAFE)(Own)
    return decode(HTTPAnswer(status=200, headers={}, body=msgspec.json.encode(body)), Own())


@pytest.mark.parametrize(
    ("answer_type", "body", "wanted"),
    [
        (Plain, {"status": "1", "name": "a", "size": "5"}, Plain("a", 5)),
        (dict[str, Any], {"status": "1", "token": "x"}, {"status": "1", "token": "***"}),
        (list[Plain], {"status": "1", "message": [{"name": "a"}]}, [Plain("a")]),
        (Rows[dict[str, Any]], {"status": "1", "message": [{"token": "x"}]}, [{"token": "***"}]),
        (Plain | None, {"status": "1", "message": "none"}, None),
        (Plain | None, {"status": "1", "message": {"name": "a"}}, Plain("a")),
        (Traced, {"status": "1", "message": {"cost": "1.5", "either": "x"}}, Traced(price=1.5, either="x")),
        (Traced, {"status": "1", "message": {"price": "", "either": 5}}, Traced(either=5)),
    ],
)
def test_answers_of_a_user_s_own(answer_type: Any, body: object, wanted: object) -> None:
    assert own_answer(answer_type, body) == wanted


@pytest.mark.parametrize("answer_type", [Plain, list[Plain], Rows[Plain], Plain | None, int])
def test_answers_of_a_user_s_own_that_do_not_fit(answer_type: Any) -> None:
    with pytest.raises(DecodeError):
        own_answer(answer_type, {"status": "1", "message": [{"size": 5}]})


def test_a_row_may_be_converted_alone() -> None:
    assert to_struct({"subscriber_id": 5}, Subscriber) == Subscriber(subscriber_id="5")
