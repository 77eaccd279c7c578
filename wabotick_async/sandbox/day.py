"""Whom a number has reached in the last 24 hours."""

from collections import OrderedDict

DAY = 24 * 3600.0
"""Seconds."""


class Day:
    """Keep the recipients of one number until 24 hours after the last message to each."""

    def __init__(self) -> None:
        self._last: OrderedDict[str, float] = OrderedDict()

    def full(self, recipient: str, now: float, quota: int) -> bool:
        """Tell whether this recipient would be one too many; forget those of more than a day ago."""
        while self._last and now - next(iter(self._last.values())) >= DAY:
            self._last.popitem(last=False)
        return recipient not in self._last and len(self._last) >= quota

    def add(self, recipient: str, now: float) -> None:
        """Note a message."""
        self._last[recipient] = now
        self._last.move_to_end(recipient)

    def __len__(self) -> int:
        return len(self._last)
