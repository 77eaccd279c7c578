"""The live view of a running campaign."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Final

from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ..bulk import BulkProgress
from ..transport import Limiter, RateLimiter
from .terminal import plain, say, stderr

__all__ = ["Pace", "describe", "show_progress"]

_LIVE_STEP: Final = 0.1
_PLAIN_STEP: Final = 10.0
_SPAN: Final = 5.0
_WHOSE: Final = {"recipient": "pair", "day": "daily"}
"""What people call a limit, where its scope has another name."""


class Pace:
    """Messages a second over the last seconds, and the time that the rest takes at this pace."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._notes: deque[tuple[float, int]] = deque()

    def note(self, done: int) -> None:
        """Note how many messages are done by now."""
        now = self._clock()
        self._notes.append((now, done))
        while now - self._notes[0][0] > _SPAN and len(self._notes) > 2:
            self._notes.popleft()

    @property
    def rate(self) -> float:
        """Messages a second, 0 before there is anything to measure."""
        if len(self._notes) < 2:
            return 0.0
        (begin, before), (end, after) = self._notes[0], self._notes[-1]
        return (after - before) / (end - begin) if end > begin else 0.0

    def left(self, messages: int) -> str:
        """Return the time for so many messages as `minutes:seconds`, `-` where it cannot be told."""
        if self.rate <= 0:
            return "-"
        return _minutes(messages / self.rate)


def describe(progress: BulkProgress, total: int, pace: Pace, limiter: Limiter) -> str:
    """Return the state of a campaign on one line."""
    done = progress.known + progress.done
    return "  ".join(
        (
            f"{done:,} of {total:,}",
            f"{pace.rate:.0f}/s",
            f"accepted {progress.accepted:,}",
            f"refused {progress.refused:,}",
            f"unknown {progress.unknown:,}",
            f"waiting {progress.waiting + progress.in_flight:,}",
            *_parked(progress),
            f"ETA {pace.left(total - done)}",
            f"({_awaited(progress, limiter)})",
        )
    )


def _minutes(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes}:{seconds:02}"


def _parked(progress: BulkProgress) -> Iterator[str]:
    """Tell whose turn parked messages wait for, and when the first of them is due."""
    if progress.parked:
        turns = [f"{_WHOSE.get(kind, kind)} {number:,}" for kind, number in progress.parked_for.items()]
        due = () if progress.parked_due is None else (f"first in {_minutes(progress.parked_due)}",)
        yield f"parked {progress.parked:,} ({', '.join((*turns, *due))})"


def _awaited(progress: BulkProgress, limiter: Limiter) -> str:
    if progress.stopping is not None:
        return f"finishing the {progress.in_flight} in flight"
    if isinstance(limiter, RateLimiter) and (awaited := limiter.waiting_for()):
        return plain(awaited)
    if progress.in_flight:
        return "answers"
    return "the turns of those parked" if progress.parked and not progress.waiting else "the next message"


@contextlib.asynccontextmanager
async def show_progress(snapshot: Callable[[], BulkProgress], total: int, limiter: Limiter) -> AsyncIterator[None]:
    """Show how a campaign stands while the block runs: a live bar on a terminal, now and then a line elsewhere."""
    console = stderr()
    pace = Pace()

    def line() -> str:
        progress = snapshot()
        pace.note(progress.known + progress.done)
        return describe(progress, total, pace, limiter)

    def bar() -> Table:
        progress = snapshot()
        rows = Table.grid(expand=True)
        rows.add_row(ProgressBar(total=max(total, 1), completed=progress.known + progress.done))
        rows.add_row(Text(line()))
        return rows

    async def follow(show: Callable[[], None], step: float) -> None:
        while True:
            await asyncio.sleep(step)
            show()

    with contextlib.ExitStack() as stack:
        if console.is_terminal:
            live = stack.enter_context(Live(console=console, auto_refresh=False, transient=True))
            following = follow(lambda: live.update(bar(), refresh=True), _LIVE_STEP)
        else:
            following = follow(lambda: say(line()), _PLAIN_STEP)
        task = asyncio.create_task(following)
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})
