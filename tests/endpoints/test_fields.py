"""The quirks of single fields: what is cleaned, what is refused, how it is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import pytest

from wabotick_async import (
    AssignChat,
    AssignCustomFields,
    AssignLabels,
    ConnectAccount,
    GetConversation,
    GetMessageStatus,
    ListSubscribers,
    ListTemplates,
    Request,
    RequestInvalidError,
    SendBroadcastTemplate,
    SendMedia,
    SendTemplate,
    SendText,
    TemplateVariable,
    UpdateSubscriber,
)
from wabotick_async.endpoints.fields import Encoding
from wabotick_async.wire import form_fields

PHONE: Final = "919800000001"
HALF: Final = "\ud83d"


def refused(field: str, make: Callable[[], object], problem: str = "") -> None:
    """Check that making a request is refused because of that field."""
    with pytest.raises(RequestInvalidError, match=problem or "expected") as caught:
        make()
    assert caught.value.field == field


def template(variables: Any = (), **fields: Any) -> SendTemplate:
    return SendTemplate(phone_number=PHONE, template_id="48", variables=variables, **fields)


def labels(label_ids: Any) -> AssignLabels:
    return AssignLabels(phone_number=PHONE, label_ids=label_ids)


def written(request: Request[Any], wire_name: str) -> str | None:
    return form_fields(request, "109000000000001").get(wire_name)


def reader_of(request_type: type[Request[Any]], name: str) -> Callable[[str], Any]:
    """Return how a command line's text is read for a field."""
    encoding: Encoding = next(field.encoding for field in request_type.endpoint.fields if field.name == name)
    return encoding.read


def test_a_phone_number_is_cleaned() -> None:
    assert SendText(phone_number="+91 98000-00001", message="hi").phone_number == PHONE


@pytest.mark.parametrize("number", ["", "0123456789", "abc", 919800000001, None, b"919800000001"])
def test_a_phone_number_is_text_with_a_country_code(number: Any) -> None:
    refused("phone_number", lambda: SendText(phone_number=number, message="hi"))


@pytest.mark.parametrize("text", ["", " ", "\n\t", 5, None])
def test_a_required_text_is_not_empty(text: Any) -> None:
    refused("message", lambda: SendText(phone_number=PHONE, message=text))


def test_a_text_is_left_as_it_is() -> None:
    assert SendText(phone_number=PHONE, message="  a\n b ").message == "  a\n b "


@pytest.mark.parametrize("value", ["109000000000001", 109000000000001, " 109000000000001 "])
def test_a_meta_id_is_text_of_digits(value: Any) -> None:
    assert ListTemplates(phone_number_id=value).phone_number_id == "109000000000001"


@pytest.mark.parametrize("value", ["", "1.09E+14", "abc", "٤٨", "1" * 33, 1.09e14, "-1"])
def test_another_meta_id_is_refused(value: Any) -> None:
    refused("phone_number_id", lambda: ListTemplates(phone_number_id=value), "expected digits")


@pytest.mark.parametrize("value", ["48", 48, " 48 ", "257062", "1" * 11])
def test_a_short_id(value: Any) -> None:
    assert SendTemplate(phone_number=PHONE, template_id=value).template_id == str(value).strip()


@pytest.mark.parametrize("value", ["437509121867805", 437509121867805, "1" * 12])
def test_meta_s_long_template_id_is_named_as_such(value: Any) -> None:
    refused("template_id", lambda: SendTemplate(phone_number=PHONE, template_id=value), "got Meta's long one")


@pytest.mark.parametrize("value", ["", "ada", "4 8", "48.0", "-48"])
def test_a_template_s_name_is_no_id(value: str) -> None:
    refused("template_id", lambda: SendTemplate(phone_number=PHONE, template_id=value), "from the template list")


@pytest.mark.parametrize(
    "link", ["https://a.test/x.jpg", "https://a.test:8443/x.jpg?a=1&b=2#c", "https://é.test/é.jpg"]
)
def test_a_public_link(link: str) -> None:
    assert SendMedia(phone_number=PHONE, media_url=link).media_url == link


@pytest.mark.parametrize(
    "link",
    [
        "",
        "a.test/x.jpg",
        "http://a.test/x.jpg",
        "ftp://a.test/x.jpg",
        "https:///x.jpg",
        "https://u:p@a.test/x.jpg",
        "https://a.test/x y.jpg",
        "https://a.test/x.jpg\n",
        "https://[::1/x.jpg",
        "javascript:alert(1)",
        5,
    ],
)
def test_another_link_is_refused(link: Any) -> None:
    refused("media_url", lambda: SendMedia(phone_number=PHONE, media_url=link), "public https link")


def test_a_header_may_link_without_tls() -> None:
    assert template(header_media_url="http://a.test/x.jpg").header_media_url == "http://a.test/x.jpg"


