"""The source of a campaign, read a small window ahead."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Iterable
from typing import Any

import anyio

from ..endpoints import Request
from .message import BulkMessage

__all__ = ["Feed", "Messages"]

Messages = Iterable[Request[Any] | BulkMessage] | AsyncIterable[Request[Any] | BulkMessage]
"""Where a campaign's messages come from; kinds may be mixed."""


class _NobodyReadsError(Exception):
    """The run has ended."""


class Feed:
    """Hands out what a source has ready, without waiting for a full batch.

    Args:
        messages: the source.
        ahead: how many messages to read ahead, and the size of the largest batch.
    """

    def __init__(self, messages: Messages, ahead: int) -> None:
        self._messages = messages
        self._ahead = ahead
        self._write, self._read = anyio.create_memory_object_stream[Any](ahead)
        self.failure: Exception | None = None
        """What the source raised. Everything that it gave before is handed out first."""
        self.exhausted = False
        """Whether the source was read to its end."""

    async def pull(self) -> None:
        """Read the source to its end; run it beside the reader of `batch`."""
        async with self._write:
            try:
                if isinstance(self._messages, AsyncIterable):
                    async for message in self._messages:
                        await self._hand_over(message)
                else:
                    for message in self._messages:
                        await self._hand_over(message)
                self.exhausted = True
            except _NobodyReadsError:
                return
            except asyncio.CancelledError:
                if (task := asyncio.current_task()) is None or task.cancelling():
                    raise
                self.failure = RuntimeError("the source was cancelled")  # something inside it, not this run
            except Exception as error:  # noqa: BLE001 - whatever the user's source raises is reported after what it gave
                self.failure = error
            finally:
                if isinstance(self._messages, AsyncGenerator):
                    # It may hold a database cursor, which it should give back now and not when memory is cleared up.
                    with anyio.CancelScope(shield=True):
                        await self._messages.aclose()

    async def _hand_over(self, message: object) -> None:
        try:
            await self._write.send(message)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            raise _NobodyReadsError from None

    async def batch(self) -> list[Any]:
        """Wait for the next messages; an empty list is the end."""
        found: list[Any] = []
        try:
            found.append(await self._read.receive())
            while len(found) < self._ahead:
                found.append(self._read.receive_nowait())
        except (anyio.WouldBlock, anyio.EndOfStream):
            pass
        return found

    def close(self) -> None:
        """Let the source go."""
        self._read.close()
        self._write.close()
