"""Which cases there are, and which of them a question is asked of. The yardstick comes first."""

from __future__ import annotations

from typing import Final

from benchmarks.cases.base import Case
from benchmarks.cases.floor import BARE, WITH_ROWS
from benchmarks.cases.lanes import LANES
from benchmarks.cases.ours import bulk_in_memory, bulk_in_sqlite, bulk_with_everything, client_send
from benchmarks.cases.peers import PEERS
from benchmarks.cases.plain import HTTPX, NAIVE, WORKERS

__all__ = ["ALL", "FEW", "named"]

_OURS: Final = (client_send, bulk_in_memory, bulk_in_sqlite, bulk_with_everything)
ALL: Final = (NAIVE, WORKERS, *(of(lane) for lane in LANES for of in _OURS), *PEERS, HTTPX, BARE, WITH_ROWS)
FEW: Final = (NAIVE, *(of(lane) for lane in LANES for of in (client_send, bulk_in_sqlite)))
"""For the questions that are asked at several concurrencies, or with TLS."""
_BY_NAME: Final = {case.name: case for case in ALL}


def named(name: str) -> Case:
    """Return a case by its name: a process is told names, not cases."""
    return _BY_NAME[name]