@pytest.mark.parametrize(
    "ids", [["1", "2"], (1, 2), "1,2", " 1 , 2 ", [1, "2 "]], ids=["texts", "numbers", "text", "blanks", "mixed"]
)
def test_a_list_of_ids_is_comma_text_without_blanks(ids: Any) -> None:
    assert written(labels(ids), "label_ids") == "1,2"


def test_an_id_given_twice_stays() -> None:
    assert labels(["1", 1]).label_ids == ("1", "1")


@pytest.mark.parametrize("ids", [[], "", ",", ["1", ""], ["1,2"], ["a b"], 5, None, b"1,2", {"1"}, [HALF]])
def test_another_list_of_ids_is_refused(ids: Any) -> None:
    refused("label_ids", lambda: labels(ids))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": 1, "b": [True, None]}, '{"a":1,"b":[true,null]}'),
        ([], "[]"),
        ("text", '"text"'),
        ({"n": Decimal("1.50"), 1: ("x",)}, '{"n":"1.50","1":["x"]}'),
        ({"name": "अ😀"}, '{"name":"अ😀"}'),
    ],
)
def test_json_is_text_in_one_value(value: object, text: str) -> None:
    assert written(SendBroadcastTemplate(flow_data=value), "flow_data") == text


def test_json_belongs_to_the_request_alone() -> None:
    fields = {"city": "Dhaka"}
    request = AssignCustomFields(phone_number=PHONE, custom_fields=fields)
    fields["city"] = "changed"

    assert request.custom_fields == {"city": "Dhaka"}


LOOP: Final[list[Any]] = []
LOOP.append(LOOP)


@pytest.mark.parametrize("value", [object(), {"a": HALF}, LOOP, {("a", "b"): 1}, {"x"}])
def test_what_is_no_json_is_refused(value: object) -> None:
    refused("flow_data", lambda: SendBroadcastTemplate(flow_data=value), "written as JSON")


def test_quick_replies_are_compact_json_in_the_order_of_the_buttons() -> None:
    request = template(quick_reply_button_values=("YES", "NO"))

    assert written(request, "template_quick_reply_button_values") == '["YES","NO"]'


@pytest.mark.parametrize("values", ["YES", {"a": "b"}, [1], 5, {"YES"}])
def test_quick_replies_are_a_list_of_texts(values: Any) -> None:
    refused("quick_reply_button_values", lambda: template(quick_reply_button_values=values))


@pytest.mark.parametrize("number", [0, 1, 10**12])
def test_a_numeric_id(number: int) -> None:
    assert written(AssignChat(phone_number=PHONE, team_member_id=number), "team_member_id") == str(number)


@pytest.mark.parametrize("number", [-1, 1.0, "1", True])
def test_another_numeric_id_is_refused(number: Any) -> None:
    refused("team_member_id", lambda: AssignChat(phone_number=PHONE, team_member_id=number), "a whole number from 0")


@pytest.mark.parametrize("limit", [0, 51, -1, 10.0, "10", True, None])
def test_a_page_of_a_conversation_has_1_to_50_rows(limit: Any) -> None:
    refused("limit", lambda: GetConversation(phone_number=PHONE, limit=limit))


@pytest.mark.parametrize("limit", [0, 101])
def test_a_page_of_subscribers_has_1_to_100_rows(limit: int) -> None:
    refused("limit", lambda: ListSubscribers(limit=limit), "from 1 to 100")


@pytest.mark.parametrize("page", [0, -1, 1.5, "2", False])
def test_pages_count_from_1(page: Any) -> None:
    refused("page", lambda: ListSubscribers(page=page), "a whole number from 1,")


def test_limit_and_page_always_travel() -> None:
    form = form_fields(GetConversation(phone_number=PHONE), "109000000000001")

    assert (form["limit"], form["offset"]) == ("50", "1")


@pytest.mark.parametrize("order", ["id DESC", 0, 1])
def test_the_order_is_text_or_a_number(order: str | int) -> None:
    assert written(ListSubscribers(order_by=order), "orderBy") == str(order)


def test_booleans_are_1_and_0() -> None:
    assert written(ListSubscribers(order_by=True), "orderBy") == "1"
    assert written(ListSubscribers(order_by=False), "orderBy") == "0"


