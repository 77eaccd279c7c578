"""Which fault the next request gets: the script first, then a running storm, then chance."""

import random
from collections import deque
from collections.abc import Iterable

from .contract import SENDS
from .faults import Fault, Faults


class _Turn:
    """Hold a scripted fault and what is left of it."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.pass_by = fault.nth - 1
        self.left = fault.times


class FaultPlan:
    """Decide the fault of each request."""

    def __init__(self, faults: Faults | None = None) -> None:
        self._faults = faults
        self._dice = random.Random(0 if faults is None else faults.seed)  # noqa: S311  # repeatable on purpose
        self._script: deque[_Turn] = deque()
        self._storm: Fault | None = None
        self._storm_left = 0

    def add(self, faults: Iterable[Fault]) -> None:
        """Append faults to the script."""
        self._script.extend(_Turn(fault) for fault in faults)

    @property
    def waiting(self) -> int:
        """Count the scripted faults that were not played out yet."""
        return len(self._script)

    def next(self, endpoint: str) -> tuple[Fault | None, float]:
        """Return the fault (or none) of a request to this endpoint, and its latency in seconds."""
        scripted = self._scripted(endpoint)
        if scripted is not None:
            return scripted, 0.0
        if self._faults is None or (self._faults.only_sends and endpoint not in SENDS):
            return None, 0.0
        fault, latency = self._faults.draw(self._dice)
        if self._storm_left:
            self._storm_left -= 1
            return self._storm, latency
        if fault is not None and fault.times > 1:
            self._storm, self._storm_left = fault, fault.times - 1
        return fault, latency

    def _scripted(self, endpoint: str) -> Fault | None:
        for turn in self._script:
            if turn.fault.endpoint not in (None, endpoint):
                continue
            if turn.pass_by:
                turn.pass_by -= 1
                return None
            turn.left -= 1
            if turn.left <= 0:
                self._script.remove(turn)
            return turn.fault
        return None
