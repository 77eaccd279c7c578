"""Every kind of fault, seen from the client's side and from the ledger's."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import aiohttp
import pytest

from tests.sandbox.conftest import Opened
from tests.sandbox.door import JSON, PATHS, Door
from wabotick_async.sandbox import Fault, FaultKind, Faults

BROKEN = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, aiohttp.ClientResponseError)


@pytest.mark.parametrize(
    ("fault", "accepted"),
    [
        (Fault(FaultKind.RESET_BEFORE), 0),
        (Fault(FaultKind.RESET_AFTER_READ), 0),
        (Fault(FaultKind.RESET_AFTER), 1),
        (Fault(FaultKind.HANG_BEFORE, seconds=0.01), 0),
        (Fault(FaultKind.HANG_AFTER, seconds=0.01), 1),
        (Fault(FaultKind.CUT, after_bytes=0), 1),
        (Fault(FaultKind.CUT, after_bytes=20), 1),
        (Fault(FaultKind.CUT, after_bytes=150), 1),
        (Fault(FaultKind.GARBAGE), 1),
        (Fault(FaultKind.GARBAGE, accepted=False, body="SSH-2.0"), 0),
    ],
    ids=lambda value: value.kind.value if isinstance(value, Fault) else str(value),
)
async def test_a_broken_connection(vendor: Door, fault: Fault, accepted: int) -> None:
    vendor.sandbox.script(fault)
    with pytest.raises(BROKEN):
        await vendor.post("send_template")
    assert (vendor.sandbox.ledger.total(), vendor.sandbox.requests.statuses()) == (accepted, {0: 1})
    assert vendor.sandbox.requests.faults() == {fault.kind.value: 1}


async def test_a_reset_is_a_reset(vendor: Door) -> None:
    vendor.sandbox.script(Fault(FaultKind.RESET_AFTER))
    with pytest.raises(aiohttp.ClientOSError) as caught:
        await vendor.post("send_template")
    assert caught.value.errno == 104


@pytest.mark.parametrize(
    ("fault", "status", "accepted", "text"),
    [
        (Fault(FaultKind.HTML), 200, 0, "<!DOCTYPE html>"),
        (Fault(FaultKind.HTML, status=403), 403, 0, "<!DOCTYPE html>"),
        (Fault(FaultKind.HTML, status=503, retry_after="7", body="<b>busy</b>"), 503, 0, "<b>busy</b>"),
        (Fault(FaultKind.HTML, accepted=True), 200, 1, "<!DOCTYPE html>"),
        (Fault(FaultKind.SERVER_ERROR), 500, 0, "Server Error"),
        (Fault(FaultKind.SERVER_ERROR, status=524, accepted=True), 524, 1, "Server Error"),
        (Fault(FaultKind.EMPTY), 200, 1, ""),
        (Fault(FaultKind.EMPTY, accepted=False), 200, 0, ""),
        (Fault(FaultKind.OVERSIZED, size=100_000), 200, 1, "x" * 1000),
        (Fault(FaultKind.REDIRECT, location="http://127.0.0.1:1/"), 302, 0, "Redirecting"),
        (Fault(FaultKind.TOO_MANY_REQUESTS), 429, 0, "Too Many Attempts."),
        (Fault(FaultKind.LATENCY, seconds=0.001), 200, 1, "success"),
    ],
)
async def test_a_false_answer(vendor: Door, fault: Fault, status: int, accepted: int, text: str) -> None:
    vendor.sandbox.script(fault)
    got = await vendor.post("send_template")
    assert (got.status, text in got.text, vendor.sandbox.ledger.total()) == (status, True, accepted)
    assert got.headers.get("Retry-After") == fault.retry_after


@pytest.mark.parametrize("retry_after", ["3", "Wed, 21 Oct 2026 07:28:00 GMT"])
async def test_a_429_with_headers(vendor: Door, retry_after: str) -> None:
    vendor.sandbox.script(Fault(FaultKind.TOO_MANY_REQUESTS, retry_after=retry_after))
    headers = (await vendor.post("send_template")).headers
    assert (headers["Retry-After"], headers["X-RateLimit-Remaining"]) == (retry_after, "0")


async def test_a_bare_429_has_no_headers(vendor: Door) -> None:
    vendor.sandbox.script(Fault(FaultKind.TOO_MANY_REQUESTS))
    assert "X-RateLimit-Limit" not in (await vendor.post("send_template")).headers


async def test_every_cut_of_a_reply_has_an_entry_in_the_ledger(vendor: Door) -> None:
    for after_bytes in range(0, 220, 20):
        vendor.sandbox.script(Fault(FaultKind.CUT, after_bytes=after_bytes))
        with pytest.raises(BROKEN):
            await vendor.post("send_template")
    assert vendor.sandbox.ledger.total() == 11


async def test_a_stray_reply_comes_behind_the_right_one(vendor: Door) -> None:
    vendor.sandbox.script(Fault(FaultKind.STRAY, body="Message sent successfully."))
    reader, writer = await asyncio.open_connection("127.0.0.1", int(vendor.sandbox.base_url.rpartition(":")[2]))
    body = f"apiToken={vendor.sandbox.token.replace('|', '%7C')}&phone_number_id=100000000000001"
    writer.write(
        f"POST /api/v1{PATHS['list_labels']} HTTP/1.1\r\nHost: x\r\nAccept: {JSON['Accept']}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
    )
    async with asyncio.timeout(2):
        answers = await reader.readuntil(b"Message sent successfully.")
    assert (answers.count(b"HTTP/1.1 200"), b"Lead" in answers) == (2, True)
    writer.close()


async def test_the_server_duplicates_by_itself(vendor: Door) -> None:
    vendor.sandbox.script(Fault(FaultKind.DUPLICATE))
    await vendor.post("send_template")
    entries = vendor.sandbox.ledger.entries
    assert [entry.by_server for entry in entries] == [False, True]
    assert (len({entry.message_id for entry in entries}), len(vendor.sandbox.ledger.repeated())) == (2, 1)


async def test_a_script_is_played_in_order_and_used_up(vendor: Door) -> None:
    vendor.sandbox.script(Fault(FaultKind.HTML, status=403), Fault(FaultKind.SERVER_ERROR, times=2))
    assert [(await vendor.post("list_labels")).status for _ in range(4)] == [403, 500, 500, 200]


async def test_a_fault_waits_for_its_endpoint_and_its_turn(vendor: Door) -> None:
    vendor.sandbox.script(Fault(FaultKind.SERVER_ERROR, endpoint="send_template", nth=2))
    calls = ["list_labels", "send_template", "list_labels", "send_template", "send_template"]
    assert [(await vendor.post(call)).status for call in calls] == [200, 200, 200, 500, 200]


async def test_a_fault_behind_a_waiting_one_waits_too(vendor: Door) -> None:
    vendor.sandbox.script(Fault(FaultKind.SERVER_ERROR, nth=2), Fault(FaultKind.HTML, status=403))
    assert [(await vendor.post("list_labels")).status for _ in range(4)] == [200, 500, 403, 200]


async def test_an_endless_hang_ends_with_the_sandbox(opened: Opened) -> None:
    async with opened() as door:
        door.sandbox.script(Fault(FaultKind.HANG_AFTER))
        call = asyncio.create_task(door.post("send_template"))
        await until(lambda: door.sandbox.ledger.total() == 1)
        await asyncio.wait_for(door.sandbox.close(), 2)
        with pytest.raises(BROKEN):
            await call


async def test_an_endless_hang_ends_when_the_client_is_gone(vendor: Door) -> None:
    vendor.sandbox.script(Fault(FaultKind.HANG_BEFORE))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(vendor.post("send_template"), 0.05)
    await vendor.session.close()
    await until(lambda: vendor.sandbox.requests.open == 0)


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(2):
        while not happened():  # noqa: ASYNC110  # the sandbox has no event for it
            await asyncio.sleep(0.001)


async def statuses(door: Door, calls: int, endpoint: str = "send_template") -> list[int]:
    seen = []
    for _ in range(calls):
        try:
            seen.append((await door.post(endpoint)).status)
        except BROKEN:
            seen.append(0)
    return seen


async def test_random_faults_follow_the_seed(opened: Opened) -> None:
    runs = []
    for seed in (1, 1, 2):
        faults = Faults(seed=seed, reset_after=0.2, server_error=0.2, cut=0.1, html=0.1, latency=(0, 0.0001))
        async with opened(faults=faults) as door:
            runs.append((await statuses(door, 40), door.sandbox.ledger.total()))
    assert runs[0] == runs[1] != runs[2]


async def test_random_faults_can_leave_reads_clean(opened: Opened) -> None:
    async with opened(faults=Faults(server_error=1.0, only_sends=True)) as door:
        assert await statuses(door, 3, "list_labels") == [200, 200, 200]
        assert 200 not in await statuses(door, 3)


async def test_half_of_the_false_answers_hide_an_accepted_send(opened: Opened) -> None:
    async with opened(faults=Faults(seed=3, html=0.5, server_error=0.5)) as door:
        await statuses(door, 100)
        assert 30 < door.sandbox.ledger.total() < 70


async def test_a_429_storm_hits_requests_in_a_row(opened: Opened) -> None:
    async with opened(faults=Faults(seed=5, too_many_requests=0.1, storm=4)) as door:
        seen = "".join("x" if status == 429 else "." for status in await statuses(door, 60))
        assert ".xxxx." in seen
        assert ".x." not in seen
        assert door.sandbox.ledger.total() == seen.count(".")


@pytest.mark.parametrize("faults", [{"cut": -0.1}, {"cut": 0.6, "hang": 0.5}])
def test_impossible_probabilities_are_refused(faults: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="probabilities"):
        Faults(**faults)  # type: ignore[arg-type]  # only floats here


async def test_random_hangs_end(opened: Opened) -> None:
    async with opened(faults=Faults(hang=1.0, hang_seconds=0.001)) as door:
        assert await statuses(door, 20) == [0] * 20
        assert 0 < door.sandbox.ledger.total() < 20


async def test_the_ledger_has_every_accepted_send_in_a_storm_of_faults(opened: Opened) -> None:
    chances = dict.fromkeys(
        ("reset_before", "reset_after_read", "reset_after", "hang", "cut", "html", "server_error"), 0.05
    )
    chances |= dict.fromkeys(("too_many_requests", "empty", "garbage", "redirect"), 0.05)
    faults = Faults(seed=7, hang_seconds=0.002, latency=(0, 0.002), storm=3, **chances)  # type: ignore[arg-type]  # floats
    async with opened(faults=faults, ledger_path=None) as door:
        answered: list[str] = []

        async def send(phone_number: str) -> None:
            with suppress(*BROKEN):
                got = await door.post("send_template", phone_number=phone_number)
                if got.status == 200 and "message_id" in got.text:
                    answered.append(phone_number)

        await asyncio.gather(*(send(f"9190000{row:05d}") for row in range(300)))
        recipients = door.sandbox.ledger.per_recipient()
        assert set(answered) < set(recipients)
        assert (len(recipients) < 300, set(recipients.values()), len(door.sandbox.requests)) == (True, {1}, 300)
        assert len(door.sandbox.requests.faults()) == 12
