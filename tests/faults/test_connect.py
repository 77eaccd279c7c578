"""F01 to F07 and F41: no connection, so no byte left; the rows go back to the queue and leave later."""

from __future__ import annotations

import asyncio
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trustme

from tests.bulk.test_sandbox import ENVIRONMENT
from tests.faults import campaign_child
from tests.faults.proxy import Chaos
from tests.faults.stage import Stage, messages, phones, until
from tests.lanes import Lane
from tests.transport.tcp import Behaviour, Connection, serving
from tests.transport.test_pool_faults import serve_as, tls_fin, tls_hang, tls_reset
from wabotick_async import Timeout
from wabotick_async.bulk.journal import Counts
from wabotick_async.errors import NotSentError
from wabotick_async.outcomes import Outcome
from wabotick_async.transport import AttemptFinished, Event

pytestmark = pytest.mark.usefixtures("bulk_way")

ROWS = 20


class Failures:
    """An observer that counts the attempts by outcome."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []

    def __call__(self, event: Event) -> None:
        if isinstance(event, AttemptFinished):
            self.outcomes.append(event.outcome)

    @property
    def not_sent(self) -> int:
        return self.outcomes.count(Outcome.NOT_SENT)


async def outlast(stage: Stage, failures: Failures, repair: Callable[[], Awaitable[object]], **client: Any) -> None:
    """Run a campaign in an outage that is repaired after the first failures; every row must arrive, once."""
    run = asyncio.create_task(stage.run(messages(ROWS), client={"observers": [failures], **client}))
    await until(lambda: failures.not_sent >= 2)
    assert stage.delivered == 0
    await repair()
    report = await run
    assert (report.accepted, report.stopped) == (ROWS, None)
    assert set(failures.outcomes) == {Outcome.NOT_SENT, Outcome.ACCEPTED}
    assert await stage.judge(phones(ROWS)) == Counts(accepted=ROWS)


async def test_f01_dns_fails_for_a_while(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    failures = Failures()

    async def fails(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    loop = asyncio.get_running_loop()
    with monkeypatch.context() as patch:
        patch.setattr(loop, "getaddrinfo", fails)

        async def repair() -> None:
            patch.undo()

        await outlast(stage, failures, repair, url=f"http://localhost:{stage.proxy.port}")


@asynccontextmanager
async def closed_port(_: Stage) -> AsyncIterator[int]:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
    yield port


@asynccontextmanager
async def full_backlog(_: Stage) -> AsyncIterator[int]:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fill = [socket.socket() for _ in range(4)]
        for sock in fill:
            sock.setblocking(False)
            sock.connect_ex(listener.getsockname())
        try:
            yield listener.getsockname()[1]
        finally:
            for sock in fill:
                sock.close()


OUTAGES: dict[str, tuple[Callable[[Stage], Any], Timeout]] = {
    "f02 refused": (closed_port, Timeout(connect=1.0, total=2.0)),
    "f03 connect timeout": (full_backlog, Timeout(connect=0.05, total=2.0)),
    "f04 total timeout": (full_backlog, Timeout(connect=2.0, total=0.05)),
}


@pytest.mark.parametrize("name", OUTAGES)
async def test_f02_f03_f04_nobody_takes_the_connection_for_a_while(stage: Stage, name: str) -> None:
    outage, timeout = OUTAGES[name]
    await stage.proxy.close()
    async with outage(stage) as port:
        failures = Failures()
        run = asyncio.create_task(
            stage.run(
                messages(ROWS),
                client={"url": f"http://127.0.0.1:{port}", "observers": [failures], "timeout": timeout},
                patience=1e9,
            )
        )
        await until(lambda: failures.not_sent >= 2)
    assert stage.delivered == 0
    await stage.proxy.start(port)
    report = await run
    assert (report.accepted, report.stopped) == (ROWS, None)
    assert set(failures.outcomes) == {Outcome.NOT_SENT, Outcome.ACCEPTED}
    assert await stage.judge(phones(ROWS)) == Counts(accepted=ROWS)


async def test_f02_an_outage_that_lasts_ends_the_run_with_every_row_queued(stage: Stage) -> None:
    await stage.proxy.close()
    failures = Failures()
    client = {"url": stage.proxy.url, "observers": [failures]}
    report = await stage.run(messages(ROWS), client=client, patience=60.0)
    assert isinstance(stage.failure.__cause__ if stage.failure else None, NotSentError)
    assert (report.not_sent, report.rows) == (report.rows, report.rows)
    await stage.judge(phones(report.rows))
    await stage.proxy.start(stage.proxy.port)
    assert (await stage.run(messages(ROWS))).accepted == ROWS
    assert await stage.judge(phones(ROWS)) == Counts(accepted=ROWS)


async def test_f02_an_outage_of_minutes_costs_a_handful_of_attempts(stage: Stage) -> None:
    """The breaker: after the first failures one probe at a time goes out, ever later, and everything else waits."""
    await stage.proxy.close()
    failures = Failures()
    client = {"url": stage.proxy.url, "observers": [failures]}
    run = asyncio.create_task(stage.run(messages(200), client=client))
    await asyncio.sleep(180.0)
    assert 10 <= failures.not_sent < 90
    await stage.proxy.start(stage.proxy.port)
    await run
    assert await stage.judge(phones(200)) == Counts(accepted=200)


async def test_f05_a_full_pool_cannot_happen(stage: Stage) -> None:
    """More senders than connections: they wait before they claim a row, not for a connection until it times out."""
    stage.proxy.plan = lambda _: Chaos(latency=0.01)
    failures = Failures()
    client = {"concurrency": 1, "observers": [failures], "timeout": Timeout(connect=0.03, total=2.0)}
    report = await stage.run(messages(6), client=client, concurrency=3)
    assert (report.accepted, failures.not_sent) == (6, 0)
    assert stage.sandbox.requests.most_open == 1
    assert await stage.judge(phones(6)) == Counts(accepted=6)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trust(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.mark.parametrize(("name", "trusted"), [("localhost", False), ("wrong.example", True)], ids=["issuer", "name"])
async def test_f06_a_bad_certificate_ends_the_run_at_once(
    stage: Stage, authority: trustme.CA, trust: ssl.SSLContext, name: str, trusted: bool
) -> None:
    received = b""

    async def read(connection: Connection) -> None:
        nonlocal received
        received += await connection.reader.read(1)

    async with serving(read, serve_as(authority, name)) as server:
        failures = Failures()
        client = {"url": server.url, "observers": [failures], "ssl_context": trust if trusted else None}
        report = await stage.run(messages(ROWS), client=client)
    assert received == b"", "a byte left"
    assert stage.failure is not None
    assert report.not_sent == report.rows > 0
    assert failures.not_sent <= 8, "tried again"
    assert (await stage.judge(phones(report.rows))).queued == report.rows


@pytest.mark.parametrize("behave", [tls_fin, tls_reset, tls_hang])
async def test_f07_a_handshake_that_breaks_off_leaves_every_row_queued(
    stage: Stage, authority: trustme.CA, trust: ssl.SSLContext, behave: Behaviour
) -> None:
    failures = Failures()
    async with serving(behave) as server:
        url = server.url.replace("http://127.0.0.1", "https://localhost")
        client = {
            "url": url,
            "observers": [failures],
            "timeout": Timeout(connect=0.05, total=2.0),
            "ssl_context": trust,
        }
        report = await stage.run(messages(ROWS), client=client, patience=20.0)
    assert set(failures.outcomes) == {Outcome.NOT_SENT}
    assert report.not_sent == report.rows > 0
    assert (await stage.judge(phones(report.rows))).queued == report.rows


async def test_f41_no_file_descriptor_is_left_for_a_while(live_stage: Stage, lane: Lane) -> None:
    campaign = ("few-files", live_stage.proxy.url, live_stage.sandbox.token, str(live_stage.path), str(ROWS), lane)
    child = await asyncio.create_subprocess_exec(
        sys.executable, campaign_child.__file__, *campaign, env=ENVIRONMENT, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await child.communicate()
    assert child.returncode == 0
    assert int(said) > 0, "the descriptors were never used up"
    assert await live_stage.judge(phones(ROWS)) == Counts(accepted=ROWS)
