"""What a message looks like in a conversation, table by table."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from wabotick_async import AddNote, ConversationRow, SendMedia, SendTemplate, SendText, Template, TemplateVariable
from wabotick_async.bulk.content import (
    ExpectedMedia,
    ExpectedTemplate,
    ExpectedText,
    Likeness,
    expect,
    is_ours,
)

PHONE = "919800000001"
GREETING = ExpectedTemplate(name="greeting", body="Hello {{1}}, your code is {{2}}.", values=((1, "Ada"), (2, "A-17")))


def row(content: Any, sender: str = "bot") -> ConversationRow:
    return ConversationRow(sender=sender, raw_content=content if isinstance(content, str) else json.dumps(content))


def text(body: Any) -> ConversationRow:
    return row({"type": "text", "text": {"body": body}})


def media(kind: str = "image", **what: Any) -> ConversationRow:
    return row({"type": kind, kind: what})


def parameters(*values: Any, name: str = "greeting") -> ConversationRow:
    body = {"type": "body", "parameters": [{"type": "text", "text": value} for value in values]}
    header = {"type": "header", "parameters": [{"type": "image", "image": {"link": "https://x.test/a.png"}}]}
    return row({"type": "template", "template": {"name": name, "components": [header, body]}})


def definition(body: Any, name: str = "greeting") -> ConversationRow:
    return row({"name": name, "language": "en_US", "components": [{"type": "BODY", "text": body}]})


@pytest.mark.parametrize(
    ("shown", "likeness"),
    [
        (text("Hi & bye\nnow"), Likeness.SAME),
        (text(" Hi &amp; bye\r\nnow "), Likeness.SAME),
        (row("Hi & bye\nnow"), Likeness.SAME),
        (text("Hi & bye"), Likeness.NONE),
        (text("Hi & bye\nnow or never"), Likeness.NONE),
        (text(None), Likeness.NONE),
        (row({"type": "text"}), Likeness.NONE),
        (row({"type": "text", "text": "Hi & bye\nnow"}), Likeness.NONE),
        (media(caption="Hi & bye\nnow"), Likeness.NONE),
        (row(""), Likeness.NONE),
    ],
)
def test_a_text(shown: ConversationRow, likeness: Likeness) -> None:
    assert ExpectedText("Hi & bye\nnow").likeness(shown) is likeness


@pytest.mark.parametrize(("body", "shown"), [("42", "42"), ("[1]", "[1]"), ("true", "true")])
def test_prose_that_happens_to_be_json(body: str, shown: str) -> None:
    assert ExpectedText(body).likeness(row(shown)) is Likeness.SAME


@pytest.mark.parametrize(
    ("shown", "likeness"),
    [
        ("Dear #NAME#, about #order# now", Likeness.SAME),
        ("Dear Ada, about A-17 now", Likeness.LOOSE),
        ("Dear , about  now", Likeness.LOOSE),
        ("Dear Ada, regarding A-17 now", Likeness.NONE),
        ("Oh dear Ada, about A-17 now", Likeness.NONE),
        ("Dear Ada, about A-17 nowadays", Likeness.NONE),
        ("Dear now", Likeness.NONE),
    ],
)
def test_a_text_with_tags_that_the_platform_replaces(shown: str, likeness: Likeness) -> None:
    assert ExpectedText("Dear #NAME#, about #order# now").likeness(text(shown)) is likeness


def test_a_text_of_nothing_but_literals_may_not_overlap() -> None:
    assert ExpectedText("aba#x#aba").likeness(text("aba")) is Likeness.NONE


def test_a_hostile_text_costs_no_time() -> None:
    began = time.process_time()
    assert ExpectedText("#a#x" * 30 + "y").likeness(text("x" * 100_000)) is Likeness.NONE
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    ("sent", "shown", "likeness"),
    [
        ({"media_id": "7"}, media(id="7"), Likeness.SAME),
        ({"media_id": "7"}, media(id=7), Likeness.SAME),
        ({"media_id": "7"}, media(id="8"), Likeness.NONE),
        ({"media_id": "7"}, media(id="7", caption="x"), Likeness.NONE),
        ({"media_id": "7", "caption": "x"}, media(id="7", caption="x "), Likeness.SAME),
        ({"media_id": "7"}, media("video", id="7"), Likeness.NONE),
        ({"link": "https://x.test/a.png"}, media(link="https://x.test/a.png"), Likeness.SAME),
        ({"link": "https://x.test/a.png"}, media(link="https://x.test/b.png"), Likeness.NONE),
        ({"link": "https://x.test/a.png"}, media(id="7"), Likeness.LOOSE),
        ({"link": "https://x.test/a.png", "kind": None}, media("document", filename="a"), Likeness.LOOSE),
        ({"link": "https://x.test/a.png"}, text("https://x.test/a.png"), Likeness.NONE),
        ({"link": "https://x.test/a.png"}, row({"type": "image"}), Likeness.LOOSE),
        ({"link": "https://x.test/a.png"}, row("prose"), Likeness.NONE),
    ],
)
def test_media(sent: dict[str, Any], shown: ConversationRow, likeness: Likeness) -> None:
    expected = ExpectedMedia(**{"kind": "image", "media_id": None, "link": None, "caption": "", **sent})

    assert expected.likeness(shown) is likeness


@pytest.mark.parametrize(
    ("shown", "likeness"),
    [
        (parameters("Ada", "A-17"), Likeness.SAME),
        (parameters("Ada", "A-18"), Likeness.NONE),
        (parameters("Ada"), Likeness.SAME),
        (parameters("Ada", None), Likeness.LOOSE),
        (parameters("Ada", "A-17", name="other"), Likeness.NONE),
        (row({"type": "template", "template": {"name": "greeting"}}), Likeness.LOOSE),
        (row({"type": "template"}), Likeness.NONE),
        (row({"type": "template", "template": {"name": "greeting", "components": ["x"]}}), Likeness.LOOSE),
        (definition("Hello Ada, your code is A-17."), Likeness.SAME),
        (definition("Hello Ada, your code is A-18."), Likeness.NONE),
        (definition("Hello {{1}}, your code is {{2}}."), Likeness.LOOSE),
        (definition(None), Likeness.NONE),
        (definition("Hello Ada, your code is A-17.", name="other"), Likeness.NONE),
        (text("Hello Ada, your code is A-17."), Likeness.NONE),
        (row("greeting"), Likeness.NONE),
    ],
)
def test_a_template(shown: ConversationRow, likeness: Likeness) -> None:
    assert GREETING.likeness(shown) is likeness


@pytest.mark.parametrize(
    ("body", "values", "shown", "likeness"),
    [
        ("Hello {{1}} of {{2}}.", ((2, "Rome"),), "Hello Ada of Rome.", Likeness.SAME),
        ("Hello {{1}} of {{2}}.", ((2, "Rome"),), "Hello Ada of Bonn.", Likeness.NONE),
        ("Hello {{1}} of {{2}}.", (), "Hello - of -.", Likeness.SAME),
        ("Hello {{1}}.", ((1, "{{x}}"),), "Hello {{x}}.", Likeness.LOOSE),
        ("Look.", (), "Look.", Likeness.SAME),
        ("", (), "Look.", Likeness.SAME),
        ("", ((1, "Ada"),), "Look.", Likeness.LOOSE),
    ],
)
def test_a_definition(body: str, values: tuple[tuple[int, str], ...], shown: str, likeness: Likeness) -> None:
    assert ExpectedTemplate(name="greeting", body=body, values=values).likeness(definition(shown)) is likeness


def test_what_to_expect_of_a_text() -> None:
    assert expect(SendText(phone_number=PHONE, message="hi"), {}) == ExpectedText("hi")


def test_what_to_expect_of_media() -> None:
    sent = SendMedia(phone_number=PHONE, media_url="https://x.test/a.png", message="look")

    assert expect(sent, {}) == ExpectedMedia(kind=None, media_id=None, link="https://x.test/a.png", caption="look")


def test_what_to_expect_of_a_template() -> None:
    variables = (TemplateVariable("code", "A-17", 2), TemplateVariable("name", "Ada", 1))
    sent = SendTemplate(phone_number=PHONE, template_id="101", variables=variables)
    known = Template(id="101", name="greeting", body_content="Hello {{1}}, your code is {{2}}.")

    assert expect(sent, {"101": known}) == GREETING


def test_nothing_is_expected_where_nothing_can_be_told() -> None:
    sent = SendTemplate(phone_number=PHONE, template_id="101")

    assert expect(sent, {}) is None
    assert expect(sent, {"101": Template(id="101")}) is None
    assert expect(AddNote(phone_number=PHONE, note_text="x"), {}) is None


@pytest.mark.parametrize(("sender", "ours"), [("bot", True), ("agent", True), ("new", True), ("user", False)])
def test_whose_a_row_is(sender: str, ours: bool) -> None:
    assert is_ours(row("x", sender)) is ours
