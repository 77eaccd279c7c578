"""Whoever writes a journal: one thread that takes all operations that wait, commits once, and wakes the waiters.

While one commit reaches the disk the next batch gathers by itself, so the busier a campaign is, the more rows share the
cost of a commit. A batch is handed over when the one before is done and everybody whom it woke had a turn: what they
ask for next belongs to it. Where many messages are in flight it may wait for company, see `gathering`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from ...errors import JournalError, JournalFullError
from .batch import code_of, commit, translate
from .gathering import Gathering
from .operations import Operation, Work
from .place import Place
from .rows import Counts, Opened
from .run import begin_run, end_run
from .store import Store

__all__ = ["Writer"]

T = TypeVar("T")
AnyOperation = TypeVar("AnyOperation", bound=Operation[Any])  # of each its own result

_LOGGER = logging.getLogger("wabotick_async.bulk.journal")
_BUSY: Final = sqlite3.SQLITE_BUSY


class _Stop:
    def __init__(self, reason: str, future: asyncio.Future[None]) -> None:
        self.reason = reason
        self.future = future


class Writer:
    """Owns the connection of a journal from `start` to `stop`."""

    def __init__(self, place: Place, clock: Callable[[], float]) -> None:
        self.counts = Counts()
        """As last committed."""
        self._place = place
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._gathering: Gathering[Operation[Any]] = Gathering(
            self._hand_over,
            in_flight=(lambda: 0) if place.quick else (lambda: self.counts.in_flight),
            soon=self._loop.call_soon,
            later=self._loop.call_later,
        )
        self._queue: queue.SimpleQueue[tuple[list[Operation[Any]], _Stop | None]] = queue.SimpleQueue()
        self._store: Store | None = None
        """Set when the journal is open."""
        self._stopped: asyncio.Future[None] | None = None
        self._full = False
        self._broken: JournalError | None = None

    @property
    def is_stopping(self) -> bool:
        """Tell whether it was told to stop."""
        return self._stopped is not None

    def start(self, fingerprint: Mapping[str, str]) -> asyncio.Future[Opened]:
        """Open the journal in a new thread."""
        future: asyncio.Future[Opened] = self._loop.create_future()
        # A daemon: a caller who forgot to close must not keep the interpreter from ending.
        threading.Thread(target=self._main, args=(fingerprint, future), name="wabotick-journal", daemon=True).start()
        return future

    def submit(self, work: Callable[[Store], T], *, vital: bool = False) -> Operation[T]:
        """Do something in the next commit.

        Args:
            vital: also when the disk is full: results of sends, and reading.
        """
        return self.put(Work(work, vital=vital))

    def put_all(self, operations: Sequence[Operation[Any]]) -> asyncio.Future[Any]:
        """Do operations in the next commit; all of them have the same future, which speaks for the first."""
        self._check()
        future = self._loop.create_future()
        for operation in operations:
            operation.future = future
        self._gathering.add(*operations)
        return future

    def put(self, operation: AnyOperation) -> AnyOperation:
        """Do an operation in the next commit; its `future` tells when that is durable."""
        self._check()
        operation.future = self._loop.create_future()
        self._gathering.add(operation)
        return operation

    def _check(self) -> None:
        if self._stopped is not None:
            raise JournalError("the journal is closed")
        # Asking which loop runs here would ask the system for the process each time.
        if threading.get_ident() != self._thread or not self._loop.is_running():
            raise JournalError("the journal was opened in another event loop")

    def stop(self, reason: str) -> asyncio.Future[None]:
        """Commit what waits, end the run and the thread. Calling it again waits for the same end."""
        if self._stopped is None:
            self._stopped = self._loop.create_future()
            self._queue.put((self._gathering.take(), _Stop(reason, self._stopped)))
        return self._stopped

    def _hand_over(self, batch: list[Operation[Any]]) -> None:
        store = self._store
        if self._place.quick and store is not None and all(operation.brief for operation in batch):
            # Another thread would cost more than the work. It sleeps: no batch is on its way.
            try:
                self._commit(store, batch)
            finally:
                self._done(batch)
        else:
            self._queue.put((batch, None))

    def _done(self, batch: Sequence[Operation[Any]]) -> None:
        for operation in batch:
            future = operation.future
            if future.done():
                continue
            if operation.error is None:
                future.set_result(operation.result)
            else:
                future.set_exception(operation.error)
        self._gathering.back()

    def _main(self, fingerprint: Mapping[str, str], opening: asyncio.Future[Opened]) -> None:
        try:
            connection = self._place.connect()
        except BaseException as exc:  # noqa: BLE001 - a thread has nobody else to tell
            self._call(_settle, opening, None, exc)
            return
        try:
            opened = begin_run(connection, fingerprint, self._clock, wal_lost=self._place.wal_lost)
            store = Store(connection, opened.run, self._clock)
        except BaseException as exc:  # noqa: BLE001 - as above
            self._place.release(connection)
            self._call(_settle, opening, None, translate(exc))
            return
        self.counts = opened.counts
        self._store = store
        self._call(_settle, opening, opened, None)
        stop = self._work(store)
        try:
            self._end(connection, opened.run, stop.reason)
        finally:
            self._call(_settle, stop.future, None, None)

    def _work(self, store: Store) -> _Stop:
        while True:
            batch, stop = self._queue.get()
            self._commit(store, batch)
            self._call(self._done, batch)
            if stop is not None:
                return stop

    def _commit(self, store: Store, batch: Sequence[Operation[Any]], *, retry: bool = True) -> None:
        ready = batch
        if self._broken is not None or self._full:
            ready = [operation for operation in batch if self._admit(operation)]
        if not ready:
            return
        before = store.mark()
        try:
            commit(store, ready)
        except BaseException as exc:
            # Somebody waits for every operation, so none may be forgotten.
            store.restore(before)
            self._fail(store, ready, exc, retry=retry)
            if not isinstance(exc, Exception):
                raise
        else:
            self.counts = store.counts()

    def _admit(self, operation: Operation[Any]) -> bool:
        operation.error = self._broken
        if self._full and not operation.vital:
            operation.error = JournalFullError("the disk under the journal is full: nothing more is begun")
        return operation.error is None

    def _fail(self, store: Store, batch: Sequence[Operation[Any]], exc: BaseException, *, retry: bool) -> None:
        error = translate(exc) if isinstance(exc, Exception) else JournalError(f"the journal failed: {exc!r}")
        for operation in batch:
            operation.error = error
        if isinstance(error, JournalFullError):
            self._full = True
            if retry:
                self._make_room(store)
                self._commit(store, [operation for operation in batch if operation.vital], retry=False)
        elif code_of(exc) & 0xFF != _BUSY:
            # After a failed flush the system may claim that the next one worked: nothing this file says is durable now.
            self._broken = error if isinstance(error, JournalError) else JournalError(f"the journal failed: {error!r}")

    def _make_room(self, store: Store) -> None:
        if self._place.free_reserve():
            return
        # The reserve is used up. Moving the -wal into the main file may still help, or may take the last free bytes.
        with contextlib.suppress(sqlite3.Error):
            store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _end(self, connection: sqlite3.Connection, run: int, reason: str) -> None:
        self._place.free_reserve()
        try:
            if self._broken is None:
                end_run(connection, run, self._clock(), reason)
        except sqlite3.Error as exc:
            _LOGGER.warning("journal not ended cleanly, the next run checks it: %s", exc)
        finally:
            self._place.release(connection)

    def _call(self, function: Callable[..., None], *args: object) -> None:
        try:
            self._loop.call_soon_threadsafe(function, *args)
        except RuntimeError:
            _LOGGER.warning("the event loop ended before the journal was closed")


def _settle(future: asyncio.Future[Any], result: object, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
