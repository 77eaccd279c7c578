"""A disk that is really full: results of what is in flight are stored, nothing else begins."""

from __future__ import annotations

import asyncio
import itertools
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from wabotick_async.bulk.journal import Finish, SQLiteJournal
from wabotick_async.errors import JournalFullError
from wabotick_async.outcomes import Outcome

from .conftest import FINGERPRINT, new_rows


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MB."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", tmp_path], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a file system is not allowed here")
    yield tmp_path
    subprocess.run(["umount", "-l", tmp_path], check=True)


def fill_disk(directory: Path, leave: int) -> None:
    with (directory / "ballast").open("wb", buffering=0) as file:
        try:
            while file.write(bytes(65_536)):
                pass
        except OSError:
            file.truncate(max(0, file.tell() - leave))


async def claim_until_full(journal: SQLiteJournal, seqs: Iterator[int]) -> list[int]:
    claimed: list[int] = []
    for seq in seqs:
        try:
            assert await journal.claim(seq)
        except JournalFullError:
            return claimed
        claimed.append(seq)
    raise AssertionError("the disk did not fill up")


async def test_results_go_into_the_reserve(small_disk: Path) -> None:
    journal = SQLiteJournal(small_disk / "journal.db")
    await journal.open(FINGERPRINT)
    seqs = iter([row.seq for row in await journal.add(new_rows(5_000))])
    in_flight = list(itertools.islice(seqs, 64))
    assert all(await asyncio.gather(*map(journal.claim, in_flight)))
    fill_disk(small_disk, 50_000)
    in_flight += await claim_until_full(journal, seqs)
    for seq in in_flight:
        await journal.finish(Finish(seq, Outcome.ACCEPTED))
    with pytest.raises(JournalFullError, match="nothing more is begun"):
        await journal.add(new_rows(1))
    await journal.close()
    (small_disk / "ballast").unlink()
    opened = await journal.open(FINGERPRINT)
    await journal.close()
    assert (opened.unknown_from_crash, opened.counts.accepted) == (0, len(in_flight))


async def test_no_space_to_begin(small_disk: Path) -> None:
    journal = SQLiteJournal(small_disk / "journal.db")
    await journal.open(FINGERPRINT)
    await journal.close()
    fill_disk(small_disk, 8_192)
    with pytest.raises(JournalFullError, match="no room for the reserve"):
        await journal.open(FINGERPRINT)
    assert "journal.db.reserve" not in os.listdir(small_disk)
