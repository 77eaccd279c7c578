"""Rows that wait for their turn without holding anything: by due time, one lane for each scope that has no room."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from itertools import count
from typing import Any, Final, NamedTuple

import anyio

from ..endpoints import Request
from ..transport.pace import Scope

__all__ = ["Parked", "Parking"]

_AT_ONCE: Final = {"recipient": 1}
"""Rows of a lane that are tried at a time: one to a recipient keeps their order."""
_AT_ONCE_ELSE: Final = 4
_NEVER: Final = float("inf")
_SHORTEST: Final = 0.01
# Seconds that sums of floats may be wrong by.
_SLACK: Final = 1e-6


class Parked(NamedTuple):
    """A parked row."""

    seq: int
    returns: int
    """How often it came back to the queue."""
    request: Request[Any] | None
    """None where it was dropped to save memory; the journal has it."""


class _Lane:
    """The rows that wait for one scope."""

    __slots__ = ("at_once", "due", "firm", "left", "rows", "scope", "trying")

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.at_once = _AT_ONCE.get(scope.kind, _AT_ONCE_ELSE)
        self.due = 0.0
        self.firm = 0.0
        """Clock time before which the platform wants nothing."""
        self.rows: list[Parked] = []
        self.trying = 0
        self.left = False
        """Whether rows of it were left in the journal for lack of room."""

    @property
    def may_try(self) -> bool:
        return bool(self.rows) and self.trying < self.at_once


class Parking:
    """Parked rows of a campaign. Whatever is done to one costs the logarithm of their number.

    Rows of a scope that has no room wait behind each other, and only the first few of them are tried when it is due:
    the next ones follow as these leave, and nothing is asked a thousand times in vain. A row whose scope has such a
    lane joins it unasked.

    Args:
        clock: monotonic seconds.
        sleep: waits some seconds.
        most: rows at most. One lane takes no more than what is free then, so that no scope takes up all the room.
        keep: rows whose request is kept, too; of the others only the number.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        most: int = 20_000,
        keep: int = 1_000,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._most = most
        self._keep = keep
        self._kept = 0
        self._lanes: dict[Scope, _Lane] = {}
        self._trying: dict[int, _Lane] = {}
        self._agenda: list[tuple[float, int, _Lane]] = []
        self._numbers = count()
        self._parked: set[int] = set()
        self._by_kind: Counter[str] = Counter()
        self._nap: anyio.CancelScope | None = None
        self.left = False
        """Whether a row was left in the journal for lack of room."""
        self.hungry = False
        """Whether a lane that left rows in the journal has none any more, and there is much room."""

    def __len__(self) -> int:
        return len(self._parked)

    def __contains__(self, seq: int) -> bool:
        return seq in self._parked

    @property
    def by_kind(self) -> dict[str, int]:
        """Return how many rows wait, by the kind of scope that they wait for."""
        return dict(+self._by_kind)

    @property
    def due_in(self) -> float | None:
        """Return the seconds until the first row is due, or None where none has a time."""
        due = self._next_due()
        return None if due is None or due == _NEVER else max(0.0, due - self._clock())

    @property
    def has_lanes(self) -> bool:
        """Tell whether any scope has rows that wait for it."""
        return bool(self._lanes)

    def has_lane(self, scopes: Iterable[Scope | None]) -> bool:
        """Tell whether rows wait for one of these scopes."""
        return any(scope in self._lanes for scope in scopes if scope is not None)

    def join(self, parked: Parked, scopes: Iterable[Scope | None]) -> bool:
        """Put a row behind those that wait for one of its scopes; False where none waits.

        A row for which there is no room stays in the journal.
        """
        for scope in scopes:
            if scope is not None and (lane := self._lanes.get(scope)) is not None:
                self._add(lane, parked)
                return True
        return False

    def park(self, parked: Parked, scope: Scope, wait: float, *, firm: bool = False) -> None:
        """Let a row wait, and with it all others of its scope, which has no room for so many seconds.

        Args:
            parked: the row.
            scope: what has no room.
            wait: seconds; inf until it is woken.
            firm: the platform said so. Otherwise it is the turn of this row, and another's may be sooner.
        """
        lane = self._lanes.get(scope) or _Lane(scope)
        if not self._add(lane, parked) and not lane.rows:
            return
        self._lanes[scope] = lane
        now = self._clock()
        due = now + max(wait, _SHORTEST)
        if firm:
            lane.firm = max(lane.firm, due)
        lane.due = max(lane.firm, min(lane.due, due) if lane.due > now + _SLACK else due)
        self._plan(lane)

    def wake(self, scope: Scope) -> None:
        """Let the first rows of a scope be tried now."""
        if (lane := self._lanes.get(scope)) is not None:
            lane.due = min(lane.due, max(lane.firm, self._clock()))
            self._plan(lane)

    def ended(self, seq: int) -> None:
        """Note that a row that was tried has got its grant, or has not: the next of its lane may be tried."""
        lane = self._trying.pop(seq, None) if self._trying else None
        if lane is None:
            return
        lane.trying -= 1
        if lane.rows:
            self._plan(lane)
        elif not lane.trying:
            del self._lanes[lane.scope]
            self.hungry = self.hungry or (lane.left and len(self) <= self._most * 7 // 8)

    async def wait(self) -> None:
        """Wait until a row is due."""
        while (due := self._next_due()) is None or due > self._clock() + _SLACK:
            with anyio.CancelScope() as self._nap:
                await (self._sleep(due - self._clock()) if due is not None and due < _NEVER else anyio.sleep_forever())
            self._nap = None

    def take(self) -> Parked | None:
        """Take the first row that is due; whoever tries it says when that has `ended`."""
        due = self._next_due()
        if due is None or due > self._clock() + _SLACK:
            return None
        _, _, lane = heapq.heappop(self._agenda)
        parked = heapq.heappop(lane.rows)
        self._parked.discard(parked.seq)
        self._by_kind[lane.scope.kind] -= 1
        self._kept -= parked.request is not None
        lane.trying += 1
        self._trying[parked.seq] = lane
        self._plan(lane)
        return parked

    def clear(self) -> None:
        """Forget all rows; they are queued in the journal."""
        self._lanes.clear()
        self._trying.clear()
        self._agenda.clear()
        self._parked.clear()
        self._by_kind.clear()
        self._kept = 0

    def _add(self, lane: _Lane, parked: Parked) -> bool:
        if len(lane.rows) >= self._most - len(self):
            self.left = lane.left = True
            return False
        if parked.request is not None and self._kept >= self._keep:
            parked = parked._replace(request=None)
        self._kept += parked.request is not None
        self._parked.add(parked.seq)
        self._by_kind[lane.scope.kind] += 1
        heapq.heappush(lane.rows, parked)
        if len(lane.rows) == 1 and self._lanes.get(lane.scope) is lane:  # with more it is on the agenda already
            self._plan(lane)
        return True

    def _plan(self, lane: _Lane) -> None:
        """Put the next trial of a lane on the agenda."""
        if not lane.may_try:
            return
        heapq.heappush(self._agenda, (lane.due, next(self._numbers), lane))
        if self._nap is not None and self._agenda[0][2] is lane:
            self._nap.cancel()

    def _next_due(self) -> float | None:
        """Return the clock time of the next trial, past entries that were overtaken."""
        while self._agenda:
            due, _, lane = self._agenda[0]
            if lane.may_try and lane.due <= due:
                return due
            heapq.heappop(self._agenda)
            if lane.may_try and lane.due > due:
                self._plan(lane)
        return None
