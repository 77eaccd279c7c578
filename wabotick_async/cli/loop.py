"""The event loop of a command, and the signals that end a campaign in two steps."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Final, TypeVar

__all__ = ["catch_signals", "run_async"]

ResultT = TypeVar("ResultT")

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


def run_async(work: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Run a coroutine to its end, on uvloop where that is installed."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(work)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop  # noqa: PLC0415 - optional
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop


@contextlib.contextmanager
def catch_signals(first: Callable[[], None], second: Callable[[], None]) -> Iterator[None]:
    """Call `first` on the first SIGINT or SIGTERM inside the block, `second` on each one after it."""
    loop = asyncio.get_running_loop()
    steps = iter([first])

    def step() -> None:
        next(steps, second)()

    watched: list[signal.Signals] = []
    # Where a loop cannot watch signals (Windows), Ctrl-C cancels the task as asyncio does it.
    with contextlib.suppress(NotImplementedError):
        for number in _SIGNALS:
            loop.add_signal_handler(number, step)
            watched.append(number)
    try:
        yield
    finally:
        for number in watched:
            loop.remove_signal_handler(number)
