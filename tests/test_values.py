"""Phone numbers, tokens and addresses: cleaned where it is safe, refused where it would be a guess."""

from __future__ import annotations

import copy
import pickle

import msgspec
import pytest

from wabotick_async.values import Secret, clean_api_token, clean_base_url, clean_phone_number

NUMBER = "919800000001"


@pytest.mark.parametrize(
    "text",
    [
        "919800000001",
        "+919800000001",
        "00919800000001",
        " 919800000001 ",
        "+91 98000-00001",
        "+91 (98000) 00001",
        "+91.98000.00001",
        "[91] 9800000001",
        "919800000001.0",
        "919800000001.000",
        "+919800000001.0",
        "+91 98000 00001.0",
        "91\u00a098000\u200b00001",
        "\u202a+919800000001\u202c",
        "+91\u201398000\u221200001",
        "\ufeff919800000001\n",
        "".join(chr(0x660 + int(digit)) for digit in NUMBER),
        "".join(chr(0x6F0 + int(digit)) for digit in NUMBER),
        "".join(chr(0x966 + int(digit)) for digit in NUMBER),
        "".join(chr(0xFF10 + int(digit)) for digit in NUMBER),
    ],
)
def test_a_number_is_cleaned(text: str) -> None:
    assert clean_phone_number(text) == NUMBER


@pytest.mark.parametrize("text", ["IN.abc-123", "US." + "x" * 128, "BR.a=b:c_d.e", "IN.abc\n", " IN.abc"])
def test_an_opaque_recipient_stays_but_for_the_blanks_around_it(text: str) -> None:
    assert clean_phone_number(text) == text.strip()


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "+",
        "123456",
        "1" * 16,
        "abc",
        "91980000000x",
        "9.198E+11",
        "91+9800000001",
        "++919800000001",
        "91980000000²",
        "919800000001;919800000002",
        "USA.abc",
        "us.abc",
        "US." + "x" * 129,
        "US.a b",
        "\ud83d",
    ],
)
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected 7 to 15 digits with the country code"):
        clean_phone_number(text)


@pytest.mark.parametrize("text", ["09800000001", "+00919800000001", "0 98000 00001"])
def test_a_country_is_never_guessed(text: str) -> None:
    with pytest.raises(ValueError, match="expected the country code first"):
        clean_phone_number(text)


def test_the_complaint_is_short() -> None:
    with pytest.raises(ValueError, match="expected") as caught:
        clean_phone_number("x" * 10_000)

    assert len(str(caught.value)) < 150


def test_a_token_loses_the_blanks_around_it() -> None:
    assert clean_api_token(" 12|abc\n") == "12|abc"


@pytest.mark.parametrize("text", ["", "abc", "12", "12|", "|abc", "12|a b", "12|é", "x|abc", "12 |abc", "12|a\nb"])
def test_a_token_of_another_form_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(ValueError, match="expected an API token of the form") as caught:
        clean_api_token(text)

    assert text not in str(caught.value) or text in {"", "12"}


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("https://app.wabotick.com", "https://app.wabotick.com"),
        ("https://app.wabotick.com/", "https://app.wabotick.com"),
        (" HTTPS://APP.wabotick.com ", "https://app.wabotick.com"),
        ("https://host:8443/", "https://host:8443"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://127.0.0.1", "http://127.0.0.1"),
        ("http://127.9.9.9:1", "http://127.9.9.9:1"),
        ("http://[::1]:80/", "http://[::1]:80"),
    ],
)
def test_a_base_url_is_cleaned(text: str, cleaned: str) -> None:
    assert clean_base_url(text) == cleaned


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "such as https"),
        ("app.wabotick.com", "such as https"),
        ("ftp://host", "such as https"),
        ("https://", "such as https"),
        ("https://host:port", "such as https"),
        ("https://host:99999", "such as https"),
        ("https://[::1", "such as https"),
        ("https://user@host", "without login"),
        ("https://user:pw@host", "without login"),
        ("https://host?x=1", "without login, query"),
        ("https://host#x", "fragment"),
        ("https://host/api/v1", "without a path"),
        ("http://app.wabotick.com", "expected https://"),
        ("http://127.0.0.1.evil.test", "expected https://"),
        ("http://0.0.0.0", "expected https://"),
        ("http://192.168.0.1", "expected https://"),
        ("https://host\\@evil.test", "without login"),
    ],
)
def test_another_base_url_is_refused(text: str, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        clean_base_url(text)


SECRET = Secret("12|hidden")


@pytest.mark.parametrize("shown", [repr(SECRET), str(SECRET), f"{SECRET}", f"{SECRET!r:>40}", repr({"a": [SECRET]})])
def test_a_secret_does_not_show_itself(shown: str) -> None:
    assert "hidden" not in shown
    assert "***" in shown


def test_a_secret_is_revealed_on_request() -> None:
    assert SECRET.reveal() == "12|hidden"


def test_secrets_are_compared_by_value() -> None:
    assert Secret("12|hidden") == SECRET
    assert hash(Secret("12|hidden")) == hash(SECRET)
    assert Secret("12|other") != SECRET


def test_a_secret_is_no_text() -> None:
    assert SECRET != "12|hidden"


def test_a_secret_is_not_pickled_nor_copied() -> None:
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(SECRET)
    with pytest.raises(TypeError, match="not pickled"):
        copy.deepcopy(SECRET)


def test_a_secret_is_not_written_as_json() -> None:
    with pytest.raises(TypeError):
        msgspec.json.encode(SECRET)


def test_a_secret_takes_no_further_attribute() -> None:
    with pytest.raises(AttributeError):
        SECRET.other = 1  # type: ignore[attr-defined]  # the point of the test


@pytest.mark.parametrize("text", ["919800000000.5", "+44 (0) 20 7946 0018", "+44(0)2079460018"])
def test_a_number_that_would_become_another_one_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        clean_phone_number(text)
