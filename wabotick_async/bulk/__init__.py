"""Send many messages, and know what became of each."""

from .journal import Journal, MemoryJournal, RowDetail, SQLiteJournal, State
from .message import BulkMessage
from .progress import BulkProgress
from .result import BulkResult
from .sender import BulkClient, BulkSender

__all__ = [
    "BulkClient",
    "BulkMessage",
    "BulkProgress",
    "BulkResult",
    "BulkSender",
    "Journal",
    "MemoryJournal",
    "RowDetail",
    "SQLiteJournal",
    "State",
]
