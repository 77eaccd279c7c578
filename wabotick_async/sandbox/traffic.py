"""Everything the sandbox received, refused requests included."""

from collections import Counter
from typing import NamedTuple

from .ledger import worst_second


class Received(NamedTuple):
    """Hold one request and what it got."""

    time: float
    endpoint: str
    """Endpoint name, or the path when there is no such endpoint."""
    status: int
    """HTTP status answered; 0 when the connection was cut instead, or nothing was answered yet."""
    fault: str | None
    """The kind of fault that was played, if any."""


class Traffic:
    """Count the requests; the admin paths do not count."""

    def __init__(self) -> None:
        self.entries: list[Received] = []
        self.open = 0
        """Requests being answered at this moment."""
        self.most_open = 0
        """The largest number of requests in flight at one moment."""

    def __len__(self) -> int:
        return len(self.entries)

    def arrive(self, time: float, endpoint: str) -> int:
        """Write a request down and return its ticket."""
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        self.entries.append(Received(time, endpoint, 0, None))
        return len(self.entries) - 1

    def leave(self, ticket: int, status: int, fault: str | None) -> None:
        """Note what a request got."""
        self.open -= 1
        self.entries[ticket] = self.entries[ticket]._replace(status=status, fault=fault)

    def total(self, endpoint: str | None = None) -> int:
        """Count the requests, of one endpoint or of all."""
        return sum(1 for entry in self.entries if endpoint in (None, entry.endpoint))

    def statuses(self) -> Counter[int]:
        """Count the requests of each HTTP status answered (0: connection cut)."""
        return Counter(entry.status for entry in self.entries)

    def faults(self) -> Counter[str]:
        """Count the faults played, by kind."""
        return Counter(entry.fault for entry in self.entries if entry.fault is not None)

    def worst_second(self, endpoint: str | None = None) -> int:
        """Return the largest number of requests received in any second."""
        return worst_second(entry.time for entry in self.entries if endpoint in (None, entry.endpoint))
