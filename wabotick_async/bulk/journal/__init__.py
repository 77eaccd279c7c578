"""The journal of a campaign: what was sent, what was not, and what nobody can know."""

from __future__ import annotations

from .base import BlockJournal, Journal
from .reader import Inspection
from .rows import KEY_LENGTH, Added, Advanced, Counts, Finish, NewRow, Opened, Requeue, Row, RowDetail, State, Stored
from .sqlite import MemoryJournal, SQLiteJournal

__all__ = [
    "KEY_LENGTH",
    "Added",
    "Advanced",
    "BlockJournal",
    "Counts",
    "Finish",
    "Inspection",
    "Journal",
    "MemoryJournal",
    "NewRow",
    "Opened",
    "Requeue",
    "Row",
    "RowDetail",
    "SQLiteJournal",
    "State",
    "Stored",
]
