"""The one thread that writes a journal: it takes everything that waits, commits once, and wakes the waiters.

Nothing waits for a timer. While one commit reaches the disk the next batch gathers by itself, so the busier a campaign
is, the more rows share the cost of a commit.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Generic, TypeVar

from ...errors import JournalError, JournalFullError
from .place import Place
from .rows import Counts, Opened
from .run import begin_run, end_run
from .store import Store
from .transaction import transaction

__all__ = ["Operation", "Writer"]

T = TypeVar("T")

_LOGGER = logging.getLogger("wabotick_async.bulk.journal")
# A quota or a size limit arrives as a failed write. Nothing of such a commit is kept, so it may be tried again.
_FULL: Final = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE})
_BUSY: Final = sqlite3.SQLITE_BUSY
_ABOUT_A_ROW: Final = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.ProgrammingError, sqlite3.InterfaceError)


class Operation(Generic[T]):
    """One thing to do in the thread, and who waits for it. `result` and `error` are the thread's until it is done."""

    __slots__ = ("error", "future", "result", "vital", "work")

    def __init__(self, work: Callable[[Store], T], future: asyncio.Future[T], *, vital: bool) -> None:
        self.work = work
        self.future = future
        self.vital = vital
        self.result: T | None = None
        self.error: BaseException | None = None


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
        self._queue: queue.SimpleQueue[Operation[Any] | _Stop] = queue.SimpleQueue()
        self._stopped: asyncio.Future[None] | None = None
        self._full = False
        self._broken: JournalError | None = None

    def start(self, fingerprint: Mapping[str, str]) -> asyncio.Future[Opened]:
        """Open the journal in a new thread."""
        future: asyncio.Future[Opened] = self._loop.create_future()
        # A daemon: a caller who forgot to close must not keep the interpreter from ending.
        threading.Thread(target=self._main, args=(fingerprint, future), name="wabotick-journal", daemon=True).start()
        return future

    def submit(self, work: Callable[[Store], T], *, vital: bool = False) -> Operation[T]:
        """Do something in the next commit; its `future` tells when that is durable.

        Args:
            vital: also when the disk is full: results of sends, and reading.
        """
        if self._stopped is not None:
            raise JournalError("the journal is closed")
        if asyncio.get_running_loop() is not self._loop:
            raise JournalError("the journal was opened in another event loop")
        operation = Operation(work, self._loop.create_future(), vital=vital)
        self._queue.put(operation)
        return operation

    def stop(self, reason: str) -> asyncio.Future[None]:
        """Commit what waits, end the run and the thread. Calling it again waits for the same end."""
        if self._stopped is None:
            self._stopped = self._loop.create_future()
            self._queue.put(_Stop(reason, self._stopped))
        return self._stopped

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
            self._call(_settle, opening, None, _translate(exc))
            return
        self.counts = opened.counts
        self._call(_settle, opening, opened, None)
        stop = self._work(store)
        try:
            self._end(connection, opened.run, stop.reason)
        finally:
            self._call(_settle, stop.future, None, None)

    def _work(self, store: Store) -> _Stop:
        while True:
            batch, stop = self._take()
            self._commit(store, batch)
            self._call(_wake, batch)
            if stop is not None:
                return stop

    def _take(self) -> tuple[list[Operation[Any]], _Stop | None]:
        batch: list[Operation[Any]] = []
        entry = self._queue.get()
        while not isinstance(entry, _Stop):
            batch.append(entry)
            try:
                entry = self._queue.get_nowait()
            except queue.Empty:
                return batch, None
        return batch, entry

    def _commit(self, store: Store, batch: Sequence[Operation[Any]], *, retry: bool = True) -> None:
        ready = [operation for operation in batch if self._admit(operation)]
        if not ready:
            return
        before = list(store.tally)
        try:
            with transaction(store.connection):
                for operation in ready:
                    self._perform(store, operation)
        except Exception as exc:  # noqa: BLE001 - somebody waits for every operation, so none may be forgotten
            store.tally = before
            self._fail(store, ready, exc, retry=retry)
        else:
            self.counts = store.counts()

    def _admit(self, operation: Operation[Any]) -> bool:
        operation.error = self._broken
        if self._full and not operation.vital:
            operation.error = JournalFullError("the disk under the journal is full: nothing more is begun")
        return operation.error is None

    def _perform(self, store: Store, operation: Operation[Any]) -> None:
        try:
            with _savepoint(store):
                operation.result = operation.work(store)
        except _ABOUT_A_ROW as exc:
            operation.error = _translate(exc)
        except sqlite3.Error:
            raise
        except Exception as exc:  # noqa: BLE001 - whatever it is, it belongs to this one caller
            operation.error = exc

    def _fail(self, store: Store, batch: Sequence[Operation[Any]], exc: Exception, *, retry: bool) -> None:
        error = _translate(exc)
        for operation in batch:
            operation.error = error
        if isinstance(error, JournalFullError):
            self._full = True
            if retry:
                self._make_room(store)
                self._commit(store, [operation for operation in batch if operation.vital], retry=False)
        elif _code(exc) & 0xFF != _BUSY:
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


@contextlib.contextmanager
def _savepoint(store: Store) -> Iterator[None]:
    tally = list(store.tally)
    store.connection.execute("SAVEPOINT operation")
    try:
        yield
    except BaseException:
        store.tally = tally
        # A full disk may have ended the whole transaction already.
        if store.connection.in_transaction:
            store.connection.execute("ROLLBACK TO operation")
            store.connection.execute("RELEASE operation")
        raise
    store.connection.execute("RELEASE operation")


def _wake(batch: Sequence[Operation[Any]]) -> None:
    for operation in batch:
        _settle(operation.future, operation.result, operation.error)


def _settle(future: asyncio.Future[Any], result: object, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)


def _code(exc: BaseException) -> int:
    code: int = getattr(exc, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return code


def _translate(exc: BaseException) -> BaseException:
    if not isinstance(exc, sqlite3.Error):
        return exc
    if _code(exc) in _FULL:
        error: JournalError = JournalFullError(f"the disk under the journal is full or refuses to be written: {exc}")
    elif isinstance(exc, _ABOUT_A_ROW):
        error = JournalError(f"a row does not fit the journal: {exc}")
    else:
        error = JournalError(f"the journal failed, and the last change may not be stored: {exc}")
    error.__cause__ = exc
    return error
