"""The ledger, in memory and in its file."""

import asyncio
import signal
import sys
from pathlib import Path

import aiohttp
import pytest

from tests.sandbox.conftest import Clock, Opened
from tests.sandbox.door import FORMS, JSON, PATHS, PHONE, Door
from wabotick_async.sandbox import TOKEN, Ledger, LedgerEntry


def entry(time: float, phone_number: str = PHONE, digest: str = "d") -> LedgerEntry:
    return LedgerEntry(time, "send_text", "1", phone_number, f"wamid.{time}==", digest, {})


def ledger_of(*entries: LedgerEntry) -> Ledger:
    ledger = Ledger()
    for one in entries:
        ledger.append(one)
    return ledger


def test_the_worst_second_slides() -> None:
    assert ledger_of(*(entry(time) for time in (0.0, 0.9, 1.0, 1.5, 1.8, 3.0))).worst_second() == 4


def test_two_sends_a_second_apart_are_not_in_one_second() -> None:
    assert ledger_of(entry(0.0), entry(1.0)).worst_second() == 1


def test_the_worst_second_of_nothing_is_zero() -> None:
    assert Ledger().worst_second() == 0


def test_repeated_needs_the_same_person_and_the_same_content() -> None:
    ledger = ledger_of(entry(1), entry(2, digest="e"), entry(3, "2"), entry(4))
    assert (ledger.repeated(), ledger.per_recipient()) == ({(PHONE, "d"): 2}, {PHONE: 3, "2": 1})


def test_totals_and_statuses() -> None:
    ledger = ledger_of(entry(1.0))
    assert (ledger.total(), ledger.total("send_text"), ledger.total("send_media"), len(ledger)) == (1, 1, 0, 1)
    assert (ledger.status_of("wamid.1.0=="), ledger.status_of("?")) == ("read", None)


async def test_reads_and_refusals_are_not_in_it(vendor: Door) -> None:
    await vendor.post("list_labels")
    await vendor.post("send_template", template_id="9")
    await vendor.post("add_note")
    assert vendor.sandbox.ledger.total() == 0


async def test_an_entry_has_the_form_without_the_token(vendor: Door, clock: Clock) -> None:
    got = await vendor.post("send_template")
    one = vendor.sandbox.ledger.entries[0]
    assert (one.time, one.endpoint, one.phone_number, one.phone_number_id) == (
        clock.now,
        "send_template",
        PHONE,
        "100000000000001",
    )
    assert one.message_id == got.body["data"]["message_id"]
    assert (one.fields["templateVariable-name-1"], "apiToken" in one.fields) == ("Asha", False)


async def test_the_digest_is_of_the_content_not_of_the_person(vendor: Door) -> None:
    await vendor.post("send_template")
    await vendor.post("send_template", phone_number="919000000077")
    await vendor.post("send_template", **{"templateVariable-name-1": "Bo"})
    first, second, third = (one.digest for one in vendor.sandbox.ledger.entries)
    assert (first == second, first == third) == (True, False)


async def test_the_file_is_readable_while_it_is_written(opened: Opened, tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    async with opened(ledger_path=path) as door:
        await door.post("send_template")
        assert Ledger.read(path).entries == door.sandbox.ledger.entries


def test_an_unfinished_line_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    ledger = Ledger(path)
    ledger.append(entry(1))
    ledger.close()
    with path.open("ab") as file:
        file.write(b'{"time":2')
    assert Ledger.read(path).total() == 1


async def test_a_second_sandbox_goes_on_with_the_file(opened: Opened, tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    for _ in range(2):
        async with opened(ledger_path=path) as door:
            await door.post("send_template")
    assert len({one.message_id for one in Ledger.read(path).entries}) == 2


SERVE = """
import asyncio, sys
from pathlib import Path
from wabotick_async.sandbox import Sandbox

async def main():
    async with Sandbox(ledger_path=Path(sys.argv[1])) as sandbox:
        print(sandbox.base_url, flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.mark.usefixtures("real_time")
async def test_the_file_survives_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVE, str(path), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    base_url = (await process.stdout.readline()).decode().strip()
    answered = 0
    async with aiohttp.ClientSession(headers=JSON) as session:
        for _ in range(20):
            form = {"apiToken": TOKEN, **FORMS["send_template"]}
            async with session.post(f"{base_url}/api/v1{PATHS['send_template']}", data=form) as answer:
                answered += answer.status == 200
        process.send_signal(signal.SIGKILL)
    await process.wait()
    assert Ledger.read(path).total() == answered == 20
