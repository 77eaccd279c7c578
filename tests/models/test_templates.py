"""The variables of a template, whatever PHP makes of the map."""

from __future__ import annotations

import pytest

from wabotick_async import Postback, Template


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ('{"header":[],"body":[]}', ()),
        ('{"body":{"1":"#name#"}}', ("name",)),
        ('{"body":{"1":"#!otp!#"}}', ("otp",)),
        ('{"body":{"10":"#j#","9":"#i#","1":"#a#"}}', ("a", "i", "j")),
        ('{"body":{"2":"#name#","1":"#name#"}}', ("name", "name")),
        ('{"body":["#a#","#b#"]}', ("a", "b")),
        ('{"body":{"x":"#z#","1":"#a#"}}', ("a", "z")),
        ('{"body":{"1":"#User-Name#"}}', ("User-Name",)),
        ('{"body":"#a#"}', ()),
        ('{"body":null}', ()),
        ('{"header":{"1":"#a#"}}', ()),
        ("[]", ()),
        ("", ()),
        ("broken", ()),
    ],
)
def test_the_body_s_variables_in_order(text: str, body: tuple[str, ...]) -> None:
    assert Template(raw_variable_map=text).body_variables == body


def test_the_parts_of_the_map() -> None:
    template = Template(raw_variable_map='{"header":[],"body":{"1":"#a#"},"button":{"1":5}}')

    assert template.variable_map == {"header": {}, "body": {"1": "#a#"}, "button": {"1": "5"}}


@pytest.mark.parametrize(("text", "buttons"), [("[]", []), ('[{"type":"URL"}]', [{"type": "URL"}]), ("", None)])
def test_buttons(text: str, buttons: object) -> None:
    assert Template(raw_buttons=text).buttons == buttons


def test_a_postback_s_definition_is_any_json() -> None:
    assert Postback(raw_definition='[{"type":"text"}]').definition == [{"type": "text"}]
    assert Postback().definition is None
