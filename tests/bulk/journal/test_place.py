"""Odd systems and bad moments: what a journal on disk does where files do not behave."""

from __future__ import annotations

import builtins
import errno
import fcntl
import os
import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from wabotick_async.bulk.journal import SQLiteJournal, files, place
from wabotick_async.bulk.journal.files import JournalFiles
from wabotick_async.errors import JournalError

from .conftest import FINGERPRINT
from .test_files import fill, refused


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def failing(error: OSError) -> Callable[..., Any]:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


async def test_file_that_is_exchanged_while_it_is_opened(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(path)
    real = JournalFiles._take_reserve

    def exchange(self: JournalFiles) -> None:
        real(self)
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content)
        path.chmod(0o600)

    monkeypatch.setattr(JournalFiles, "_take_reserve", exchange)
    await refused(path, "was exchanged while it was opened")
    assert not SQLiteJournal.inspect(path).in_use


async def test_file_that_cannot_be_created(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", failing(OSError(errno.EPERM, "Operation not permitted")))
    await refused(path, "cannot create the journal .*Operation not permitted")
    assert not path.exists()


async def test_pipe_in_its_place(path: Path) -> None:
    os.mkfifo(path, 0o600)
    await refused(path, "not a regular file")


async def test_pipe_is_not_read_either(path: Path) -> None:
    os.mkfifo(path, 0o600)
    with pytest.raises(JournalError, match="not a regular file"):
        SQLiteJournal.inspect(path)


async def test_link_is_not_read_either(path: Path) -> None:
    await fill(path)
    path.with_name("link").symlink_to(path)
    with pytest.raises(JournalError, match="is a symbolic link"):
        SQLiteJournal.inspect(path.with_name("link"))


async def test_directory_that_cannot_be_entered(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(path)
    monkeypatch.setattr(Path, "lstat", failing(OSError(errno.EACCES, "Permission denied")))
    with pytest.raises(JournalError, match=r"cannot read the journal .*Permission denied"):
        SQLiteJournal.inspect(path)


async def test_lock_that_the_file_system_does_not_have(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcntl, "flock", failing(OSError(errno.ENOLCK, "No locks available")))
    await refused(path, "cannot lock .*No locks available")


async def test_system_without_locks(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "fcntl":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    await refused(path, "needs file locks")


async def test_system_that_does_not_list_its_mounts(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_text", failing(OSError(errno.ENOENT, "No such file")))
    assert files._file_system(path.parent) is None
    await fill(path)


def test_file_system_that_is_not_in_the_list(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: "1 0 999:999 / / rw - ext4 /dev/x rw\n")
    assert files._file_system(path.parent) is None


def test_release_without_a_lock(path: Path) -> None:
    journal = JournalFiles(path)
    journal.release()
    assert list(path.parent.iterdir()) == []


async def test_file_system_that_holds_no_write_ahead_log(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(path)

    class Stubborn(sqlite3.Connection):
        def execute(self, sql: str, /, *rest: Any) -> sqlite3.Cursor:
            return super().execute(sql.replace("journal_mode=WAL", "journal_mode=DELETE"), *rest)

    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Stubborn))
    await refused(path, "cannot hold a write-ahead log")


def test_broken_connection_has_not_ended_its_run() -> None:
    connection = sqlite3.connect(":memory:")
    assert place._is_ended(connection) is False
    connection.close()


async def test_reader_that_is_in_the_way_for_long(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = SQLiteJournal(path)
    await first.open(FINGERPRINT)
    reader = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None)
    reader.execute("BEGIN").execute("SELECT count(*) FROM run").fetchall()
    await first._do(lambda store: store.connection.execute("PRAGMA busy_timeout=1").fetchall())
    await first.close()
    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, timeout=0.01))
    await refused(path, "reading the journal for long")
    reader.close()
    assert (await first.open(FINGERPRINT)).resumed
    await first.close()
