"""Do many operations in one transaction: together where they agree, one by one where one of them does not fit."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any, Final

from ...errors import JournalError, JournalFullError
from .operations import Adding, Bearing, Claiming, Finishing, Operation, Requeuing
from .rows import Finish
from .store import Store
from .transaction import transaction

__all__ = ["code_of", "commit", "translate"]

# A quota or a size limit arrives as a failed write. Nothing of such a commit is kept, so it may be tried again.
_FULL: Final = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE})
_ABOUT_A_ROW: Final = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.ProgrammingError, sqlite3.InterfaceError)


def commit(store: Store, batch: Sequence[Operation[Any]]) -> None:  # Any: of each its own result
    """Do the operations in one transaction; where one fails, its error is beside it, and the others are done.

    Raises:
        sqlite3.Error: the database failed, and with it every operation.
    """
    if all(operation.brief for operation in batch) and _commit_together(store, batch):
        return
    with transaction(store.connection):
        for operation in batch:
            _do_alone(store, operation)
        store.keys.prepare()
    store.keys.committed()


def _commit_together(store: Store, batch: Sequence[Operation[Any]]) -> bool:
    """Commit all operations, or none of them and tell so.

    They are done in groups: rows are added and put back, then finished, then claimed. An order that makes a difference
    is one in which a row is named twice. Then one of the groups finds a row in another state than it needs, and nothing
    is done.
    """
    claims: list[Claiming] = []
    finishes: list[Finish] = []
    mark = store.mark()
    try:
        with transaction(store.connection):
            for operation in batch:
                if isinstance(operation, Claiming):
                    claims.append(operation)
                elif isinstance(operation, Finishing):
                    finishes.append(operation.finish)
                elif isinstance(operation, Adding):
                    operation.result = store.add_all(operation.rows)
                elif isinstance(operation, Bearing):
                    operation.result = store.bear_all(operation.rows)
                elif isinstance(operation, Requeuing):
                    operation.do(store)
            store.finish_all(finishes)
            store.claim_all([claim.seq for claim in claims])
            store.keys.prepare()
    except _ABOUT_A_ROW:
        store.restore(mark)
        return False
    except sqlite3.Error:
        raise
    except Exception:  # noqa: BLE001 - whatever it is, it belongs to one of them and comes up again there
        store.restore(mark)
        return False
    store.keys.committed()
    for claim in claims:
        claim.result = True
    return True


def _do_alone(store: Store, operation: Operation[Any]) -> None:
    try:
        with _savepoint(store):
            operation.result = operation.do(store)
    except _ABOUT_A_ROW as exc:
        operation.error = translate(exc)
    except sqlite3.Error:
        raise
    except Exception as exc:  # noqa: BLE001 - whatever it is, it belongs to this one caller
        operation.error = exc


@contextlib.contextmanager
def _savepoint(store: Store) -> Iterator[None]:
    mark = store.mark()
    store.connection.execute("SAVEPOINT operation")
    try:
        yield
    except BaseException:
        store.restore(mark)
        # A full disk may have ended the whole transaction already.
        if store.connection.in_transaction:
            store.connection.execute("ROLLBACK TO operation")
            store.connection.execute("RELEASE operation")
        raise
    store.connection.execute("RELEASE operation")


def code_of(exc: BaseException) -> int:
    """Return SQLite's extended code of an error."""
    code: int = getattr(exc, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return code


def translate(exc: BaseException) -> BaseException:
    """Make an error of SQLite one of the journal's."""
    if not isinstance(exc, sqlite3.Error):
        return exc
    if code_of(exc) in _FULL:
        error: JournalError = JournalFullError(f"the disk under the journal is full or refuses to be written: {exc}")
    elif isinstance(exc, _ABOUT_A_ROW):
        error = JournalError(f"a row does not fit the journal: {exc}")
    else:
        error = JournalError(f"the journal failed, and the last change may not be stored: {exc}")
    error.__cause__ = exc
    return error
