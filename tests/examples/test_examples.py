"""Each example runs as it is, in a process of its own, and does what it says."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from tests.examples.conftest import PICTURE, ROOT, Run, environment
from wabotick_async.sandbox import Fault, FaultKind, Sandbox

ANN, BOB, EVE = "919800000001", "919800000002", "919800000003"
PEOPLE = f"phone_number,name,order-code\n{ANN},Ann,A-1\n{BOB},Bob,B-2\n{EVE},Eve,E-3\n"


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.py")), ids=lambda path: path.stem)
def test_an_example_is_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) < 40


async def test_first_send(run: Run, sandbox: Sandbox) -> None:
    ended = await run("examples/first_send.py", ANN, sandbox.template_id, "name=Ada", "order-code=A=17")

    (entry,) = sandbox.ledger.entries
    assert (ended.code, ended.output) == (0, f"accepted: {entry.message_id}\nstatus: sent\n")
    assert entry.fields["templateVariable-order-code-2"] == "A=17"


async def test_first_send_says_that_it_does_not_know(run: Run, sandbox: Sandbox) -> None:
    sandbox.script(Fault(FaultKind.RESET_AFTER))

    ended = await run("examples/first_send.py", ANN, sandbox.template_id)

    assert ended.code == 1
    assert ended.errors.startswith("unknown: send_template: ")


async def test_campaign_from_csv(run: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(PEOPLE)

    ended = await run("examples/campaign_from_csv.py", "people.csv", sandbox.template_id)

    assert ended.output.startswith("3 rows: BulkReport(accepted=3, refused=0, unknown=0, not_sent=0, skipped=0,")
    assert sandbox.ledger.per_recipient() == {ANN: 1, BOB: 1, EVE: 1}


async def test_campaign_from_csv_names_the_unknown_and_sends_nobody_twice(
    run: Run, sandbox: Sandbox, tmp_path: Path
) -> None:
    (tmp_path / "people.csv").write_text(PEOPLE)
    sandbox.script(Fault(FaultKind.RESET_AFTER, nth=2))

    for _ in range(2):
        ended = await run("examples/campaign_from_csv.py", "people.csv", sandbox.template_id)

        assert "accepted=2, refused=0, unknown=1, not_sent=0, skipped=0," in ended.output
        assert ended.output.splitlines()[1].startswith("unknown: row ")
    assert sandbox.ledger.per_recipient() == {ANN: 1, BOB: 1, EVE: 1}


async def test_campaign_from_csv_tells_nobody_twice_after_an_edit(run: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    for name in ("Ann", "Anne"):
        (tmp_path / "people.csv").write_text(PEOPLE.replace("Ann", name))
        await run("examples/campaign_from_csv.py", "people.csv", sandbox.template_id)

    assert sandbox.ledger.per_recipient() == {ANN: 1, BOB: 1, EVE: 1}


async def test_campaign_from_csv_stops_on_ctrl_c_and_goes_on(run: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    numbers = [f"9198000001{number:02}" for number in range(20)]
    (tmp_path / "people.csv").write_text("phone_number,name,order-code\n" + "".join(f"{one},A,B\n" for one in numbers))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(ROOT / "examples/campaign_from_csv.py"), "people.csv", sandbox.template_id),
        cwd=tmp_path,
        env=environment(sandbox),
        stdout=asyncio.subprocess.PIPE,
    )
    while not sandbox.ledger.entries:  # noqa: ASYNC110 - a ledger tells nobody
        await asyncio.sleep(0.01)

    process.send_signal(signal.SIGINT)
    output, _ = await process.communicate()

    assert process.returncode == 0
    assert b"not_sent=0," not in output
    ended = await run("examples/campaign_from_csv.py", "people.csv", sandbox.template_id)
    assert "accepted=20, refused=0, unknown=0, not_sent=0" in ended.output
    assert sandbox.ledger.per_recipient() == dict.fromkeys(numbers, 1)


async def test_campaign_from_csv_finds_a_bad_row_first(run: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(PEOPLE + "0123,Zoe,Z-1\n")

    ended = await run("examples/campaign_from_csv.py", "people.csv", sandbox.template_id)

    assert (ended.code, sandbox.ledger.total()) == (1, 0)
    assert "phone_number: expected 7 to 15 digits" in ended.errors


async def test_media_campaign_uploads_once_a_run_and_sends_once(run: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "menu.png").write_bytes(PICTURE)

    for _ in range(2):
        ended = await run("examples/media_campaign.py", "menu.png", "Today", stdin=f"{ANN}\n\n{BOB}\n")

        assert "accepted=2, refused=0, unknown=0, not_sent=0, skipped=0" in ended.output
    assert sandbox.ledger.per_recipient() == {ANN: 1, BOB: 1}
    assert {entry.fields["media_caption_text"] for entry in sandbox.ledger.entries} == {"Today"}


async def test_notification_worker_ends_with_its_input(run: Run, sandbox: Sandbox) -> None:
    sandbox.script(Fault(FaultKind.RESET_AFTER, nth=2))

    ended = await run("examples/notification_worker.py", stdin=f"{ANN} A-1\n{BOB} B-2\n0123 C-3\n")

    outcomes = sorted(line.replace(":", "").split()[1] for line in ended.output.splitlines())
    assert (ended.code, outcomes) == (0, ["accepted", "not_sent", "unknown"])
    assert sandbox.ledger.per_recipient() == {ANN: 1, BOB: 1}


async def test_notification_worker_stops_gracefully(sandbox: Sandbox) -> None:
    sandbox.script(Fault(FaultKind.LATENCY, seconds=0.2))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(ROOT / "examples/notification_worker.py"),
        env=environment(sandbox),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{ANN} A-1\n{BOB} B-2\n".encode())
    first = await process.stdout.readline()  # the other order is on its way by now

    process.send_signal(signal.SIGTERM)

    assert first + await process.stdout.read() != b""
    assert await process.wait() == 0
    assert sandbox.ledger.per_recipient() == {ANN: 1, BOB: 1}


async def test_own_endpoint(run: Run) -> None:
    body = b'{"status":"1","message":{"0":{"id":7,"name":"Welcome","unique_id":"5lvom"}}}'
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    requests = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await reader.readuntil(b"\r\n"))
        writer.write(head + body)
        await reader.read()  # until the client closes the connection
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        ended = await run("examples/own_endpoint.py", WABOTICK_BASE_URL=f"http://127.0.0.1:{port}")

    assert ended.output == "7 Welcome {'unique_id': '5lvom'}\n1 flows, HTTP 200\n"
    assert requests == [b"POST /api/v1/whatsapp/get/bot-flow-list HTTP/1.1\r\n"]


async def test_an_example_without_settings_says_what_it_needs(run: Run) -> None:
    ended = await run("examples/own_endpoint.py", WABOTICK_API_TOKEN="")

    assert (ended.code, "WABOTICK_API_TOKEN is not set" in ended.errors) == (1, True)
