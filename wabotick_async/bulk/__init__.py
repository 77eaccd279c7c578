"""Send many messages, and know what became of each."""

from .client import BulkClient
from .journal import Journal, MemoryJournal, RowDetail, SQLiteJournal, State
from .matching import Finding
from .message import BulkMessage
from .progress import BulkProgress
from .reconcile import ReconciledRow, ReconcileReport
from .result import BulkResult
from .sender import BulkSender

__all__ = [
    "BulkClient",
    "BulkMessage",
    "BulkProgress",
    "BulkResult",
    "BulkSender",
    "Finding",
    "Journal",
    "MemoryJournal",
    "ReconcileReport",
    "ReconciledRow",
    "RowDetail",
    "SQLiteJournal",
    "State",
]
