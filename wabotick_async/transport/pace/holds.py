"""Several narrow scopes at once: whoever waits for the quicker one keeps the slower one meanwhile."""

from __future__ import annotations

from typing import Final, NamedTuple

from .bucket import SLACK
from .scoped import ScopedLimits
from .scopes import Scope
from .waiter import Waiter

__all__ = ["LATER", "Holds"]

_GRANTS: Final = 4
"""Grants of the quicker scope after which the slower one is given up: it pauses, or others overtake."""
LATER: Final = 0.01
"""Seconds after which a held scope is looked at again at the earliest."""


class _Hold(NamedTuple):
    waiter: Waiter
    awaited: Scope
    latest: float
    """Clock time after which it counts no more."""


class Holds:
    """Keeps scopes that are due for those who wait only for quicker ones.

    Without it, two busy scopes out of step would each be taken by others whenever the one is due and the other is not,
    and a request in both would starve. A scope is kept only while waiting for a quicker one, so there is no circle of
    waiters, and it costs the slower scope no more than the quicker one's interval.

    Args:
        limits: tells when scopes are due.
    """

    def __init__(self, limits: ScopedLimits) -> None:
        self._limits = limits
        self._held: dict[Scope, _Hold] = {}
        self.freed = False
        """Whether something that was kept is free since the lines looked last."""

    def due(self, scope: Scope) -> float:
        """Return the clock time of a scope's next grant to those who do not hold it."""
        due, hold = self._limits.due(scope), self._of(scope)
        return due if hold is None else max(due, self._limits.due(hold.awaited))

    def interval(self, scope: Scope) -> float:
        """Return the seconds from one grant of a scope to the next, 0 without a limit."""
        return self._limits.interval(scope)

    def blocked_by(self, waiter: Waiter, now: float) -> tuple[Scope, float] | None:
        """Return the scope of a waiter that is due last, and when, or None where he may have all of his."""
        worst = self._limits.blocked_by(waiter.scopes, now)
        if self._held:
            for scope in waiter.scopes:
                if scope is not None and (hold := self._of(scope)) is not None and hold.waiter is not waiter:
                    due = max(self.due(scope), now + LATER)
                    worst = (scope, due) if worst is None or due > worst[1] else worst
        return worst

    def keep(self, waiter: Waiter, awaited: Scope, now: float) -> None:
        """Keep for the first who waits for a scope those of his that are due and slower."""
        interval = self._limits.interval(awaited)
        due = self._limits.due(awaited)
        if due > now + interval + SLACK:  # it pauses
            return
        for scope in waiter.scopes:
            if scope is None or not self._limits.slower(scope, awaited):
                continue
            hold = self._of(scope)
            if (hold is None or hold.waiter is waiter) and self._limits.due(scope) <= now + SLACK:
                self._held[scope] = _Hold(waiter, awaited, due + _GRANTS * interval)

    def patience(self, waiter: Waiter, awaited: Scope, now: float) -> float:
        """Return for how many seconds one who would rather come again waits for a scope all the same."""
        return self._limits.patience(waiter.scopes, awaited, now)

    def drop(self, waiter: Waiter, *, before: float = float("inf")) -> None:
        """Give up what is kept for one.

        Args:
            waiter: for whom.
            before: only what was to be kept to no later than this.
        """
        kept = [scope for scope, hold in self._held.items() if hold.waiter is waiter and hold.latest < before]
        for scope in kept:
            del self._held[scope]
            self.freed = True

    def _of(self, scope: Scope) -> _Hold | None:
        hold = self._held.get(scope)
        if hold is None:
            return None
        if self._limits.due(hold.awaited) > hold.latest or not self._limits.slower(scope, hold.awaited):
            del self._held[scope]  # it pauses, or a rate has changed since, and there might be a circle
            self.freed = True
            return None
        return hold
