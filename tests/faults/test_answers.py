"""F15 to F18 and F21 to F23: an answer came, and it is not what was hoped for."""

from __future__ import annotations

import asyncio
import gzip
import json
import tracemalloc
from typing import Any

import pytest

from tests.faults.stage import Stage, messages, phones
from tests.transport.tcp import Connection, answer, serving
from wabotick_async import Timeout
from wabotick_async.bulk.journal import Counts
from wabotick_async.sandbox import Fault, FaultKind, Sandbox

pytestmark = pytest.mark.usefixtures("bulk_way")

EACH_ITS_OWN = {"keep_alive": False}
PAGE = "<!DOCTYPE html><html><body>One moment, please</body></html>"


def raw(data: bytes) -> Fault:
    """Let the platform accept, and these bytes come back."""
    return Fault(FaultKind.GARBAGE, nth=3, body=data.decode("latin-1"))


def body(text: str | bytes) -> Fault:
    """Let the platform accept, and an answer with this body come back."""
    return raw(answer(text if isinstance(text, bytes) else text.encode(), head=b"Content-Type: application/json\r\n"))


async def play(stage: Stage, *faults: Fault, rows: int = 12, **settings: Any) -> Counts:
    """Run a campaign with some faults in it, and judge it."""
    stage.sandbox.script(*faults)
    report = await stage.run(messages(rows), client={**EACH_ITS_OWN, **settings.pop("client", {})}, **settings)
    return await stage.judge(phones(report.rows))


GARBAGE: dict[str, bytes] = {
    "no http": b"\x16\x03\x01 what is this \r\n\r\n",
    "a header of 20 kB": b"HTTP/1.1 200 OK\r\nX: " + b"a" * 20_000 + b'\r\n\r\n{"status":"1"}',
    "5,000 headers": answer(head=b"X: 1\r\n" * 5_000),
    "two lengths": answer(b'{"status":"1"}', head=b"Content-Length: 5\r\n"),
    "a chunk of no size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
    "a length below zero": b'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{"status":"1"}',
}


@pytest.mark.parametrize("name", GARBAGE)
async def test_f15_garbage_is_no_answer(stage: Stage, name: str) -> None:
    assert await play(stage, raw(GARBAGE[name])) == Counts(accepted=11, unknown=1)
    assert stage.delivered == 12


async def test_f16_a_gzip_bomb(stage: Stage) -> None:
    bomb = answer(gzip.compress(b"\0" * 64_000_000), head=b"Content-Encoding: gzip\r\n")
    fault = raw(bomb)
    tracemalloc.start()
    try:
        assert await play(stage, fault, rows=6) == Counts(accepted=5, unknown=1)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()
    assert stage.delivered == 6


async def test_f16_a_body_of_300_mb_is_not_read_to_its_end(stage: Stage) -> None:
    sent = 0

    async def flood(connection: Connection) -> None:
        nonlocal sent
        await connection.request()
        await connection.write(b"HTTP/1.1 200 OK\r\nContent-Length: 300000000\r\n\r\n")
        while sent < 300_000_000:
            await connection.write(b"x" * 50_000)
            sent += 50_000

    async with serving(flood) as server:
        tracemalloc.start()
        try:
            report = await stage.run(messages(1), client={"url": server.url})
            assert tracemalloc.get_traced_memory()[1] < 8 << 20
        finally:
            tracemalloc.stop()
        assert len(server.requests) == 1
    assert report.unknown == 1
    assert sent < 30_000_000
    await stage.judge(phones(1))


async def test_f16_an_oversized_answer(stage: Stage) -> None:
    fault = Fault(FaultKind.OVERSIZED, nth=3, size=2_000_000)
    assert await play(stage, fault, rows=6) == Counts(accepted=5, unknown=1)
    assert stage.delivered == 6


BODIES: dict[str, str | bytes] = {
    "deep": '{"status":"1","message":' + "[" * 5_000 + "]" * 5_000 + "}",
    "nan": '{"status":NaN}',
    "wrong type": '{"status":["1"],"message":5}',
    "a text": '"1"',
    "a number": "1",
    "empty": "",
    "list": "[]",
    "null": "null",
    "empty object": "{}",
    "not utf-8": b'{"status":"1","message":"\xff\xfe',
    "neither": '{"status":"maybe"}',
    "cut json": '{"status":"1","mess',
}


