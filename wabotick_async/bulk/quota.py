"""How many different recipients get a message in any 24 hours."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from typing import Final

__all__ = ["DAY", "DailyRecipients"]

DAY: Final = 86_400.0


class DailyRecipients:
    """Admit no more than so many different recipients in any moving 24 hours; those of the window are free.

    Args:
        limit: recipients.
        clock: seconds since the epoch.
    """

    def __init__(self, limit: int, *, clock: Callable[[], float]) -> None:
        self.limit = limit
        self._clock = clock
        self._written: OrderedDict[str, float] = OrderedDict()  # the oldest first
        self._on_the_way: Counter[str] = Counter()
        self._new = 0
        """How many recipients of messages on their way are not among the written."""

    def remember(self, written: Iterable[tuple[str, float]]) -> None:
        """Take over the recipients of earlier runs with the times of their last messages, the oldest first."""
        now = self._clock()
        for recipient, time in written:
            self._note(recipient, min(time, now))  # a clock that was set back must not lock anybody out for longer

    def wait_for(self, recipient: str) -> float:
        """Return the seconds until a recipient may get a message, inf until one on its way is released."""
        now = self._clock()
        self._forget(now)
        if not recipient or self._has_place(recipient) or len(self._written) + self._new < self.limit:
            return 0.0
        if self._new:
            return float("inf")  # it may turn out to be refused, which leaves its place
        return next(iter(self._written.values())) + DAY - now

    def is_new(self, recipient: str) -> bool:
        """Tell whether a recipient has no message yet, and none on its way."""
        return bool(recipient) and not self._has_place(recipient)

    def admit(self, recipient: str) -> float:
        """Give a message its place until it is `released`, or return the seconds until there is one."""
        wait = self.wait_for(recipient)
        if recipient and not wait:
            self._new += not self._has_place(recipient)
            self._on_the_way[recipient] += 1
        return wait

    def release(self, recipient: str, *, written: bool) -> None:
        """Note that a message is not on its way any more.

        Args:
            recipient: of the message.
            written: the recipient has it, or may have it.
        """
        if not recipient:
            return
        self._on_the_way[recipient] -= 1
        if not self._on_the_way[recipient]:
            del self._on_the_way[recipient]
        if written:
            self._new -= recipient not in self._written
            self._note(recipient, self._clock())
        elif not self._has_place(recipient):
            self._new -= 1

    def _has_place(self, recipient: str) -> bool:
        return recipient in self._written or recipient in self._on_the_way

    def _note(self, recipient: str, time: float) -> None:
        self._written[recipient] = time
        self._written.move_to_end(recipient)

    def _forget(self, now: float) -> None:
        while self._written:
            recipient, time = next(iter(self._written.items()))
            if time + DAY > now:
                return
            del self._written[recipient]
            self._new += recipient in self._on_the_way
