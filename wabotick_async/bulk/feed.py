"""The source of a campaign, read a small window ahead."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable
from typing import Any, Final, Protocol

import anyio

from ..endpoints import Request
from .message import BulkMessage

__all__ = ["Feed", "Messages", "feed_of"]

Messages = Iterable[Request[Any] | BulkMessage] | AsyncIterable[Request[Any] | BulkMessage]
"""Where a campaign's messages come from; kinds may be mixed."""

_LONGEST: Final = 0.005
"""Seconds that a source without `await` may keep the event loop from others."""


class _NobodyReadsError(Exception):
    """The run has ended."""


class Feed(Protocol):
    """Hands out what a source has ready, without waiting for a full batch."""

    failure: Exception | None
    """What the source raised. Everything that it gave before is handed out first."""
    exhausted: bool
    """Whether the source was read to its end."""

    async def pull(self) -> None:
        """Read the source; run it beside the reader of `batch`."""
        ...

    async def batch(self) -> list[Any]:
        """Wait for the next messages; an empty list is the end."""
        ...

    def close(self) -> None:
        """Let the source go."""
        ...


def feed_of(messages: Messages, ahead: int, clock: Callable[[], float]) -> Feed:
    """Return the feed of a source.

    Args:
        messages: the source.
        ahead: how many messages to read ahead, and the size of the largest batch.
        clock: monotonic seconds.
    """
    return _AsyncFeed(messages, ahead) if isinstance(messages, AsyncIterable) else _PlainFeed(messages, ahead, clock)


class _PlainFeed:
    """A source that is read where its messages are wanted: nothing runs beside it."""

    def __init__(self, messages: Iterable[Any], ahead: int, clock: Callable[[], float]) -> None:
        self._messages = messages
        self._ahead = ahead
        self._clock = clock
        self._source: Any = None
        self.failure: Exception | None = None
        self.exhausted = False

    async def pull(self) -> None:
        """Do nothing: there is no source that makes one wait."""

    async def batch(self) -> list[Any]:
        await asyncio.sleep(0)
        found: list[Any] = []
        until = self._clock() + _LONGEST
        try:
            if self._source is None:
                self._source = iter(self._messages)
            while self.failure is None and not self.exhausted and len(found) < self._ahead:
                found.append(next(self._source))
                if self._clock() > until:
                    break
        except StopIteration:
            self.exhausted = True
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - reported after what it gave
            self.failure = _reported(error)
        return found

    def close(self) -> None:
        self._source = iter(())


class _AsyncFeed:
    """A source that makes one wait: it is read in a task of its own."""

    def __init__(self, messages: AsyncIterable[Any], ahead: int) -> None:
        self._messages = messages
        self._ahead = ahead
        self._ready: deque[Any] = deque()
        self._more, self._room = asyncio.Event(), asyncio.Event()
        self._closed = self._over = False
        self.failure: Exception | None = None
        self.exhausted = False

    async def pull(self) -> None:
        try:
            async for message in self._messages:
                if not self._closed:
                    self._ready.append(message)
                    self._more.set()
                if self._closed or len(self._ready) >= self._ahead:
                    await self._make_room()
            self.exhausted = True
        except _NobodyReadsError:
            return
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - reported after what it gave
            self.failure = _reported(error)
        finally:
            self._over = True
            self._more.set()
            if isinstance(self._messages, AsyncGenerator):
                # It may hold a database cursor, which it should give back now and not when memory is cleared up.
                with anyio.CancelScope(shield=True):
                    await self._messages.aclose()

    async def _make_room(self) -> None:
        while len(self._ready) >= self._ahead and not self._closed:
            self._room.clear()
            await self._room.wait()
        if self._closed:
            raise _NobodyReadsError

    async def batch(self) -> list[Any]:
        while not self._ready and not self._over:
            self._more.clear()
            await self._more.wait()
        found = list(self._ready)
        self._ready.clear()
        self._room.set()
        return found

    def close(self) -> None:
        self._closed = True
        self._ready.clear()
        self._room.set()


def _reported(error: BaseException) -> Exception:
    """Return what a source raised as what is reported of it; a cancellation of this very run goes on."""
    if isinstance(error, Exception):
        return error
    if (task := asyncio.current_task()) is None or task.cancelling():
        raise error
    return RuntimeError("the source was cancelled")  # something inside it, not this run
