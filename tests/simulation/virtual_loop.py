"""An event loop in which seconds cost nothing: when nobody has anything to do, its clock jumps to the next timer.

Cheaper than a manual clock, for nobody asks whether all have come to rest: a simulation has a million timers.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _typeshed import FileDescriptorLike

__all__ = ["VirtualLoop", "run"]

ValueT = TypeVar("ValueT")


class _Jumper(selectors.BaseSelector):
    """A selector that moves the clock in place of waiting, unless a thread is at work."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.threads_at_work = 0
        self._real = selectors.DefaultSelector()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout > 0:
            if self.threads_at_work:  # one second of theirs is none of ours
                return self._real.select()
            if timeout is None:
                raise AssertionError("everybody waits, and nothing will ever happen")
            self.now += timeout
        return self._real.select(0)

    def register(self, fileobj: FileDescriptorLike, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: FileDescriptorLike) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def get_map(self) -> Mapping[FileDescriptorLike, selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs coroutines in virtual seconds; `time` is the clock for all of them."""

    def __init__(self) -> None:
        self._jumper = _Jumper()
        super().__init__(self._jumper)

    def time(self) -> float:
        """Return the virtual seconds."""
        return self._jumper.now

    @contextmanager
    def real_work(self) -> Iterator[None]:
        """Let the clock stand while a thread works for somebody."""
        self._jumper.threads_at_work += 1
        try:
            yield
        finally:
            self._jumper.threads_at_work -= 1


def run(work: Coroutine[Any, Any, ValueT]) -> ValueT:
    """Run a simulation to its end."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)
