"""Secrets and phone numbers stay out of what a person or a log may read."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wabotick_async.redaction import (
    _SECRET_NAMES,
    _TOKEN_FORMS,
    REDACTED,
    is_secret_name,
    mask_phone_number,
    may_hold_token,
    redact,
    strip_secrets,
)

TOKEN = "12|" + "aB3" * 10
META_TOKEN = "EAA" + "Gx9" * 10


@pytest.mark.parametrize("name", ["apiToken", "access_token", "ACCESS_TOKEN", "client_secret", "password", "api_key"])
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["phone_number", "template_id", "message", "name"])
def test_other_names(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    "text",
    [TOKEN, TOKEN.replace("|", "%7C"), TOKEN.replace("|", "%7c"), META_TOKEN, f"access_token%3D{META_TOKEN}"],
    ids=["raw", "percent-encoded", "lower hex", "meta", "meta behind an escape"],
)
def test_the_forms_of_tokens_are_blanked(text: str) -> None:
    shown = redact(f"before {text} after")

    assert REDACTED in shown
    assert TOKEN[5:] not in shown
    assert META_TOKEN[5:] not in shown


def test_the_text_around_a_token_stays() -> None:
    assert redact(f"before {TOKEN} after") == "before *** after"


@pytest.mark.parametrize("text", ["", "12|short", "EAA-short", "plain", "4 | 5"])
def test_what_has_no_form_of_a_token_stays(text: str) -> None:
    assert redact(text) == text


MESSAGE_ID = "wamid.HBgLnEAA" + "Gx9" * 10 + "/+=="


@pytest.mark.parametrize("text", [MESSAGE_ID, f"'{MESSAGE_ID}'", f"{MESSAGE_ID}, {MESSAGE_ID[:-2]}"])
def test_message_ids_that_hold_the_beginning_of_a_token_stay_whole(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    "text",
    [f"{MESSAGE_ID} {META_TOKEN}", f"{MESSAGE_ID[:-2]}{TOKEN}", "wamid." + META_TOKEN * 5, f"wamid.HBgL{TOKEN}"],
    ids=["beside", "glued on", "too long for an id", "glued to a short one"],
)
def test_a_message_id_hides_no_token(text: str) -> None:
    shown = redact(text)

    assert TOKEN[5:] not in shown
    assert not shown.endswith(META_TOKEN[5:])


def test_given_secrets_are_blanked_raw_and_encoded() -> None:
    assert redact("a 1|x b 1%7Cx c", "1|x") == "a *** b *** c"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("url='http://user:pass@127.0.0.1:8080'", "url='http://***@127.0.0.1:8080'"),
        ("https://key@a.test/x", "https://***@a.test/x"),
        ("https://a.test/x?mail=b@c.test", "https://a.test/x?mail=b@c.test"),
        ("mail b@c.test", "mail b@c.test"),
    ],
)
def test_a_login_in_an_address_is_blanked(text: str, shown: str) -> None:
    assert redact(text) == shown


@pytest.mark.parametrize("unit", ["1", "1|", "EAA", "wamid.", "://", "://a@", "+919"])
def test_a_long_text_takes_no_long_time(unit: str) -> None:
    # Quadratic time would be 10 seconds and more.
    began = time.process_time()
    mask_phone_number(redact(unit * 40_000))
    assert time.process_time() - began < 2


def test_an_empty_secret_blanks_nothing() -> None:
    assert redact("abc", "") == "abc"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("to 919800000001", "to …0001"),
        ("to +919800000001!", "to …0001!"),
        ("to 919800000001.", "to …0001."),
        ("number.919800000001", "number.…0001"),
        ("'919800000001','919800000002'", "'…0001','…0002'"),
        ("[919800000001]", "[…0001]"),
        ("48 rows", "48 rows"),
        ("0.1234567891", "0.1234567891"),
        ("1234567.891", "1234567.891"),
        ("wamid.HBgMOTE5ODAwMDAwMDAx", "wamid.HBgMOTE5ODAwMDAwMDAx"),
        ("172310467380123456789", "172310467380123456789"),
    ],
)
def test_phone_numbers_are_shortened(text: str, shown: str) -> None:
    assert mask_phone_number(text) == shown


def test_secrets_are_stripped_by_name_and_by_form_at_any_depth() -> None:
    value = {"a": [{"access_token": "x", "text": f"see {META_TOKEN}"}], "token": {"inner": 1}, "n": 5, "none": None}

    assert strip_secrets(value) == {
        "a": [{"access_token": REDACTED, "text": "see ***"}],
        "token": REDACTED,
        "n": 5,
        "none": None,
    }


def test_an_empty_secret_stays_empty() -> None:
    assert strip_secrets({"access_token": "", "token": None}) == {"access_token": "", "token": None}


def test_stripping_copies() -> None:
    value = {"token": "x", "list": ["y"]}

    assert strip_secrets(value) is not value
    assert value == {"token": "x", "list": ["y"]}


@given(st.from_regex(_TOKEN_FORMS) | st.text("wamid.EA|%7C0123456789abcdefghijklmnopqrst", max_size=60))
def test_a_text_without_a_mark_holds_no_token(text: str) -> None:
    blanked = _TOKEN_FORMS.sub(lambda found: found["message_id"] or REDACTED, text)

    assert redact(text) == blanked  # no login can be among these letters
    assert may_hold_token(text) or blanked == text


@given(st.from_regex(_SECRET_NAMES) | st.text(max_size=80))
def test_a_name_is_judged_the_same_each_time(name: str) -> None:
    assert is_secret_name(name) == is_secret_name(name) == (_SECRET_NAMES.search(name) is not None)
