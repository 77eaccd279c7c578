"""Who waits for a grant, in the order of asking, with the held back standing aside."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator
from itertools import count

from ...errors import NotDueError
from .bucket import SLACK
from .holds import LATER, Holds
from .scopes import Scope, Scopes
from .waiter import Waiter

__all__ = ["Line", "not_due"]


class Line:
    """First come, first served among those who may go; whoever waits for a scope of his own holds up nobody.

    Those who are not due in a scope stand aside, in a line of that scope, until the scope is due.

    Args:
        holds: tells when scopes are due, and for whom.
    """

    def __init__(self, holds: Holds) -> None:
        self._holds = holds
        self._due_of = holds.due
        self._front: deque[Waiter] = deque()
        self._aside: dict[Scope, deque[Waiter]] = {}
        self._asleep: list[tuple[float, int, Scope]] = []
        self._earliest: dict[Scope, float] = {}
        """Clock times before which scopes that were held are not looked at again."""
        self._awake: list[tuple[int, Scope]] = []
        self._numbers = count()
        self._gone = 0
        self.size = 0
        """How many wait."""
        self.aside = 0
        """How many of them have stood aside."""

    def append(self, waiter: Waiter) -> None:
        """Let one join at the end."""
        self._front.append(waiter)
        self.size += 1

    def leave(self, waiter: Waiter) -> None:
        """Let one go who will not wait any longer; his future is done."""
        self.size -= 1
        self.aside -= waiter.aside
        self._gone += 1
        if self._gone > 64 and self._gone > 2 * self.size:
            self._front = deque(one for one in self._front if not one.future.done())
            for scope, line in self._aside.items():
                self._aside[scope] = deque(one for one in line if not one.future.done())
            self._gone = 0

    def behind(self, scopes: Scopes) -> Iterator[tuple[Scope, int]]:
        """Tell, for each scope of a request, how many stand aside for it."""
        for scope in scopes:
            if scope is not None and (line := self._aside.get(scope)):
                yield scope, len(line)

    def first(self, now: float) -> Waiter | None:
        """Return the first who may go, without letting him go."""
        self._wake(now)
        while True:
            while self._front and self._front[0].future.done():
                self._front.popleft()
            aside = self._first_aside()
            front = self._front[0] if self._front else None
            if aside is not None and (front is None or aside.ticket < front.ticket):
                line, waiter = self._aside[self._awake[0][1]], aside
            elif front is not None:
                line, waiter = self._front, front
            else:
                return None
            blocked = self._holds.blocked_by(waiter, now)
            if blocked is None:
                return waiter
            line.popleft()
            turn = self._turn(waiter, *blocked)
            if waiter.park and turn > now + self._holds.patience(waiter, blocked[0], now):
                self._turn_away(waiter, blocked[0], turn, now)
            else:
                self._stand_aside(waiter, *blocked, now)
            if line is not self._front:
                self._to_sleep_again(now + LATER)

    def pop(self, waiter: Waiter) -> None:
        """Let go the one that `first` returned, after his grant was noted."""
        self.size -= 1
        self.aside -= waiter.aside
        if self._front and self._front[0] is waiter:
            self._front.popleft()
            return
        self._aside[self._awake[0][1]].popleft()
        self._to_sleep_again()

    def look_again(self) -> None:
        """Note that some scopes may be due earlier than they were when their lines went to sleep."""
        self._asleep = [
            (max(self._due_of(scope), self._earliest.get(scope, 0.0)), number, scope)
            for _, number, scope in self._asleep
        ]
        heapq.heapify(self._asleep)

    def next_due(self) -> float | None:
        """Return the clock time at which somebody who stands aside may be due."""
        return self._asleep[0][0] if self._asleep else None

    def any_awake(self) -> bool:
        """Tell whether somebody waits for nothing but the account, or may."""
        return bool(self._front or self._awake)

    def waiters(self) -> list[Waiter]:
        """Return all who wait."""
        lines = (self._front, *self._aside.values())
        return [waiter for line in lines for waiter in line if not waiter.future.done()]

    def _turn(self, waiter: Waiter, scope: Scope, due: float) -> float:
        """Return the clock time at which it is one's turn in a scope that he waits for from now on."""
        before = 0 if waiter.aside else len(self._aside.get(scope, ()))
        return due + before * self._holds.interval(scope)

    def _turn_away(self, waiter: Waiter, scope: Scope, due: float, now: float) -> None:
        waiter.future.set_exception(not_due(scope, due, now))
        self._holds.drop(waiter)
        self.size -= 1
        self.aside -= waiter.aside

    def _stand_aside(self, waiter: Waiter, scope: Scope, due: float, now: float) -> None:
        self._holds.drop(waiter, before=due)  # he does not come before that
        self.aside += not waiter.aside
        waiter.aside = True
        line = self._aside.get(scope)
        if line is None:
            line = self._aside[scope] = deque()
            heapq.heappush(self._asleep, (due, next(self._numbers), scope))
        if line and line[-1].ticket > waiter.ticket:  # he waited for another of his scopes before
            line.append(waiter)
            self._aside[scope] = deque(sorted(line, key=lambda one: one.ticket))
        else:
            line.append(waiter)
        if (living := self._living(scope)) is not None and living[0] is waiter:
            self._holds.keep(waiter, scope, now)

    def _wake(self, now: float) -> None:
        while self._asleep and self._asleep[0][0] <= now + SLACK:
            _, _, scope = heapq.heappop(self._asleep)
            self._earliest.pop(scope, None)
            due = self._due_of(scope)
            if due > now + SLACK:
                heapq.heappush(self._asleep, (due, next(self._numbers), scope))
            elif line := self._living(scope):
                heapq.heappush(self._awake, (line[0].ticket, scope))

    def _first_aside(self) -> Waiter | None:
        while self._awake:
            ticket, scope = self._awake[0]
            line = self._living(scope)
            if line and line[0].ticket == ticket:
                return line[0]
            heapq.heappop(self._awake)
            if line:
                heapq.heappush(self._awake, (line[0].ticket, scope))
        return None

    def _living(self, scope: Scope) -> deque[Waiter] | None:
        """Return the line of a scope without the gone at its head; an empty one is forgotten."""
        line = self._aside[scope]
        while line and line[0].future.done():
            line.popleft()
        if line:
            return line
        del self._aside[scope]
        return None

    def _to_sleep_again(self, earliest: float = 0.0) -> None:
        """Put the scope whose head has gone back to sleep until it is due again, and no shorter."""
        _, scope = heapq.heappop(self._awake)
        if self._living(scope):
            if earliest:
                self._earliest[scope] = earliest
            heapq.heappush(self._asleep, (max(self._due_of(scope), earliest), next(self._numbers), scope))


def not_due(scope: Scope, due: float, now: float) -> NotDueError:
    """Return the error that tells one who would rather come again when to do so."""
    return NotDueError(f"{scope} has no room for {due - now:.1f} s", retry_in=due - now, scope=str(scope))
