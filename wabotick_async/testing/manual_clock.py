"""A clock that moves when it is told to."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from itertools import count

__all__ = ["ManualClock"]

# Rounds of the event loop after which everybody who was woken has come to rest.
_ROUNDS = 20
# Seconds, for sums of floats that should be equal.
_SLACK = 1e-9


class _Alarm:
    """A call that is due at some time."""

    __slots__ = ("cancelled", "wake")

    def __init__(self, wake: Callable[[], object]) -> None:
        self.wake = wake
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class ManualClock:
    """Virtual seconds: give it as `clock`, `sleep` and `call_later`, and nothing ever waits for real.

    ```python
    clock = ManualClock()
    limiter = RateLimiter(10, clock=clock, call_later=clock.call_later)
    ...
    await clock.advance(0.1)
    ```

    Args:
        now: what the clock shows at first, in seconds.
        jump: True lets each sleep move the clock by itself and return at once.
    """

    def __init__(self, now: float = 1_000.0, *, jump: bool = False) -> None:
        self.now = now
        """What the clock shows, in seconds."""
        self.slept: list[float] = []
        """What each sleep asked for, in seconds."""
        self._jump = jump
        self._alarms: list[tuple[float, int, _Alarm]] = []
        self._numbers = count()

    def __call__(self) -> float:
        """Return what the clock shows."""
        return self.now

    def call_later(self, delay: float, wake: Callable[[], object]) -> _Alarm:
        """Arrange a call after some seconds, and return a handle whose `cancel` forgets it."""
        alarm = _Alarm(wake)
        heapq.heappush(self._alarms, (self.now + delay, next(self._numbers), alarm))
        return alarm

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock has moved so far."""
        self.slept.append(seconds)
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        if self._jump:
            await self.advance(seconds)
            return
        woken = asyncio.Event()
        alarm = self.call_later(seconds, woken.set)
        try:
            await woken.wait()
        finally:
            alarm.cancel()

    async def advance(self, seconds: float = 0.0) -> None:
        """Move the clock, making every call that comes due in its turn, and let all tasks go as far as they can."""
        end = self.now + seconds
        await self._settle()
        while self._alarms and self._alarms[0][0] <= end + _SLACK:
            due, _, alarm = heapq.heappop(self._alarms)
            if not alarm.cancelled:
                self.now = max(self.now, due)
                alarm.wake()
                await self._settle()
        self.now = max(self.now, end)

    @staticmethod
    async def _settle() -> None:
        for _ in range(_ROUNDS):
            await asyncio.sleep(0)

    def __repr__(self) -> str:
        alarms = sum(not alarm.cancelled for _, _, alarm in self._alarms)
        return f"ManualClock(now={self.now:g}, {alarms} calls due)"
