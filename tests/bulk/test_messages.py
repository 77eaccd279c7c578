"""What may be a message of a campaign, and which messages are one."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.bulk.fakes import FakeClient, counts, make_sender, phone, rows_of, text, texts
from wabotick_async.bulk import BulkMessage, Journal
from wabotick_async.bulk.message import read_request, to_row
from wabotick_async.endpoints import (
    ConnectAccount,
    Request,
    SendBroadcastTemplate,
    SendMedia,
    SendTemplate,
    SendText,
    UploadMedia,
    registry,
)
from wabotick_async.endpoints.variables import TemplateVariable
from wabotick_async.errors import CampaignAbortedError, JournalError, RequestInvalidError

MIXED: list[Request[Any]] = [
    text(1),
    SendTemplate(phone_number=phone(2), template_id="48", variables={"name": "Zoë", "code": "1"}),
    SendTemplate(
        phone_number=phone(3),
        template_id="48",
        variables=[TemplateVariable(name="x-y", value="a", position=2)],
        quick_reply_button_values=["yes", "no"],
        phone_number_id="100000000000009",
    ),
    SendMedia(phone_number=phone(4), media_url="https://example.org/a.png", caption="✓"),
    SendMedia(phone_number=phone(5), media_id="77", media_type="document", media_name="a.pdf"),
    SendBroadcastTemplate(flow_data={"a": [1, None]}),
]


@pytest.mark.parametrize("request_", MIXED, ids=lambda request: type(request).__name__)
def test_journal_gives_back_the_same_request(request_: Request[Any]) -> None:
    _, row = to_row(request_, 1)
    assert read_request(row.endpoint, row.payload, registry) == request_


async def test_mixed_campaign(client: FakeClient, journal: Journal) -> None:
    report = await make_sender(client, journal).run(MIXED)
    assert counts(report) == {"accepted": 6}
    assert [row.endpoint for row in (await rows_of(journal)).values()] == [one.endpoint.name for one in MIXED]


async def test_equal_messages_are_one(client: FakeClient, journal: Journal) -> None:
    report = await make_sender(client, journal).run([text(1), text(2), text(1), text(1, "other"), text(1)])
    assert counts(report) == {"accepted": 3, "skipped": 2}
    assert client.wire.count(phone(1)) == 2


async def test_same_content_through_another_endpoint_is_another_message() -> None:
    first, second = (to_row(request, 1)[1] for request in (MIXED[0], MIXED[1]))
    assert first.key != second.key


async def test_messages_with_one_key_are_one(client: FakeClient, journal: Journal) -> None:
    messages: list[Any] = [
        BulkMessage(request=text(1), key="order 7"),
        BulkMessage(request=text(2), key="order 7"),
        BulkMessage(request=text(1), key="order 8"),
        text(1),
    ]
    report = await make_sender(client, journal).run(messages)
    assert counts(report) == {"accepted": 3, "skipped": 1}
    assert client.wire == [phone(1)] * 3


def test_key_is_not_taken_for_content() -> None:
    _, plain = to_row(text(1), 1)
    _, keyed = to_row(BulkMessage(request=text(1), key=plain.payload.decode()), 1)
    assert plain.key != keyed.key


_HELLO = SendText(phone_number="919800000001", message="Hello")
_TEMPLATE = SendTemplate(phone_number="919800000001", template_id="48", variables={"name": "Zoë"})


@pytest.mark.parametrize(
    ("message", "key"),
    [
        (_HELLO, "51fd9bf16bf8a2481d4a5dc01d8cea4f"),
        (_TEMPLATE, "22d092e53cbf15f5d7983a6cb45d3f63"),
        (BulkMessage(request=_HELLO, key="order 7"), "23bc756ac9c4f67e6fe900deb52a7aaf"),
        (BulkMessage(request=_TEMPLATE, key="\ud800"), "5de2a766c76d5cac0f0b464bded37a76"),
    ],
)
def test_keys_of_journals_that_exist(message: object, key: str) -> None:
    assert [to_row(message, 1)[1].key.hex() for _ in range(2)] == [key, key]


@pytest.mark.parametrize("key", ["", "\ud800", "ключ"])
def test_any_text_is_a_key(key: str) -> None:
    assert len(to_row(BulkMessage(request=text(1), key=key), 1)[1].key) == 16


UNWRITABLE = SendBroadcastTemplate(flow_data={})
msgspec.structs.force_setattr(UNWRITABLE, "flow_data", object())
BAD: list[tuple[object, str]] = [
    ("919812345678", "expected a request, got str"),
    (None, "expected a request, got NoneType"),
    (BulkMessage(request=None, key="a"), "expected a request, got NoneType"),  # type: ignore[arg-type]  # what is tested
    (BulkMessage(request=text(1), key=7), "expected a text as key, got int"),  # type: ignore[arg-type]  # what is tested
    (UploadMedia(file=b"x", file_name="a.txt"), "upload_media holds what a journal must not or cannot keep"),
    (
        ConnectAccount(user_id=1, whatsapp_business_account_id="2", access_token="EAAsecretsecretsecretsecret"),
        "connect_account holds what a journal must not or cannot keep",
    ),
    (UNWRITABLE, "cannot be written as JSON"),
]


@pytest.mark.parametrize(("bad", "problem"), BAD, ids=[problem for _, problem in BAD])
async def test_no_message(client: FakeClient, journal: Journal, bad: Any, problem: str) -> None:
    with pytest.raises(CampaignAbortedError, match=f"message 3: .*{problem}") as caught:
        await make_sender(client, journal).run([text(1), text(2), bad, text(3)])
    assert isinstance(caught.value.__cause__, RequestInvalidError)
    assert caught.value.report is not None
    assert counts(caught.value.report) == {"accepted": 2}
    assert "EAAsecret" not in str(caught.value)


@pytest.mark.parametrize("payload", [b"{", b'{"message":"x"}', b'{"phone_number":"1","message":""}', b"\xff"])
def test_unreadable_row(payload: bytes) -> None:
    with pytest.raises(JournalError, match="'send_text' cannot be read"):
        read_request("send_text", payload, registry)


async def test_row_of_an_endpoint_that_is_not_declared(client: FakeClient, journal: Journal) -> None:
    sender = make_sender(client, journal, concurrency=1)
    async for _ in sender.stream(texts(9)):
        sender.stop()
    with pytest.raises(CampaignAbortedError, match="an endpoint that is not declared here") as caught:
        await make_sender(client, journal, registry={}).resume()
    assert isinstance(caught.value.__cause__, JournalError)
    assert caught.value.report is not None
    assert caught.value.report.rows == caught.value.report.accepted + caught.value.report.not_sent