@pytest.mark.parametrize("name", BODIES)
async def test_f17_what_cannot_be_read_is_unknown(stage: Stage, name: str) -> None:
    assert await play(stage, body(BODIES[name])) == Counts(accepted=11, unknown=1)
    assert stage.delivered == 12


async def test_f17_a_byte_order_mark_is_read_over(stage: Stage) -> None:
    good = b"\xef\xbb\xbf" + json.dumps({"status": "1", "wa_message_id": None, "message": "sent"}).encode()
    assert await play(stage, body(good)) == Counts(accepted=12)


async def test_f17_an_empty_answer(stage: Stage) -> None:
    assert await play(stage, Fault(FaultKind.EMPTY, nth=3)) == Counts(accepted=11, unknown=1)


@pytest.mark.parametrize("accepted", [True, False])
async def test_f18_a_page_with_200_is_unknown(stage: Stage, accepted: bool) -> None:
    fault = Fault(FaultKind.HTML, nth=3, status=200, body=PAGE, accepted=accepted)
    assert await play(stage, fault) == Counts(accepted=11, unknown=1)
    assert stage.delivered == 11 + accepted


async def test_f18_a_page_with_403_stops_the_run(stage: Stage) -> None:
    counts = await play(stage, Fault(FaultKind.HTML, nth=3, status=403, body=PAGE), rows=200)
    assert stage.failure is not None
    assert (counts.unknown, counts.queued > 0) == (0, True)
    again = await stage.run(messages(200), client=EACH_ITS_OWN)
    assert again.accepted + again.refused == 200
    await stage.judge(phones(200))


async def test_f18_a_page_with_503_goes_by_retry_after(stage: Stage) -> None:
    asked = Fault(FaultKind.HTML, nth=3, status=503, retry_after="2", body=PAGE)
    bare = Fault(FaultKind.HTML, nth=2, status=503, body=PAGE)
    assert await play(stage, asked, bare) == Counts(accepted=11, unknown=1)
    assert stage.delivered == 11


@pytest.mark.parametrize("status", [500, 502, 504, 520, 524])
@pytest.mark.parametrize("accepted", [True, False])
async def test_f21_a_server_error_is_unknown(stage: Stage, status: int, accepted: bool) -> None:
    fault = Fault(FaultKind.SERVER_ERROR, nth=3, status=status, accepted=accepted)
    assert await play(stage, fault) == Counts(accepted=11, unknown=1)
    assert stage.delivered == 11 + accepted


async def test_f21_many_of_them_end_the_run_at_the_bound(stage: Stage) -> None:
    failing = Fault(FaultKind.SERVER_ERROR, times=1_000, accepted=True)
    counts = await play(stage, failing, rows=200, max_unknown=5)
    assert stage.failure is not None
    assert 5 < counts.unknown <= 5 + 8
    assert counts.unknown == stage.delivered
    assert counts.queued == counts.rows - counts.unknown
    assert counts.rows < 200, "the source was read on"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_f22_a_redirect_is_not_followed_and_stops_the_run(stage: Stage, status: int) -> None:
    async with Sandbox(token=stage.sandbox.token, auto_window=True) as other:
        away = f"Location: {other.base_url}/api/v1/whatsapp/send\r\n".encode()
        counts = await play(stage, raw(answer(b"", status=f"{status} Moved", head=away)), rows=200)
        assert (len(other.requests), len(other.ledger)) == (0, 0)
    assert stage.failure is not None
    assert counts.rows < 200, "the source was read on"
    assert counts.unknown == 1


async def test_f23_a_bad_number_is_refused_and_not_tried_again(stage: Stage) -> None:
    text = '{"status":"0","message":"(Error Code : 131026) Message undeliverable"}'
    fault = Fault(FaultKind.HTML, nth=3, status=200, body=text, accepted=False)
    counts = await play(stage, fault)
    assert (counts.accepted, counts.refused + counts.skipped) == (11, 1)
    assert len(stage.sandbox.requests) == 12
    assert stage.sender.report is not None
    assert sum(stage.sender.report.causes.values()) == 1


async def test_f17_nothing_here_hangs_or_waits(stage: Stage) -> None:
    """All of it at once, at one connection: the campaign ends, and each fault cost one row."""
    faults = [body(one) for one in BODIES.values()] + [raw(one) for one in GARBAGE.values()]
    async with asyncio.timeout(10):
        counts = await play(stage, *faults, rows=80, client={"concurrency": 1, "timeout": Timeout(total=1.0)})
    assert counts == Counts(accepted=80 - len(faults), unknown=len(faults))
