"""What the writer is asked to do, each with the one who waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

from .rows import Finish, NewRow, Requeue, Stored
from .store import Store

__all__ = ["Adding", "Bearing", "Claiming", "Finishing", "Operation", "Requeuing", "Work"]

T = TypeVar("T")

_FEW: Final = 256
"""Rows that are stored faster than another thread is woken often enough to matter."""


class Operation(Generic[T]):
    """One thing to do, all of it or nothing. `result` and `error` are the writer's until it is done."""

    __slots__ = ("error", "future", "result")

    future: asyncio.Future[T]
    """Tells when the change is durable."""
    result: T | None
    error: BaseException | None
    vital: bool
    """Also when the disk is full: results of sends, and reading."""
    brief: bool
    """Its time does not grow with the journal."""

    def do(self, store: Store) -> T:
        """Do it alone, inside a savepoint."""
        raise NotImplementedError


class Claiming(Operation[bool]):
    """Mark a queued row in flight."""

    __slots__ = ("seq",)
    vital = False
    brief = True

    def __init__(self, seq: int) -> None:
        self.seq = seq
        self.result = self.error = None

    def do(self, store: Store) -> bool:
        """Claim the row; False where it is not queued."""
        return store.claim(self.seq)


class Finishing(Operation[None]):
    """Store what became of a claimed row."""

    __slots__ = ("finish",)
    vital = True
    brief = True

    def __init__(self, finish: Finish) -> None:
        self.finish = finish
        self.result = self.error = None

    def do(self, store: Store) -> None:
        """Finish the row."""
        store.finish(self.finish)


class Requeuing(Operation[None]):
    """Put a claimed row back."""

    __slots__ = ("requeue",)
    vital = True
    brief = True

    def __init__(self, requeue: Requeue) -> None:
        self.requeue = requeue
        self.result = self.error = None

    def do(self, store: Store) -> None:
        """Put the row back."""
        store.requeue(self.requeue.seq, self.requeue.not_before)


class Adding(Operation[list[Stored]]):
    """Store rows of the source."""

    __slots__ = ("brief", "rows")
    vital = False

    def __init__(self, rows: Sequence[NewRow]) -> None:
        self.rows = rows
        self.brief = len(rows) <= _FEW
        self.result = self.error = None

    def do(self, store: Store) -> list[Stored]:
        """Add the rows."""
        return store.add(self.rows)


class Bearing(Operation[list[Stored]]):
    """Store rows of the source as claimed."""

    __slots__ = ("brief", "rows")
    vital = False

    def __init__(self, rows: Sequence[NewRow]) -> None:
        self.rows = rows
        self.brief = len(rows) <= _FEW
        self.result = self.error = None

    def do(self, store: Store) -> list[Stored]:
        """Add the rows and claim those that are new."""
        return store.bear(self.rows)


class Work(Operation[T]):
    """Anything else."""

    __slots__ = ("vital", "work")
    brief = False

    def __init__(self, work: Callable[[Store], T], *, vital: bool) -> None:
        self.work = work
        self.vital = vital
        self.result = self.error = None

    def do(self, store: Store) -> T:
        """Do the work."""
        return self.work(store)
