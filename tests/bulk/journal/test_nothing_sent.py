"""A journal that cannot be trusted is refused before a message leaves, by another process too."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.bulk.fakes import FakeClient
from wabotick_async.bulk import BulkSender
from wabotick_async.bulk.journal import SQLiteJournal
from wabotick_async.endpoints import SendText
from wabotick_async.errors import CampaignConflictError, JournalError

from .test_files import lose_wal, make_foreign, overwrite, replace_by_link, tear_wal

EARLIER = [SendText(phone_number=f"91981235{number:04}", message="y" * 400) for number in range(200)]
MESSAGES = [SendText(phone_number=f"91981234{number:04}", message="x" * 400) for number in range(60)]
HOLD = """
import asyncio, sys
from wabotick_async.bulk.journal import SQLiteJournal
async def hold():
    await SQLiteJournal(sys.argv[1]).open({})
    print("open", flush=True)
    await asyncio.sleep(60)
asyncio.run(hold())
"""


async def dead_campaign(path: Path) -> None:
    """Leave the files of a campaign whose process was killed when 10 of 60 messages were sent, in its second run."""
    await BulkSender(FakeClient(), journal=path.with_name("living")).run(EARLIER)
    living, sender = path.with_name("living"), FakeClient(concurrency=1)
    journal = SQLiteJournal(living)
    campaign = BulkSender(sender, journal=journal)

    def copy_after_ten(_: object) -> None:
        if len(sender.wire) == 10:
            for suffix in ("", "-wal"):
                shutil.copy2(f"{living}{suffix}", f"{path}{suffix}")

    sender.on_wire = copy_after_ten
    await campaign.run(MESSAGES)


def make_writable(path: Path) -> None:
    path.chmod(0o660)


def cut_in_half(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def overwrite_header(path: Path) -> None:
    overwrite(path, 0, bytes(32))


def replace_by_another_database(path: Path) -> None:
    lose_wal(path)
    path.unlink()
    make_foreign(path)


@pytest.mark.parametrize(
    "harm",
    [make_writable, replace_by_link, replace_by_another_database, lose_wal, cut_in_half, overwrite_header],
    ids=lambda harm: harm.__name__,
)
async def test_nothing_is_sent(tmp_path: Path, client: FakeClient, harm: Callable[[Path], None]) -> None:
    await dead_campaign(tmp_path / "journal")
    harm(tmp_path / "journal")
    with pytest.raises(JournalError):
        await BulkSender(client, journal=tmp_path / "journal").run(MESSAGES)
    assert client.asked == []


async def test_nothing_is_sent_under_another_campaign(tmp_path: Path, client: FakeClient) -> None:
    await dead_campaign(tmp_path / "journal")
    with pytest.raises(CampaignConflictError, match="differs in campaign"):
        await BulkSender(client, journal=tmp_path / "journal", campaign="autumn").run(MESSAGES)
    assert client.asked == []


async def test_torn_tail_of_the_wal_is_fine(tmp_path: Path, client: FakeClient) -> None:
    await dead_campaign(tmp_path / "journal")
    tear_wal(tmp_path / "journal")
    report = await BulkSender(client, journal=tmp_path / "journal").run(MESSAGES)
    assert report.rows == 260
    # The tail holds the last commit at most: an intent that was not durable yet, so its message had not left.
    assert len(set(client.asked)) == len(client.asked)
    assert len(client.asked) in (49, 50)
    assert report.accepted + report.unknown == 260


@pytest.fixture
def first(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that has the journal open."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / "journal")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        yield process
        process.kill()


async def test_second_process_is_refused_at_once_and_let_in_after_a_kill(
    tmp_path: Path, client: FakeClient, first: subprocess.Popen[bytes]
) -> None:
    path = tmp_path / "journal"
    with pytest.raises(JournalError, match=f"in use by process {first.pid}"):
        await BulkSender(client, journal=path).run(MESSAGES)
    assert SQLiteJournal.inspect(path).in_use
    first.kill()
    first.wait(10)
    assert client.asked == []
    assert not SQLiteJournal.inspect(path).in_use
    second = SQLiteJournal(path)
    assert (await second.open({})).run == 2
    await second.close()