VARIABLES: Final[dict[str, tuple[Any, dict[str, str]]]] = {
    "mapping": ({"name": "Ada", "city": "Dhaka"}, {"name-1": "Ada", "city-2": "Dhaka"}),
    "sequence": ([TemplateVariable("name", "Ada")], {"name-1": "Ada"}),
    "positions given": (
        [TemplateVariable("b", "2", 2), TemplateVariable("a", "1", 1)],
        {"b-2": "2", "a-1": "1"},
    ),
    "one name at two positions": (
        [TemplateVariable("name", "Ada"), TemplateVariable("name", "Bob")],
        {"name-1": "Ada", "name-2": "Bob"},
    ),
    "hyphens": ({"User-Name": "Ada", "a-1": "x"}, {"User-Name-1": "Ada", "a-1-2": "x"}),
    "newline": ({"a": "one\ntwo"}, {"a-1": "one two"}),
    "blanks around a newline": ({"a": "one  \r\n\t two"}, {"a-1": "one two"}),
    "tab": ({"a": "one\ttwo"}, {"a-1": "one two"}),
    "five blanks": ({"a": "one     two"}, {"a-1": "one two"}),
    "four blanks stay": ({"a": "one    two"}, {"a-1": "one    two"}),
    "blanks around": ({"a": "  one  "}, {"a-1": "one"}),
    "number": ({"a": 5, "b": 1.5}, {"a-1": "5", "b-2": "1.5"}),
    "boolean": ({"a": True}, {"a-1": "1"}),
    "none": ((), {}),
    "empty mapping": ({}, {}),
    "other scripts": ({"نام": "আদা 😀"}, {"نام-1": "আদা 😀"}),
}


@pytest.mark.parametrize(("given", "keys"), VARIABLES.values(), ids=VARIABLES)
def test_variables_are_a_family_of_keys(given: Mapping[str, str], keys: dict[str, str]) -> None:
    form = form_fields(template(given), "109000000000001")

    found = {name.removeprefix("templateVariable-"): text for name, text in form.items() if "Variable-" in name}
    assert found == keys


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("Ada", "expected a mapping"),
        (b"Ada", "expected a mapping"),
        (5, "expected a mapping"),
        (["Ada"], "variable 1: expected a TemplateVariable"),
        ([("name", "Ada")], "variable 1: expected a TemplateVariable"),
        ({"": "x"}, "with a name"),
        ({" ": "x"}, "with a name"),
        ({1: "x"}, "with a name"),
        ({"name": ""}, "would arrive as '-'"),
        ({"name": " \n "}, "would arrive as '-'"),
        ({"name": None}, "would arrive as '-'"),
        ({"name": ["x"]}, "would arrive as '-'"),
        ([TemplateVariable("a", "x", 1), TemplateVariable("b", "y", 1)], "each position once"),
        ([TemplateVariable("a", "x", 2), TemplateVariable("b", "y")], "each position once"),
        ([TemplateVariable("a", "x", 0)], "a position from 1"),
        ([TemplateVariable("a", "x", "2")], "a position from 1"),  # type: ignore[arg-type]  # the point of the test
        ([TemplateVariable("a", "x", True)], "a position from 1"),
        ({"a": HALF}, "half a surrogate"),
        ({HALF: "a"}, "half a surrogate"),
    ],
)
def test_other_variables_are_refused(given: Any, problem: str) -> None:
    refused("variables", lambda: template(given), problem)


@pytest.mark.parametrize(
    "make",
    [
        lambda: SendText(phone_number=PHONE, message=HALF),
        lambda: UpdateSubscriber(phone_number=PHONE, first_name=HALF),
        lambda: SendMedia(phone_number=PHONE, media_url=f"https://a.test/{HALF}.jpg"),
        lambda: GetMessageStatus(message_id=HALF),
        lambda: ConnectAccount(user_id=1, whatsapp_business_account_id="1", access_token=HALF),
    ],
)
def test_half_a_surrogate_pair_is_refused_before_it_meets_wire_or_journal(make: Callable[[], object]) -> None:
    with pytest.raises(RequestInvalidError, match="half a surrogate"):
        make()


@pytest.mark.parametrize(
    ("request_type", "name", "text", "value"),
    [
        (SendText, "message", " as it is ", " as it is "),
        (ListSubscribers, "limit", "10", 10),
        (AssignCustomFields, "custom_fields", '{"a":1}', {"a": 1}),
        (SendTemplate, "variables", '{"a":"b"}', {"a": "b"}),
        (SendTemplate, "variables", '[{"name":"a","value":"b"}]', [TemplateVariable("a", "b")]),
        (AssignLabels, "label_ids", "1,2", "1,2"),
    ],
)
def test_typed_text_is_read(request_type: type[Request[Any]], name: str, text: str, value: object) -> None:
    assert reader_of(request_type, name)(text) == value


@pytest.mark.parametrize(
    ("request_type", "name", "texts"),
    [
        (ListSubscribers, "limit", ["ten", "", "1.5", "9" * 5_000]),
        (AssignCustomFields, "custom_fields", ["{", "", "[" * 5_000, HALF]),
        (SendTemplate, "variables", ["Ada", "5", "{", '["Ada"]', '[{"value":"b"}]', "[" * 5_000]),
    ],
)
def test_other_text_is_refused(request_type: type[Request[Any]], name: str, texts: Sequence[str]) -> None:
    for text in texts:
        with pytest.raises(ValueError, match="expected"):
            reader_of(request_type, name)(text)
