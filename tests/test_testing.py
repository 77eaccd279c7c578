"""The test kit that is shipped."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from wabotick_async import (
    Acknowledgement,
    Label,
    ListLabels,
    NotSentError,
    Order,
    Page,
    SendReceipt,
    SendTemplate,
    Subscriber,
    UploadedMedia,
    UploadMedia,
    WabotickClient,
)
from wabotick_async.sandbox import Sandbox
from wabotick_async.testing import FakeTransport, ManualClock, NoLimit, fake_client
from wabotick_async.testing.pytest_plugin import wabotick_client, wabotick_sandbox
from wabotick_async.wire import HTTPAnswer, HTTPRequest

__all__ = ["wabotick_client", "wabotick_sandbox"]

SEND = SendTemplate(phone_number="919800000000", template_id="48", variables={"name": "Ä & B"})


async def test_structs_come_back_as_they_were_queued() -> None:
    transport = FakeTransport()
    client = fake_client(transport)
    receipt, media = SendReceipt(message_id="wamid.1==", text="sent"), UploadedMedia(media_id="9")
    person, label = Subscriber(subscriber_id="7", phone_number="919800000000"), Label(id="3", name="VIP")
    order = Order(order_unique_id="172310467380123456789", cart_total=Decimal("43.50"))
    transport.answer(SendTemplate, receipt)
    transport.answer("upload_media", media)
    transport.answer("get_subscriber", person, None)
    transport.answer("list_subscribers", [person])
    transport.answer(ListLabels, [label, label], Page([label]))
    transport.answer("list_catalog_orders", [order])
    transport.answer("create_label", Acknowledgement(text="ok"))

    assert await client.send(SEND) == receipt
    assert await client.send(UploadMedia(file=b"x", file_name="a.png")) == media
    assert await client.subscribers.get(phone_number="919800000000") == person
    assert await client.subscribers.get(phone_number="919800000000") is None
    assert [one async for one in client.subscribers.iterate()] == [person]
    assert await client.labels.list() == [label, label]
    assert await client.labels.list() == [label]
    assert await client.catalog.list_orders() == [order]
    assert (await client.labels.create(label_name="VIP")).text == "ok"
    assert transport.left == 0


async def test_answers_come_in_order_and_then_the_default() -> None:
    whole = HTTPAnswer(status=200, headers={}, body=b'{"status":"1","wa_message_id":"c"}')
    transport = FakeTransport(
        SendReceipt(message_id="a"), b'{"status":"1","wa_message_id":"b"}', whole, default=SendReceipt(message_id="d")
    )
    client = fake_client(transport)
    assert [(await client.send(SEND)).message_id for _ in range(5)] == ["a", "b", "c", "d", "d"]
    assert repr(transport) == "FakeTransport(5 requests, 0 answers left)"


async def test_an_exception_is_raised_and_retried_without_waiting() -> None:
    clock = ManualClock(jump=True)
    transport = FakeTransport(NotSentError("refused"), SendReceipt(message_id="a"))
    assert (await fake_client(transport, clock=clock).send(SEND)).message_id == "a"
    assert len(transport.sent("send_template")) == len(transport.sent(SendTemplate)) == 2
    assert clock.slept == [0]


async def test_a_request_that_nobody_expected_fails_the_test() -> None:
    with pytest.raises(AssertionError, match="no answer is queued for send_template"):
        await fake_client().send(SEND)


async def test_requests_are_recorded_without_the_token() -> None:
    transport = FakeTransport(default={"status": "1", "media_id": "9"})
    async with fake_client(transport) as client:
        await client.send(SEND)
        await client.send(UploadMedia(file=b"x", file_name="a.png"))
    first, second = transport.requests
    assert first.endpoint == "send_template"
    assert first.form["templateVariable-name-1"] == "Ä & B"
    assert (second.file, second.file_name, second.content_type) == (b"x", "a.png", "image/png")
    assert second.form == {"phone_number_id": "100000000000001"}
    assert "apiToken" not in repr(transport.requests)
    assert "FakeFake" not in repr(transport.requests)
    assert not transport.closed, "a pool that was passed in stays its owner's"
    await transport.close()
    assert transport.closed


async def test_an_unknown_path_is_recorded_by_itself() -> None:
    transport = FakeTransport({"status": "1"})
    await transport.post(HTTPRequest(path="/own", body=b""), fake_client().timeout)
    assert transport.requests[0].endpoint == "/own"


async def test_no_limit_records_pauses() -> None:
    limiter = NoLimit()
    assert await limiter.acquire(max_wait=0) == 0
    limiter.pause(5)
    assert limiter.pauses == [5]


async def test_the_clock_moves_sleepers_and_calls_in_turn() -> None:
    clock = ManualClock(10)
    story: list[Any] = []

    async def sleeper(seconds: float) -> None:
        await clock.sleep(seconds)
        story.append((seconds, clock.now))

    tasks = [asyncio.create_task(sleeper(seconds)) for seconds in (3, 1, 0)]
    clock.call_later(2, lambda: story.append("call"))
    clock.call_later(2, lambda: story.append("never")).cancel()
    await clock.advance(2.5)
    assert story == [(0, 10), (1, 11), "call"]
    assert clock() == 12.5
    tasks[0].cancel()
    await clock.advance(5)
    assert tasks[0].cancelled()
    assert len(story) == 3
    assert repr(clock) == "ManualClock(now=17.5, 0 calls due)"


async def test_the_fixtures_serve(wabotick_client: WabotickClient, wabotick_sandbox: Sandbox) -> None:
    receipt = await wabotick_client.send(
        SendTemplate(phone_number="919800000000", template_id=wabotick_sandbox.template_id)
    )
    assert receipt.message_id
    assert len(wabotick_sandbox.ledger.entries) == 1
