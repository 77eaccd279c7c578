"""Requests as form bodies: everything that is put in comes out of a plain form parser."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contract.requests import REQUESTS
from wabotick_async import (
    AddNote,
    AssignChat,
    ConfigurationError,
    CreateSubscriber,
    GetMessageStatus,
    Request,
    RequestInvalidError,
    SendMedia,
    SendTemplate,
    SendText,
    UpdateSubscriber,
    UploadMedia,
)
from wabotick_async.values import Secret
from wabotick_async.wire import HTTPAnswer, HTTPRequest, Multipart, encode, form_fields

PHONE: Final = "919800000001"
NUMBER: Final = "109000000000001"
TOKEN: Final = Secret("12|abc")


def body_of(request: Request[Any], number: str | None = NUMBER, token: Secret = TOKEN) -> bytes:
    body = encode(request, token, number).body
    assert isinstance(body, bytes)
    return body


def parsed(body: bytes) -> dict[str, str]:
    """Parse a form as any server does; a key that occurs twice fails."""
    found = parse_qs(body.decode("ascii"), keep_blank_values=True, strict_parsing=True, encoding="utf-8")
    assert all(len(values) == 1 for values in found.values())
    return {name: values[0] for name, values in found.items()}


@pytest.mark.parametrize("name", [name for name in REQUESTS if name != "upload_media"])
def test_the_form_is_the_token_and_the_fields(name: str) -> None:
    request = REQUESTS[name]

    assert parsed(body_of(request)) == {"apiToken": "12|abc", **form_fields(request, NUMBER)}


@pytest.mark.parametrize("name", REQUESTS)
def test_path_and_host_are_the_endpoint_s(name: str) -> None:
    sent = encode(REQUESTS[name], TOKEN, NUMBER)

    assert (sent.path, sent.team_host) == (REQUESTS[name].endpoint.path, name == "assign_chat")


@pytest.mark.parametrize("name", REQUESTS)
def test_the_token_is_in_no_path_and_no_repr(name: str) -> None:
    sent = encode(REQUESTS[name], TOKEN, NUMBER)

    assert "abc" not in f"{sent.path} {sent!r} {sent.body!r}" or isinstance(sent.body, bytes)
    assert repr(sent) == f"HTTPRequest(path={sent.path!r})"


def test_the_bar_of_the_token_is_escaped() -> None:
    assert body_of(SendText(phone_number=PHONE, message="x")).startswith(b"apiToken=12%7Cabc&")


def test_the_end_of_a_message_id_survives() -> None:
    body = body_of(GetMessageStatus(message_id="wamid.HBgL+/A=="))

    assert b"wa_message_id=wamid.HBgL%2B%2FA%3D%3D" in body
    assert parsed(body)["wa_message_id"] == "wamid.HBgL+/A=="


def test_the_exact_bytes_of_a_text() -> None:
    request = AddNote(phone_number=PHONE, note_text="a+b & c=d\r\n%41")

    assert body_of(request) == (
        b"apiToken=12%7Cabc&phone_number_id=109000000000001&phone_number=919800000001"
        b"&note_text=a%2Bb+%26+c%3Dd%0D%0A%2541"
    )


@pytest.mark.parametrize("text", ["مرحبا", "नमस्ते", "👩‍👩‍👧 😀", "é", "\u0000", "\u2028", "a\tb", "{#x#}", "~_.-*'()"])
def test_a_text_of_any_script_survives(text: str) -> None:
    assert parsed(body_of(SendText(phone_number=PHONE, message=text + "!")))["message"] == text + "!"


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60))
def test_any_text_survives(text: str) -> None:
    request = UpdateSubscriber(phone_number=PHONE, first_name=text)

    assert parsed(body_of(request))["first_name"] == text


def test_any_name_of_a_variable_survives() -> None:
    request = SendTemplate(phone_number=PHONE, template_id="48", variables={"a&b=c-1 é": "x"})

    assert parsed(body_of(request))["templateVariable-a&b=c-1 é-1"] == "x"


def test_what_is_left_out_or_empty_has_no_key() -> None:
    request = UpdateSubscriber(phone_number=PHONE, first_name="", gender="male")
    media = SendMedia(phone_number=PHONE, media_url="https://a.test/x.jpg", caption="", message="")

    assert parsed(body_of(request)).keys() == {"apiToken", "phone_number_id", "phone_number", "gender"}
    assert parsed(body_of(media)).keys() == {"apiToken", "phone_number_id", "phone_number", "media_url"}


def test_a_subscriber_is_created_in_camel_case() -> None:
    form = form_fields(CreateSubscriber(phone_number=PHONE, name="Ada"), NUMBER)

    assert form == {"phoneNumberID": NUMBER, "phoneNumber": PHONE, "name": "Ada"}


def test_the_request_s_number_wins_over_the_client_s() -> None:
    request = SendText(phone_number=PHONE, message="x", phone_number_id="777")

    assert form_fields(request, NUMBER)["phone_number_id"] == "777"


@pytest.mark.parametrize(
    "request_", [one for one in REQUESTS.values() if hasattr(one, "phone_number_id")], ids=lambda one: one.endpoint.name
)
def test_no_number_at_all_is_a_matter_of_configuration(request_: Request[Any]) -> None:
    with pytest.raises(ConfigurationError, match="phone_number_id in the request or in the client"):
        encode(request_, TOKEN)


@pytest.mark.parametrize("name", ["connect_account", "get_message_status", "list_custom_fields", "list_catalogs"])
def test_account_calls_name_no_number(name: str) -> None:
    assert "phone_number_id" not in parsed(body_of(REQUESTS[name], None))


def test_a_value_that_got_past_the_struct_is_still_refused() -> None:
    with pytest.raises(RequestInvalidError, match="half a surrogate pair"):
        encode(AssignChat(phone_number=PHONE, team_member_id=1), TOKEN, "\ud83d")
    with pytest.raises(RequestInvalidError, match="half a surrogate pair"):
        encode(UploadMedia(file=b"x", file_name="a.jpg"), TOKEN, "\ud83d")


async def stream() -> AsyncIterator[bytes]:
    yield b"x"


@pytest.mark.parametrize(("file", "rereadable"), [(b"x", True), (stream(), False)])
def test_an_upload_is_multipart(file: Any, rereadable: bool) -> None:
    upload = encode(UploadMedia(file=file, file_name="é.jpg"), TOKEN, NUMBER).body

    assert isinstance(upload, Multipart)
    assert upload.fields == {"apiToken": "12|abc", "phone_number_id": NUMBER}
    assert (upload.file_field, upload.file_name, upload.content_type) == ("media_file", "é.jpg", "image/jpeg")
    assert upload.file is file
    assert upload.rereadable is rereadable


def test_reprs_show_neither_token_nor_body() -> None:
    upload = encode(UploadMedia(file=b"x", file_name="a.jpg"), TOKEN, NUMBER).body

    assert repr(upload) == "Multipart(file_name='a.jpg', content_type='image/jpeg')"
    assert repr(HTTPRequest(path="/a", body=b"apiToken=1")) == "HTTPRequest(path='/a')"
    assert repr(HTTPAnswer(status=200, headers={"a": "b"}, body=b"secret")) == "HTTPAnswer(status=200, 6 bytes)"
