"""Unknown rows are looked for in the sandbox's conversations; its ledger says whether the findings are true."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.bulk import reconcile_child
from tests.bulk.fakes import until
from tests.bulk.test_sandbox import ENVIRONMENT
from wabotick_async import (
    BulkMessage,
    BulkSender,
    ConfigurationError,
    ConversationRow,
    Finding,
    JournalError,
    Limits,
    OutcomeUnknownError,
    Page,
    ReconcileReport,
    Request,
    RetryPolicy,
    SendMedia,
    SendTemplate,
    SendText,
    ServerError,
    Timeout,
    TriggerBotFlow,
    WabotickClient,
)
from wabotick_async.bulk import SQLiteJournal
from wabotick_async.bulk.conversations import Conversations
from wabotick_async.bulk.journal import Finish, NewRow, State
from wabotick_async.outcomes import Outcome
from wabotick_async.sandbox import Fault, FaultKind, Sandbox

ADA, BOB, EVE = "919800000001", "919800000002", "919800000003"
LOST = Fault(FaultKind.RESET_BEFORE)
CUT = Fault(FaultKind.CUT, after_bytes=20)
RESET = Fault(FaultKind.RESET_AFTER)
FINE = Fault(FaultKind.LATENCY)
SENDS = ("send_text", "send_template", "send_media")


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


class World:
    """A sandbox, a client, and campaigns of one message at a time."""

    def __init__(self, sandbox: Sandbox, client: WabotickClient, clock: Clock, directory: Path) -> None:
        self.sandbox = sandbox
        self.client = client
        self.clock = clock
        self.directory = directory

    def path(self, name: str = "ours") -> Path:
        return self.directory / name

    def sender(self, name: str = "ours") -> BulkSender:
        journal = SQLiteJournal(self.path(name), clock=self.clock)
        return BulkSender(self.client, journal=journal, concurrency=1, clock=self.clock)

    async def campaign(self, messages: Iterable[Any], *faults: Fault, name: str = "ours") -> BulkSender:
        """Send messages one after the other, each with its fault."""
        self.sandbox.script(*faults)
        sender = self.sender(name)
        async for _ in sender.stream(messages):
            self.clock.now += 1.0
        return sender

    async def reconcile(self, name: str = "ours", **settings: Any) -> ReconcileReport:
        """Reconcile, and check that nothing was sent and nothing called accepted that did not arrive."""
        before = len(self.sandbox.ledger)
        report = await self.sender(name).reconcile(**settings)
        assert len(self.sandbox.ledger) == before
        arrived = self.sandbox.ledger.per_recipient()
        accepted = list(SQLiteJournal.read_rows(self.path(name), State.ACCEPTED))
        assert Counter(row.receiver for row in accepted) <= arrived
        ids = [row.message_id for row in accepted if row.message_id is not None]
        assert len(ids) == len(set(ids))
        assert {self.recipient(one) for one in ids} <= set(arrived)
        return report

    def recipient(self, message_id: str) -> str:
        entry = self.sandbox.ledger.find(message_id)
        assert entry is not None
        return entry.phone_number

    async def findings(self, name: str = "ours", **settings: Any) -> dict[int, str]:
        return {row.row: row.finding.value for row in (await self.reconcile(name, **settings)).rows}


@asynccontextmanager
async def world(path: Path, **settings: Any) -> AsyncIterator[World]:
    clock = Clock()
    settings = {"auto_window": True, "clock": clock, **settings}
    async with (
        Sandbox(**settings) as sandbox,
        WabotickClient(
            sandbox.token,
            base_url=sandbox.base_url,
            phone_number_id=sandbox.phone_number_id,
            limits=Limits(rate=10_000.0, burst=100),
            retry=RetryPolicy(attempts=1),
            timeout=Timeout(total=2.0),
        ) as client,
    ):
        yield World(sandbox, client, clock, path.parent)


@pytest.fixture(params=["vendor", "sibling"])
async def here(request: pytest.FixtureRequest, path: Path) -> AsyncIterator[World]:
    async with world(path, dialect=request.param) as one:
        yield one


def text(receiver: str, message: str = "hello") -> SendText:
    return SendText(phone_number=receiver, message=message)


def keyed(receiver: str, key: str) -> BulkMessage:
    return BulkMessage(request=text(receiver), key=key)


def template(receiver: str, code: str = "A-17") -> SendTemplate:
    return SendTemplate(phone_number=receiver, template_id="101", variables={"name": "Ada", "order-code": code})


async def test_rows_whose_answers_were_lost_are_accepted_with_their_ids(here: World) -> None:
    messages = [text(ADA), template(BOB), template(ADA), text(EVE), template(EVE)]
    await here.campaign(messages, FINE, CUT, RESET, RESET, LOST)

    assert await here.findings() == {2: "accepted", 3: "accepted", 4: "accepted", 5: "too_early"}

    rows = {row.seq: row for row in SQLiteJournal.read_rows(here.path(), State.ACCEPTED)}
    assert [rows[seq].message_id for seq in (1, 2, 3, 4)] == [one.message_id for one in here.sandbox.ledger.entries]
    assert rows[2].note is not None
    assert rows[2].note.startswith("reconciled: found in the conversation")


async def test_a_row_that_never_arrived_is_absent_after_the_delay(here: World) -> None:
    await here.campaign([template(ADA), text(BOB)], FINE, LOST)

    assert await here.findings() == {2: "too_early"}
    here.clock.now += 600
    report = await here.reconcile()
    assert (report.absent, report.accepted, report.unknown) == ((2,), 0, 1)
    assert report.counts == {Finding.ABSENT: 1}
    assert SQLiteJournal.inspect(here.path()).counts.unknown == 1


async def test_media_by_link_and_by_id(here: World) -> None:
    upload = await here.client.messages.upload_media(file=b"bytes", file_name="a.png")
    messages = [
        text(ADA),
        SendMedia(phone_number=ADA, media_id=upload.media_id, media_type="image", caption="look"),
        SendMedia(phone_number=BOB, media_url="https://example.com/a.png"),
        SendMedia(phone_number=BOB, media_url="https://example.com/b.png"),
    ]
    await here.campaign(messages, FINE, CUT, CUT, LOST)
    here.clock.now += 600

    assert await here.findings() == {2: "accepted", 3: "accepted", 4: "absent"}


async def test_a_row_that_appears_late(path: Path) -> None:
    async with world(path, show_after=300.0) as here:
        await here.campaign([text(ADA), text(BOB), text(EVE)], FINE, CUT, LOST)
        assert await here.findings() == {2: "too_early", 3: "too_early"}
        here.clock.now += 295
        assert await here.findings() == {2: "too_early", 3: "too_early"}
        here.clock.now += 10
        assert await here.findings() == {2: "accepted", 3: "too_early"}
        here.clock.now += 300
        assert await here.findings() == {3: "absent"}


@pytest.mark.parametrize(
    ("faults", "early", "late"),
    [
        ((CUT, CUT), {2: "accepted", 3: "accepted"}, {}),
        ((FINE, CUT), {3: "accepted"}, {}),
        ((CUT, FINE), {2: "accepted"}, {}),
        ((FINE, LOST), {3: "too_early"}, {3: "absent"}),
        ((LOST, FINE), {2: "too_early"}, {2: "absent"}),
        ((CUT, LOST), {2: "too_early", 3: "too_early"}, {2: "ambiguous", 3: "ambiguous"}),
        ((LOST, LOST), {2: "too_early", 3: "too_early"}, {2: "absent", 3: "absent"}),
    ],
)
async def test_one_text_twice_to_one_person(
    here: World, faults: tuple[Fault, ...], early: dict[int, str], late: dict[int, str]
) -> None:
    await here.campaign([text(BOB), keyed(ADA, "1"), keyed(ADA, "2")], FINE, *faults)

    assert await here.findings() == early
    here.clock.now += 600
    assert await here.findings() == late


@pytest.mark.parametrize(
    ("ours", "theirs", "alone", "together"),
    [
        (CUT, FINE, "ambiguous", "accepted"),
        (CUT, CUT, "ambiguous", "ambiguous"),
        (CUT, LOST, "accepted", "ambiguous"),
        (LOST, LOST, "absent", "absent"),
    ],
)
async def test_two_campaigns_to_one_person(here: World, ours: Fault, theirs: Fault, alone: str, together: str) -> None:
    await here.campaign([text(BOB), text(ADA)], FINE, ours)
    await here.campaign([text(ADA)], theirs, name="theirs")
    here.clock.now += 600

    assert await here.findings(others=[here.path("theirs")]) == {2: together}
    assert await here.findings() == ({2: alone} if together != "accepted" else {})


async def test_the_message_of_another_campaign_is_not_ours(here: World) -> None:
    await here.campaign([text(BOB), text(ADA)], FINE, LOST)
    await here.campaign([text(ADA)], FINE, name="theirs")
    here.clock.now += 600

    assert await here.findings(others=[here.path("theirs")]) == {2: "absent"}


async def test_without_its_journal_nobody_can_tell(here: World) -> None:
    """The known limit: one content, one person, one minute, and no word about the other campaign."""
    await here.campaign([text(BOB), text(ADA)], FINE, LOST)
    await here.campaign([text(ADA)], FINE, name="theirs")

    assert await here.findings() == {2: "accepted"}


async def test_a_message_that_came_after_it_was_sent_again_belongs_to_no_other_row(path: Path) -> None:
    async with world(path, show_after=700.0) as here:
        await here.campaign([text(BOB), keyed(ADA, "1")], FINE, CUT)
        here.clock.now += 600
        assert await here.findings(utc_offset=0.0) == {2: "absent"}
        await here.sender().resend_unknown([2], "Ann")
        await here.campaign([keyed(ADA, "2")], LOST)  # takes up row 2 as well
        here.clock.now += 1_000
        assert "accepted" not in (await here.findings(utc_offset=0.0)).values()


@pytest.mark.parametrize("pause", [-100, 100])
async def test_nor_is_one_that_was_sent_at_another_time(here: World, pause: int) -> None:
    first, second = ("theirs", "ours") if pause < 0 else ("ours", "theirs")
    faults = {"ours": (LOST, FINE), "theirs": (FINE, FINE)}
    for name in (first, second):
        await here.campaign([text(ADA), text(BOB, name)], *faults[name], name=name)
        here.clock.now += abs(pause)
    here.clock.now += 600

    assert await here.findings() == {1: "absent" if pause < 0 else "ambiguous"}


async def test_two_campaigns_with_different_texts_do_not_meet(here: World) -> None:
    await here.campaign([template(BOB), template(ADA, "A-1")], FINE, CUT)
    await here.campaign([template(ADA, "A-2"), text(ADA)], CUT, FINE, name="theirs")

    assert await here.findings() == {2: "accepted"}


@pytest.mark.parametrize("fault", [LOST, CUT])
async def test_beside_a_template_that_was_accepted_without_an_id(here: World, fault: Fault) -> None:
    without_id = "919800990003"
    twice = [BulkMessage(request=template(without_id), key=key) for key in "12"]
    await here.campaign([text(ADA), *twice], FINE, FINE, fault)
    here.clock.now += 600

    assert await here.findings() == {3: "accepted" if fault is CUT else "absent"}


@pytest.mark.parametrize("hours", [5.5, -8.0])
async def test_a_server_with_a_clock_of_another_zone(path: Path, hours: float) -> None:
    clock = Clock()
    async with world(path, clock=lambda: clock.now + hours * 3600) as here:
        here.clock = clock
        await here.campaign([text(ADA), text(BOB), text(EVE)], FINE, CUT, LOST)
        clock.now += 600
        assert await here.findings() == {2: "accepted", 3: "absent"}


async def test_without_an_accepted_row_somebody_must_say_the_offset(path: Path) -> None:
    clock = Clock()
    async with world(path, clock=lambda: clock.now + 19_800) as here:
        here.clock = clock
        await here.campaign([text(BOB), text(EVE)], CUT, LOST)
        clock.now += 600
        assert await here.findings() == {1: "no_clock", 2: "absent"}
        assert await here.findings(utc_offset=0.0) == {1: "ambiguous", 2: "absent"}
        assert await here.findings(utc_offset=19_800.0) == {1: "accepted", 2: "absent"}


async def test_what_leaves_no_message_cannot_be_told(here: World) -> None:
    flow = TriggerBotFlow(phone_number=ADA, bot_flow_unique_id="5lvomLOuENXIe6D")
    await here.campaign([flow], CUT)

    report = await here.reconcile()

    assert [(row.row, row.receiver, row.finding) for row in report.rows] == [(1, ADA, Finding.CANNOT_TELL)]
    assert report.rows[0].note == "trigger_bot_flow leaves no message that could be recognised"


async def put_row(here: World, request: bytes | None, finish: Finish) -> None:
    """Store a row of a dead run by hand."""
    sender = here.sender()
    journal = sender.journal
    await journal.open(sender._fingerprint)
    payload = b'{"phone_number":"%s","message":"hello"}' % ADA.encode() if request is None else request
    await journal.add([NewRow(b"k" * 16, ADA, "send_text", payload)])
    await journal.claim(1)
    await journal.finish(finish)
    await journal.close()


async def test_a_row_that_cannot_be_read_cannot_be_told(here: World) -> None:
    await put_row(here, b"{}", Finish(1, Outcome.UNKNOWN))

    assert await here.findings() == {1: "cannot_tell"}


async def test_a_row_whose_id_is_known_is_asked_for_by_it(here: World) -> None:
    receipt = await here.client.messages.send_text(phone_number=ADA, message="hello")
    await put_row(here, None, Finish(1, Outcome.UNKNOWN, message_id=receipt.message_id))

    report = await here.reconcile()

    assert [(row.finding, row.message_id) for row in report.rows] == [(Finding.ACCEPTED, receipt.message_id)]
    assert report.rows[0].note == "known to the platform, status sent"


async def test_an_id_that_the_platform_does_not_know_is_no_proof(here: World) -> None:
    await put_row(here, None, Finish(1, Outcome.UNKNOWN, message_id="wamid.none=="))

    assert await here.findings() == {1: "too_early"}


async def test_a_long_conversation_is_read_to_its_end_or_not_at_all(here: World) -> None:
    await here.campaign([text(BOB), text(ADA)], FINE, CUT)
    for _ in range(100):
        here.sandbox.receive(ADA, "again")

    assert await here.findings(pages=2) == {2: "unread"}
    assert await here.findings(pages=3) == {2: "accepted"}


async def test_each_sending_number_has_its_own_conversation(here: World) -> None:
    other = SendText(phone_number=ADA, message="hello", phone_number_id="100000000000002")
    await here.campaign([text(BOB), other, text(ADA)], FINE, FINE, CUT)

    assert await here.findings() == {3: "accepted"}


class OnePage:
    """A server that has one page and serves it for ever."""

    async def send(self, request: Request[Any], **_: object) -> Any:
        return Page([ConversationRow(id=str(number)) for number in range(50)], page=1, limit=50)


async def test_a_server_that_repeats_its_page_was_not_read_whole() -> None:
    conversation = await Conversations(OnePage(), pages=9).read(("", ADA))

    assert conversation is not None
    assert (len(conversation.rows), conversation.complete) == (50, False)


async def test_a_row_of_a_lost_wal_may_have_been_sent_at_any_time(here: World) -> None:
    lost = here.path("lost")
    running = here.sender()
    await running.journal.open(running._fingerprint)
    lost.write_bytes(here.path().read_bytes())
    lost.chmod(0o600)
    await running.journal.close()
    journal = SQLiteJournal(lost, accept_lost_wal=True, clock=here.clock)
    sender = BulkSender(here.client, journal=journal, clock=here.clock)
    await sender.run([text(ADA), text(BOB)])

    report = await sender.reconcile()

    assert [row.finding for row in report.rows] == [Finding.CANNOT_TELL] * 2
    assert here.sandbox.ledger.total() == 0


async def test_a_conversation_that_cannot_be_read_leaves_its_rows(here: World) -> None:
    await here.campaign([text(EVE), text(ADA), text(BOB)], FINE, CUT, CUT)
    here.sandbox.script(FINE, Fault(FaultKind.SERVER_ERROR, endpoint="get_conversation"))

    assert sorted((await here.findings()).values()) == ["accepted", "unread"]


async def test_a_template_that_is_gone(here: World) -> None:
    await here.campaign([text(ADA), template(BOB)], FINE, CUT)
    del here.sandbox.state.templates[101]

    assert await here.findings() == {2: "unread"}


async def test_a_template_list_that_cannot_be_read(here: World) -> None:
    await here.campaign([text(ADA), template(BOB)], FINE, CUT)
    here.sandbox.script(Fault(FaultKind.SERVER_ERROR, endpoint="list_templates"))

    assert await here.findings() == {2: "unread"}


@pytest.mark.parametrize(
    ("fault", "error"), [(Fault(FaultKind.SERVER_ERROR, times=9), ServerError), (RESET, OutcomeUnknownError)]
)
async def test_a_platform_that_cannot_be_read_ends_it(here: World, fault: Fault, error: type[Exception]) -> None:
    await here.campaign([text(ADA), text(BOB), text(EVE)], CUT, CUT, CUT)
    here.sandbox.script(fault)
    with pytest.raises(error):
        await here.sender().reconcile(utc_offset=0)

    assert SQLiteJournal.inspect(here.path()).open_run is None
    assert SQLiteJournal.inspect(here.path()).counts.unknown == 3


async def test_nothing_unknown_asks_nothing(here: World) -> None:
    await here.campaign([text(ADA)])
    before = len(here.sandbox.requests)

    assert (await here.reconcile()).rows == ()
    assert len(here.sandbox.requests) == before


async def test_another_journal_that_is_not_there(here: World) -> None:
    await here.campaign([text(ADA)], CUT)

    with pytest.raises(JournalError):
        await here.sender().reconcile(others=[here.path("gone")])


@pytest.mark.parametrize(
    "settings", [{"settle_after": -1}, {"slack": float("nan")}, {"pages": 0}, {"utc_offset": 60_000.0}]
)
async def test_impossible_settings(here: World, settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        await here.sender().reconcile(**settings)


async def test_absent_rows_are_sent_again_by_explicit_word_only(here: World) -> None:
    await here.campaign([text(ADA), text(BOB), text(EVE)], FINE, LOST, CUT)
    here.clock.now += 600
    report = await here.reconcile()

    assert await here.sender().resend_unknown(report.absent, "Ann looked") == 1
    assert (await here.sender().resume()).accepted == 3
    assert here.sandbox.ledger.per_recipient() == {ADA: 1, BOB: 1, EVE: 1}
    assert await here.sender().resend_unknown([], "nothing to decide") == 0
    [entry] = SQLiteJournal.inspect(here.path()).resends
    assert "Ann looked" in entry


@pytest.mark.parametrize(("rows", "reason"), [([1, 2], "Ann"), ([1], " ")])
async def test_a_slip_sends_nothing_again(here: World, rows: list[int], reason: str) -> None:
    await here.campaign([text(ADA), text(BOB)], LOST, LOST)

    with pytest.raises(ConfigurationError):
        await here.sender().resend_unknown(rows, reason, at_most=1)
    assert SQLiteJournal.inspect(here.path()).counts.unknown == 2


@pytest.mark.usefixtures("real_time")
async def test_killed_in_the_middle_it_repeats_reads_only(path: Path) -> None:
    async with world(path, dialect="sibling") as here:
        receivers = [f"9198000001{number:02}" for number in range(30)]
        await here.campaign([text(ADA), *map(text, receivers)], FINE, *[CUT, LOST, FINE] * 10)
        here.clock.now += 600
        here.sandbox.script(Fault(FaultKind.HANG_BEFORE, endpoint="get_conversation", nth=12))
        arguments = (here.sandbox.base_url, here.sandbox.token, str(path.parent / "ours"), str(here.clock.now))
        child = await asyncio.create_subprocess_exec(
            sys.executable, reconcile_child.__file__, *arguments, env=ENVIRONMENT
        )
        await until(lambda: here.sandbox.requests.total("get_conversation") == 12)
        child.kill()
        await child.wait()
        settled = SQLiteJournal.inspect(here.path()).counts.accepted - 11
        assert 0 < settled < 10
        report = await here.reconcile()
        assert Counter(report.counts) == {Finding.ACCEPTED: 10 - settled, Finding.ABSENT: 10}
