"""Uploads and media messages."""

import asyncio
import hashlib
import io
import json

import aiohttp
import pytest

from tests.sandbox.door import JSON, NUMBER, PATHS, PERSON, Door
from wabotick_async.sandbox import form as form_module


def by_id(media_id: str, **changes: str) -> dict[str, str]:
    return {**PERSON, "media_id": media_id, "media_type": "image", **changes}


async def post(door: Door, form: dict[str, str]) -> tuple[int, str, str]:
    got = await door.form("send_media", {"apiToken": door.sandbox.token, **form})
    return got.status, got.message, "".join(got.body.get("errors", ()))


async def test_an_upload_is_counted_and_fingerprinted(vendor: Door) -> None:
    data = b"x" * 5_000_000
    media_id = (await vendor.upload(io.BytesIO(data))).body["media_id"]
    upload = vendor.sandbox.state.uploads[media_id]
    assert (upload.size, upload.sha256) == (5_000_000, hashlib.sha256(data).hexdigest())
    assert (upload.file_name, upload.content_type) == ("bill.pdf", "application/pdf")


async def test_the_same_file_twice_gets_two_ids(vendor: Door) -> None:
    assert (await vendor.upload()).body["media_id"] != (await vendor.upload()).body["media_id"]


async def test_the_siblings_add_type_and_name_or_a_link(sibling: Door) -> None:
    first, second = (await sibling.upload()).body, (await sibling.upload()).body
    assert (first["media_type"], first["media_name"]) == ("document", "bill.pdf")
    assert second["media_url"].startswith("https://")


async def test_another_field_name_gets_no_media_id(vendor: Door) -> None:
    got = await vendor.upload(field="file")
    assert (got.status, set(got.body["errors"])) == (422, {"media_file"})
    assert "upload_media: file part is called file" in vendor.sandbox.oddities


async def test_the_upload_takes_a_bearer_token(vendor: Door) -> None:
    form = aiohttp.FormData({"phone_number_id": NUMBER["phone_number_id"]})
    form.add_field("media_file", b"x", filename="a.png", content_type="image/png")
    headers = {**JSON, "Authorization": f"Bearer {vendor.sandbox.token}"}
    url = f"{vendor.sandbox.base_url}/api/v1{PATHS['upload_media']}"
    async with vendor.session.post(url, data=form, headers=headers) as answer:
        assert (await answer.json())["status"] == "success"


async def test_a_file_above_the_cap_is_413(vendor: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(form_module, "FILE_CAP", 10)
    assert (await vendor.upload(b"x" * 11)).status == 413


async def test_a_text_part_above_the_cap_is_413(vendor: Door) -> None:
    assert (await vendor.upload(note="x" * (form_module.PART_CAP + 1))).status == 413


async def test_a_form_above_the_cap_is_413(vendor: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(form_module, "FORM_CAP", 100)
    assert (await vendor.post("send_text", message="x" * 101)).status == 413


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=b", "application/x-www-form-urlencoded"])
async def test_a_client_that_leaves_in_the_middle_is_not_answered(vendor: Door, kind: str) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", int(vendor.sandbox.base_url.rpartition(":")[2]))
    head = f"POST /api/v1{PATHS['upload_media']} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: 9999"
    part = '--b\r\nContent-Disposition: form-data; name="media_file"; filename="a"\r\n\r\nxxxx'
    writer.write(f"{head}\r\n\r\n{part}".encode())
    await writer.drain()
    await asyncio.sleep(0.02)
    writer.close()
    await writer.wait_closed()
    async with asyncio.timeout(2):
        while vendor.sandbox.requests.open or not len(vendor.sandbox.requests):  # noqa: ASYNC110  # no event for it
            await asyncio.sleep(0.001)
    assert vendor.sandbox.requests.statuses() == {0: 1}
    assert not vendor.sandbox.state.uploads


async def test_a_broken_multipart_body_has_no_token(vendor: Door) -> None:
    headers = {**JSON, "Content-Type": "multipart/form-data; boundary=b"}
    url = f"{vendor.sandbox.base_url}/api/v1{PATHS['upload_media']}"
    async with vendor.session.post(url, data=b"no boundary here", headers=headers) as answer:
        assert answer.status == 401


async def test_multipart_where_a_form_is_asked_for_is_noted(vendor: Door) -> None:
    form = aiohttp.FormData({"apiToken": vendor.sandbox.token, **NUMBER}, default_to_multipart=True)
    url = f"{vendor.sandbox.base_url}/api/v1{PATHS['list_labels']}"
    async with vendor.session.post(url, data=form, headers=JSON) as answer:
        assert answer.status == 200
    assert "list_labels: multipart where urlencoded is asked for" in vendor.sandbox.oddities


async def test_an_uploaded_file_can_be_sent(door: Door) -> None:
    media_id = (await door.upload()).body["media_id"]
    form = by_id(media_id, media_type="document", media_name="bill.pdf", message="Your bill")
    assert (await post(door, form))[0] == 200
    row = door.sandbox.state.conversations["100000000000001", PERSON["phone_number"]][-1]
    assert isinstance(row.content, dict)
    assert row.content["document"] == {"id": media_id, "filename": "bill.pdf", "caption": "Your bill"}


async def test_an_unknown_media_id_is_refused(vendor: Door) -> None:
    assert (await post(vendor, by_id("1")))[1] == "(#100) Invalid parameter: unknown media id."


async def test_a_media_id_belongs_to_its_number(vendor: Door) -> None:
    media_id = (await vendor.upload(phone_number_id="100000000000002")).body["media_id"]
    assert "unknown media id" in (await post(vendor, by_id(media_id)))[1]


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({}, "media_url"),
        ({"media_url": "a.png"}, "media_url"),
        ({"media_url": "https://example.com/a"}, "media_type"),
        ({"media_url": "https://example.com/a.png", "media_type": "gif"}, "media_type"),
        ({"media_url": "https://example.com/a.pdf"}, "media_name"),
    ],
)
async def test_an_incomplete_media_form_is_422(vendor: Door, form: dict[str, str], field: str) -> None:
    status, _, fields = await post(vendor, {**PERSON, **form})
    assert (status, fields) == (422, field)


async def test_a_media_id_needs_its_type(vendor: Door) -> None:
    media_id = (await vendor.upload()).body["media_id"]
    assert (await post(vendor, {**PERSON, "media_id": media_id}))[2] == "media_type"


async def test_audio_takes_no_caption(vendor: Door) -> None:
    form = {**PERSON, "media_url": "https://example.com/a.mp3", "media_caption_text": "Hear"}
    assert "no caption" in (await post(vendor, form))[1]


async def test_both_sources_at_once_are_noted(vendor: Door) -> None:
    media_id = (await vendor.upload()).body["media_id"]
    await post(vendor, by_id(media_id, media_url="https://example.com/a.png"))
    assert "send_media: both media_id and media_url were sent" in vendor.sandbox.oddities


async def test_media_shows_in_the_conversation(vendor: Door) -> None:
    await vendor.post("send_media")
    content = json.loads((await vendor.post("get_conversation")).message[0]["message_content"])
    assert (content["type"], content["image"]["caption"]) == ("image", "Look")
