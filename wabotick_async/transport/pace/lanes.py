"""Two lanes before one limiter: who is urgent overtakes, and nobody starves."""

from __future__ import annotations

from typing import Final

from .holds import Holds
from .line import Line
from .scoped import ScopedLimits
from .waiter import Waiter
from .window import Window

__all__ = ["Lanes"]

_URGENT_IN_A_ROW: Final = 4
"""Urgent grants after which one of the others goes, where somebody waits who might."""


class Lanes:
    """The line of the urgent and the line of the others.

    Args:
        limits: of the scopes.
    """

    def __init__(self, limits: ScopedLimits) -> None:
        self.holds = Holds(limits)
        self.urgent = Line(self.holds)
        self.others = Line(self.holds)
        self._in_a_row = 0
        self._overtaken: Waiter | None = None
        """The first of the others whom they overtook: when he goes, nobody has waited for long."""
        self._others_turn = False

    @property
    def size(self) -> int:
        """Return how many wait."""
        return self.urgent.size + self.others.size

    def line_of(self, waiter: Waiter) -> Line:
        """Return the line in which one waits."""
        return self.urgent if waiter.urgent else self.others

    def waiters(self) -> list[Waiter]:
        """Return all who wait, the urgent first."""
        return [*self.urgent.waiters(), *self.others.waiters()]

    def ahead(self, *, urgent: bool) -> int:
        """Return how many would go before a newcomer; who stands aside for his own scope is not counted."""
        ahead = self.urgent.size - self.urgent.aside
        return ahead if urgent else ahead + self.others.size - self.others.aside

    def leave(self, waiter: Waiter) -> None:
        """Let one go who will not wait any longer; his future is done."""
        self.line_of(waiter).leave(waiter)
        self.holds.drop(waiter)

    def pop(self, waiter: Waiter) -> None:
        """Let go the one that `next` returned, after his grant was noted."""
        self.line_of(waiter).pop(waiter)
        self.holds.drop(waiter)

    def look_again(self) -> None:
        """Note that some scopes may be due earlier than was thought."""
        self.holds.freed = False
        self.urgent.look_again()
        self.others.look_again()

    def next(self, now: float, window: Window | None) -> Waiter | None:
        """Return who may go next, without letting him go."""
        self._see_what_is_free()
        if window is not None and not window.has_room(urgent=bool(self.urgent.size)):
            return None
        urgent = self.urgent.first(now) if self.urgent.size else None
        other = self.others.first(now) if self.others.size else None
        self._others_turn = False
        if other is None:
            return urgent
        if urgent is not None and self._in_a_row < _URGENT_IN_A_ROW:
            if not self._in_a_row:
                self._overtaken = other
            self._in_a_row += 1
            return urgent
        if not self._has_room(self.others, window):
            self._others_turn = urgent is not None  # they leave their reserve alone until he has gone
            return None
        if urgent is not None or other is self._overtaken:
            self._in_a_row, self._overtaken = 0, None
        return other

    def wake_at(self, window: Window | None) -> float | None:
        """Return the clock time at which somebody may go as far as his scopes are concerned, 0 for at once."""
        self._see_what_is_free()
        dues: list[float] = []
        for line in (self.urgent, self.others):
            if line.size and self._has_room(line, window):
                due = None if line.any_awake() else line.next_due()
                dues.append(0.0 if due is None else due)
        return min(dues, default=None)

    def _see_what_is_free(self) -> None:
        if self.holds.freed:  # in either line somebody may sleep for it
            self.look_again()

    def _has_room(self, line: Line, window: Window | None) -> bool:
        reserve = line is self.urgent and not (self._others_turn and self.others.size)
        return window is None or window.has_room(urgent=reserve)
