"""An event loop in which seconds cost nothing: when nobody has anything to do, its clock jumps to the next timer.

Cheaper than a manual clock, for nobody asks whether all have come to rest: a simulation has a million timers. Sockets
on loopback take part, and so do threads: the clock stands until the kernel has delivered what was sent, and while a
thread works for somebody.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import selectors
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, TypeVar, TypeVarTuple, Unpack

import pytest

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike

__all__ = ["VirtualLoop", "loop_factories", "real_time", "run", "running_loop", "watch_threads_of"]

ValueT = TypeVar("ValueT")
Ts = TypeVarTuple("Ts")

_HOPS: Final = 4
"""Packets that call for one another before anybody can read: a connection takes three."""
_GRACE: Final = 0.001
"""Real seconds for what another processor's kernel thread still has to deliver."""


class _Loopback:
    """Tells when the kernel has delivered what was sent: a packet of our own goes the same way, behind it."""

    def __init__(self) -> None:
        self._read, self._write = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        self._read.settimeout(1.0)
        self._read.bind(("127.0.0.1", 0))
        self._write.connect(self._read.getsockname())

    def flush(self) -> None:
        self._write.send(b"x")
        with contextlib.suppress(TimeoutError):
            self._read.recv(1)

    def close(self) -> None:
        self._read.close()
        self._write.close()


class _Jumper(selectors.BaseSelector):
    """A selector that moves the clock in place of waiting, unless a thread is at work or a packet on its way."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.threads_at_work = 0
        self._real = selectors.DefaultSelector()
        self._loopback: _Loopback | None = None

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout > 0:
            if self.threads_at_work:  # one second of theirs is none of ours
                return self._real.select()
            if ready := self._arrived():
                return ready
            if timeout is None:
                raise AssertionError("everybody waits, and nothing will ever happen")
            self.now += timeout
        return self._real.select(0)

    def _arrived(self) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what comes without any time passing."""
        ready = self._real.select(0)
        if ready or len(self._real.get_map()) <= 1:  # the loop's own
            return ready
        self._loopback = self._loopback or _Loopback()
        for _ in range(_HOPS):
            self._loopback.flush()
            if ready := self._real.select(0):
                return ready
        return self._real.select(_GRACE)

    def register(self, fileobj: FileDescriptorLike, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: FileDescriptorLike) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def get_map(self) -> Mapping[FileDescriptorLike, selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()
        if self._loopback is not None:
            self._loopback.close()


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs coroutines in virtual seconds; `time` is the clock for all of them."""

    def __init__(self) -> None:
        self._jumper = _Jumper()
        super().__init__(self._jumper)

    def time(self) -> float:
        """Return the virtual seconds."""
        return self._jumper.now

    def block(self, seconds: float) -> None:
        """Let time pass in which nobody has a turn, as a blocking call does."""
        self._jumper.now += seconds

    def begin_work(self) -> None:
        """Let the clock stand from now on, for a thread works."""
        self._jumper.threads_at_work += 1

    def end_work(self) -> None:
        """Take `begin_work` back."""
        self._jumper.threads_at_work -= 1

    @contextmanager
    def real_work(self) -> Iterator[None]:
        """Let the clock stand while a thread works for somebody."""
        self.begin_work()
        try:
            yield
        finally:
            self.end_work()

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], ValueT], *args: *Ts
    ) -> asyncio.Future[ValueT]:
        """Call it in a thread, while the clock stands."""
        self.begin_work()
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(lambda _: self.end_work())
        return future

    async def shutdown_default_executor(self, *args: Any) -> None:
        """Wait for its threads, while the clock stands."""
        with self.real_work():
            await super().shutdown_default_executor(*args)


def running_loop() -> VirtualLoop:
    """Return the virtual loop that runs."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return loop


class _Watched:
    """Work in a thread that a virtual loop knows of, as long as the loop is open."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self._loop = loop if isinstance(loop, VirtualLoop) else None

    def begin(self) -> None:
        if self._loop is not None:
            self._loop.begin_work()

    def end(self) -> None:
        """Tell the loop from the thread: behind what the thread told it about its work."""
        if self._loop is None:
            return
        with contextlib.suppress(RuntimeError):  # it is closed
            self._loop.call_soon_threadsafe(self._loop.end_work)


class _WatchedQueue:
    """A queue whose reader is at work from what he was given until he asks for more."""

    def __init__(self) -> None:
        self._items: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._work = _Watched()

    def put(self, item: object) -> None:
        self._work.begin()
        self._items.put(item)

    def get(self) -> Any:
        self._work.end()
        return self._items.get()


class _WatchedThread(threading.Thread):
    """A thread that is at work from its start to its end, but where it waits for a watched queue."""

    def start(self) -> None:
        self._work = _Watched()
        self._work.begin()
        super().start()

    def run(self) -> None:
        try:
            super().run()
        finally:
            self._work.end()


def watch_threads_of(module: ModuleType, patch: pytest.MonkeyPatch) -> None:
    """Let the clock stand while threads of a module work, one that gives them their work by a `SimpleQueue`."""
    patch.setattr(module, "queue", SimpleNamespace(SimpleQueue=_WatchedQueue))
    patch.setattr(module, "threading", SimpleNamespace(Thread=_WatchedThread, get_ident=threading.get_ident))


@pytest.fixture
def real_time() -> None:
    """Let the event loop's seconds be real ones, for what takes a process of its own, or a thread that a test stops."""


def loop_factories(item: pytest.Item) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Say in which event loop an asynchronous test runs: a virtual one, if it does not ask for `real_time`."""
    if "real_time" in getattr(item, "fixturenames", ()):
        return {"real": asyncio.SelectorEventLoop}
    return {"virtual": VirtualLoop}


def run(work: Coroutine[Any, Any, ValueT]) -> ValueT:
    """Run a simulation to its end."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)
