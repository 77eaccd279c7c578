"""Rules that concern several fields, the journal form, and what a repr shows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from msgspec import UNSET

from tests.contract.requests import REQUESTS
from wabotick_async import (
    AssignCustomFields,
    ConnectAccount,
    CreateSubscriber,
    GetConversation,
    ListSubscribers,
    Request,
    RequestInvalidError,
    SendMedia,
    SendTemplate,
    SendText,
    TemplateVariable,
    UpdateSubscriber,
    UploadMedia,
)

PHONE: Final = "919800000001"
LINK: Final = "https://a.test/x.jpg"


def media(**fields: Any) -> SendMedia:
    return SendMedia(phone_number=PHONE, **fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"media_url": LINK},
        {"media_url": LINK + "?v=1"},
        {"media_url": "https://a.test/x", "media_type": "image"},
        {"media_id": "123", "media_type": "image"},
        {"media_id": "123", "media_type": "document", "media_name": "a.pdf", "caption": "c", "message": "m"},
        {"media_url": LINK, "media_type": "audio", "message": "m"},
        {"media_url": LINK, "media_id": None},
    ],
)
def test_media_that_go_together(fields: dict[str, Any]) -> None:
    assert media(**fields).phone_number == PHONE


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "media_url"),
        ({"media_url": None}, "media_url"),
        ({"media_url": LINK, "media_id": "123"}, "media_url"),
        ({"media_url": LINK, "media_id": " "}, "media_id"),
        ({"media_id": "123"}, "media_type"),
        ({"media_id": "123", "media_type": None}, "media_type"),
        ({"media_url": "https://a.test/x"}, "media_type"),
        ({"media_url": "https://a.test"}, "media_type"),
        ({"media_url": "https://a.test/x?name=a.jpg"}, "media_type"),
        ({"media_url": "https://a.test/x#a.jpg"}, "media_type"),
        ({"media_url": LINK, "media_type": "sticker"}, "media_type"),
        ({"media_url": LINK, "media_type": "Image"}, "media_type"),
        ({"media_url": LINK, "media_type": "document"}, "media_name"),
        ({"media_url": LINK, "media_type": "document", "media_name": ""}, "media_name"),
        ({"media_url": LINK, "media_type": "document", "media_name": None}, "media_name"),
        ({"media_url": LINK, "media_type": "audio", "caption": "c"}, "caption"),
    ],
)
def test_media_that_do_not_go_together(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(RequestInvalidError, match="expected") as caught:
        media(**fields)

    assert caught.value.field == field


def test_a_text_has_at_most_4096_characters() -> None:
    assert len(SendText(phone_number=PHONE, message="x" * 4096).message) == 4096
    with pytest.raises(RequestInvalidError, match="at most 4096 characters, got 4097"):
        SendText(phone_number=PHONE, message="x" * 4097)


async def stream() -> AsyncIterator[bytes]:
    yield b"pixels"


def test_a_path_names_itself(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"pixels")

    for file in (path, str(path)):
        request = UploadMedia(file=file)
        assert (request.file, request.file_name, request.content_type) == (file, "a.jpg", "image/jpeg")


def test_a_given_name_wins_over_the_path_s(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.touch()

    assert UploadMedia(file=path, file_name="b.png").content_type == "image/png"


@pytest.mark.parametrize("file", [b"pixels", stream()], ids=["bytes", "stream"])
def test_bytes_and_streams_need_a_name(file: Any) -> None:
    assert UploadMedia(file=file, file_name="a.pdf").content_type == "application/pdf"
    with pytest.raises(RequestInvalidError, match="expected a file name"):
        UploadMedia(file=file)


def test_a_given_type_wins_and_an_unknown_one_is_plain() -> None:
    assert UploadMedia(file=b"x", file_name="a.jpg", content_type="image/png").content_type == "image/png"
    assert UploadMedia(file=b"x", file_name="a.unheard-of").content_type == "application/octet-stream"


@pytest.mark.parametrize("file", ["", "/nowhere/a.jpg", "\0", b"", None, 5, ["a.jpg"], bytearray(b"x")])
def test_what_cannot_be_read_is_refused(file: Any) -> None:
    with pytest.raises(RequestInvalidError, match="expected") as caught:
        UploadMedia(file=file, file_name="a.jpg")

    assert caught.value.field == "file"


@pytest.mark.parametrize("control", [chr(code) for code in (*range(32), 127)], ids=ascii)
@pytest.mark.parametrize("field", ["file_name", "content_type"])
def test_what_would_break_a_header_of_the_file_is_refused(field: str, control: str) -> None:
    texts = {"file_name": "a.jpg", "content_type": "image/jpeg", field: f"a{control}X-Injected: 1"}
    with pytest.raises(RequestInvalidError, match="expected no control characters") as caught:
        UploadMedia(file=b"x", **texts)

    assert caught.value.field == field


@pytest.mark.parametrize("name", ["a\nb.jpg", "a\udce4b.jpg"], ids=ascii)
def test_a_path_whose_name_no_header_can_hold_is_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.touch()
    with pytest.raises(RequestInvalidError, match="expected") as caught:
        UploadMedia(file=path)

    assert caught.value.field == "file_name"
    assert UploadMedia(file=path, file_name="b.jpg").file_name == "b.jpg"


def test_a_folder_and_an_unreadable_file_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.jpg"
    path.touch()
    monkeypatch.setattr("os.access", lambda *_: False)

    for file in (tmp_path, path):
        with pytest.raises(RequestInvalidError, match="expected a readable file"):
            UploadMedia(file=file)


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda none: SendText(phone_number=none, message="x"), "phone_number"),
        (lambda none: SendText(phone_number=PHONE, message=none), "message"),
        (lambda none: CreateSubscriber(phone_number=PHONE, name=none), "name"),
        (lambda none: ListSubscribers(limit=none), "limit"),
        (lambda none: AssignCustomFields(phone_number=PHONE, custom_fields=none), "custom_fields"),
    ],
)
def test_a_needed_field_is_never_none(make: Callable[[Any], object], field: str) -> None:
    with pytest.raises(RequestInvalidError, match="got None") as caught:
        make(None)

    assert caught.value.field == field


def test_none_is_another_way_to_leave_an_optional_field_out() -> None:
    fields: dict[str, Any] = {"phone_number_id": None, "first_name": None, "label_ids": None}

    assert UpdateSubscriber(phone_number=PHONE, **fields) == UpdateSubscriber(phone_number=PHONE)


FULL: Final[dict[str, Request[Any]]] = {
    "send_template": SendTemplate(
        phone_number_id="109000000000001",
        phone_number=PHONE,
        template_id="48",
        variables=[TemplateVariable("a-b", "x"), TemplateVariable("a-b", "é😀")],
        header_media_url=LINK,
        quick_reply_button_values=("A", "B"),
    ),
    "send_template, mapping": SendTemplate(phone_number=PHONE, template_id="48", variables={"a": "x"}),
    "send_media": media(media_id="1", media_type="document", media_name="a.pdf", caption="c", message="m"),
    "update_subscriber": UpdateSubscriber(phone_number=PHONE, first_name="", label_ids=[1, "2"]),
    "list_subscribers": ListSubscribers(limit=5, page=3, order_by=1),
    "get_conversation": GetConversation(phone_number="IN.abc", limit=1),
    "custom fields": AssignCustomFields(phone_number=PHONE, custom_fields={1: ("x", None)}),
}
# Uploads are no messages: they are never journalled, and a stream could not be.
JOURNALLED: Final = {name: one for name, one in REQUESTS.items() if not one.endpoint.holds_file} | FULL


@pytest.mark.parametrize("request_", JOURNALLED.values(), ids=JOURNALLED)
def test_the_journal_form_brings_back_the_same_request(request_: Request[Any]) -> None:
    text = msgspec.json.encode(request_)

    again = msgspec.json.decode(text, type=type(request_))
    assert again == request_
    assert msgspec.json.encode(again) == text


def test_the_journal_form_has_wire_names_and_no_defaults() -> None:
    request = CreateSubscriber(phone_number=PHONE, name="Ada")

    assert msgspec.json.decode(msgspec.json.encode(request)) == {"phoneNumber": PHONE, "name": "Ada"}


@pytest.mark.parametrize(
    ("request_type", "text"),
    [
        (SendText, '{"phone_number":"0123","message":"x"}'),
        (SendText, '{"phone_number":"919800000001","message":" "}'),
        (SendText, '{"phone_number":"919800000001"}'),
        (SendText, '{"phone_number":"919800000001","message":null}'),
        (SendText, '{"phone_number":919800000001,"message":"x"}'),
        (SendMedia, '{"phone_number":"919800000001"}'),
        (ListSubscribers, '{"limit":101}'),
        (SendTemplate, '{"phone_number":"919800000001","template_id":"437509121867805"}'),
        (SendTemplate, '{"phone_number":"919800000001","template_id":"1","variables":{"a":""}}'),
    ],
)
def test_the_rules_hold_for_what_is_read_back(request_type: type[Request[Any]], text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(text, type=request_type)


def test_what_is_read_back_is_cleaned() -> None:
    request = msgspec.json.decode('{"phone_number":"+91 98000 00001","message":"x"}', type=SendText)

    assert request == SendText(phone_number=PHONE, message="x")


def test_requests_are_frozen_values() -> None:
    request = SendText(phone_number=PHONE, message="x")

    with pytest.raises(AttributeError):
        request.message = "y"  # type: ignore[misc]  # the point of the test
    assert hash(request) == hash(SendText(phone_number="+" + PHONE, message="x"))


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
def test_a_repr_names_the_struct_and_no_unset_field(request_: Request[Any]) -> None:
    assert repr(request_).startswith(f"{type(request_).__name__}(")
    assert "UNSET" not in repr(request_)


def test_a_repr_hides_secrets() -> None:
    request = ConnectAccount(user_id=1, whatsapp_business_account_id="2", access_token="EAAhidden")

    assert repr(request) == "ConnectAccount(user_id=1, whatsapp_business_account_id='2', access_token=***)"


@pytest.mark.parametrize("value", [{"access_token": "hidden"}, ["12|" + "hidden" * 5], {"a": [{"token": "hidden"}]}])
def test_a_repr_hides_secrets_inside_json(value: object) -> None:
    assert "hidden" not in repr(AssignCustomFields(phone_number=PHONE, custom_fields=value))


def test_a_repr_is_short() -> None:
    assert "<100000 bytes>" in repr(UploadMedia(file=b"x" * 100_000, file_name="a.jpg"))
    assert len(repr(SendText(phone_number=PHONE, message="x" * 4096))) < 500


def test_unset_is_the_default_of_what_may_be_left_out() -> None:
    assert SendText(phone_number=PHONE, message="x").phone_number_id is UNSET
