"""The files of a journal: who may open them, and what is refused before a row is read."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import time
from pathlib import Path
from typing import Final

from ...errors import JournalError, JournalFullError
from .blocks import KEPT_STATEMENTS
from .schema import APPLICATION_ID, empty_image

__all__ = ["RESERVE_SIZE", "JournalFiles", "check_file", "is_in_use", "sync_directory"]

RESERVE_SIZE: Final = 2 * 1024 * 1024
"""Bytes kept back for the results of what is in flight when the disk fills up.

A result committed alone writes up to three pages to the -wal, so this takes 170 of them; results committed together
need far less."""
_NETWORK: Final = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "ceph", "fuse.glusterfs", "afs"})
_LOOK: Final = 0.02
"""Seconds after which a look at the lock is over."""
_OTHERS_MAY_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH


class JournalFiles:
    """The main file, `-wal`, `.lock` and `.reserve` of one journal, owned from `acquire` to `release`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.wal = path.with_name(path.name + "-wal")
        self._reserve = path.with_name(path.name + ".reserve")
        self._lock: int | None = None
        self._main: int | None = None

    def acquire(self) -> None:
        """Become the owner of the journal; create it when it does not exist.

        Raises:
            JournalError: somebody else owns it, or the file cannot be trusted.
            JournalFullError: there is no room for the reserve.
        """
        _check_directory(self.path.parent)
        self._lock = _lock(_lock_path(self.path))
        try:
            if not os.path.lexists(self.path):
                self._create()
            # Kept open until `release`: closing any descriptor of a file drops the locks that SQLite holds on it.
            self._main = _open(self.path, os.O_RDWR)
            check_file(self.path, os.fstat(self._main))
            _check_header(self.path, os.pread(self._main, 100, 0))
            self._take_reserve()
        except BaseException:
            self.release()
            raise

    def connect(self) -> sqlite3.Connection:
        """Open the database that `acquire` has checked, for the use of one thread at a time."""
        connection = sqlite3.connect(
            self.path, isolation_level=None, check_same_thread=False, cached_statements=KEPT_STATEMENTS
        )
        if self._main is None or not os.path.samestat(os.fstat(self._main), self.path.lstat()):
            connection.close()
            raise JournalError(f"the journal {self.path} was exchanged while it was opened")
        return connection

    def free_reserve(self) -> bool:
        """Give the reserve back to the disk; tell whether there was one."""
        try:
            self._reserve.unlink()
        except OSError:
            return False
        return True

    def release(self) -> None:
        """Give up ownership; the database connection must be closed before."""
        if self._lock is None:
            return
        self.free_reserve()
        if self._main is not None:
            os.close(self._main)
            self._main = None
        # The lock file stays: unlinking it would let two later owners lock two different files of one name.
        with contextlib.suppress(OSError):
            os.ftruncate(self._lock, 0)
        os.close(self._lock)
        self._lock = None

    def _create(self) -> None:
        draft = self.path.with_name(self.path.name + ".new")
        try:
            draft.unlink(missing_ok=True)
            _write_new(draft, empty_image())
            os.link(draft, self.path)
            draft.unlink()
            sync_directory(self.path.parent)
        except OSError as exc:
            raise JournalError(f"cannot create the journal {self.path}: {exc.strerror}") from exc

    def _take_reserve(self) -> None:
        try:
            self._reserve.unlink(missing_ok=True)
            _write_new(self._reserve, os.urandom(RESERVE_SIZE))
        except OSError as exc:
            self.free_reserve()
            raise JournalFullError(f"no room for the reserve of the journal {self.path}: {exc.strerror}") from exc


def check_file(path: Path, found: os.stat_result) -> None:
    """Refuse what is not a plain file that only its owner, who is us, may write."""
    if stat.S_ISLNK(found.st_mode):
        raise JournalError(f"the journal {path} is a symbolic link")
    if not stat.S_ISREG(found.st_mode):
        raise JournalError(f"the journal {path} is not a regular file")
    if found.st_uid != os.geteuid():
        raise JournalError(f"the journal {path} belongs to another user (uid {found.st_uid})")
    if found.st_mode & _OTHERS_MAY_WRITE:
        raise JournalError(f"other users may write to the journal {path}: run chmod 600 on it")


def is_in_use(path: Path) -> bool:
    """Tell whether a process owns the journal at this moment, without getting in the way of one that opens it."""
    try:
        descriptor = os.open(_lock_path(path), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        # An owner leaves its number at once and removes it at its end, so only the lock of a dead one is ever tried.
        return os.pread(descriptor, 1, 0) != b"" and not _try_lock(descriptor)
    finally:
        os.close(descriptor)


def _check_header(path: Path, header: bytes) -> None:
    # https://www.sqlite.org/fileformat.html: magic text first, application id at offset 68.
    if header[:16] != b"SQLite format 3\0" or int.from_bytes(header[68:72], "big") != APPLICATION_ID:
        raise JournalError(f"{path} is not a campaign journal, or its header is damaged")


def _check_directory(directory: Path) -> None:
    if not directory.is_dir():
        raise JournalError(f"the directory of the journal does not exist: {directory}")
    kind = _file_system(directory)
    if kind in _NETWORK:
        raise JournalError(f"{directory} is on a network file system ({kind}), where a journal is not safe")


def _file_system(directory: Path) -> str | None:
    device = directory.stat().st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    try:
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    for line in mounts.splitlines():
        fields = line.split(" ")
        if fields[2] == wanted:
            return fields[fields.index("-") + 1]
    return None


def _lock_path(path: Path) -> Path:
    return path.with_name(path.name + ".lock")


def _lock(path: Path) -> int:
    descriptor = _open(path, os.O_RDWR | os.O_CREAT)
    try:
        locked = _try_lock(descriptor)
        if not locked:
            # `is_in_use` may have looked at this very moment; an owner keeps the lock for longer than that.
            time.sleep(_LOOK)
            locked = _try_lock(descriptor)
        if not locked:
            holder = os.pread(descriptor, 20, 0).strip()
            name = f"process {holder.decode()}" if holder.isdigit() else "another process"
            raise JournalError(f"the journal is in use by {name} (it holds {path})")
    except OSError as exc:
        os.close(descriptor)
        raise JournalError(f"cannot lock {path}: {exc.strerror}") from exc
    except BaseException:
        os.close(descriptor)
        raise
    # On a full disk the lock holds all the same, only the name of its holder is missing.
    with contextlib.suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def _try_lock(descriptor: int) -> bool:
    try:
        import fcntl  # noqa: PLC0415 - where it is missing, only journals on disk are out of reach
    except ImportError as exc:
        raise JournalError("a journal on disk needs file locks, which this system does not offer") from exc
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _open(path: Path, flags: int) -> int:
    try:
        return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as exc:
        reason = "it is a symbolic link" if path.is_symlink() else exc.strerror
        raise JournalError(f"cannot open {path}: {reason}") from exc


def _write_new(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)


def sync_directory(directory: Path) -> None:
    """Make new names in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
