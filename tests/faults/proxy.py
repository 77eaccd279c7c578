"""A TCP proxy that misbehaves on purpose, in front of any server on loopback.

Each connection gets its own `Chaos` from the proxy's plan. What TCP itself rules out (lost or reordered bytes) is left
out; what is left is what a client sees of a bad network, a bad middlebox or a dying server.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

__all__ = ["CALM", "Chaos", "ChaosProxy"]


@dataclass(frozen=True, kw_only=True)
class Chaos:
    """How one connection misbehaves. Directions: the request goes up to the server, the answer comes down."""

    latency: float = 0.0
    """Seconds that each piece is held back, in both directions."""
    drip: float | None = None
    """Seconds between the single bytes of the answer."""
    cut_request: int | None = None
    """End the connection when so many bytes went up; 0 ends it when the first ones came."""
    unread: bool = False
    """End the connection as soon as it is taken."""
    cut_answer: int | None = None
    """End the connection when so many bytes came down; 0 ends it in place of the first byte."""
    reset: bool = False
    """Cut with RST (SO_LINGER 0) in place of FIN."""
    half_close: bool = False
    """In place of an answer end our writing side only, and go on reading."""
    swallow_request: bool = False
    """Take every byte and pass none up: a black hole in front of the server."""
    swallow_answer: bool = False
    """Pass the request up and none of the answer down: a black hole behind it."""


CALM = Chaos()
"""Pass everything on as it is."""


class _Link:
    """One connection through the proxy: the client's side and the server's."""

    def __init__(self, chaos: Chaos, client: asyncio.StreamWriter) -> None:
        self.chaos = chaos
        self.client = client
        self.server: asyncio.StreamWriter | None = None
        self.up = self.down = 0
        """Bytes passed on."""

    def end(self, *, reset: bool = False) -> None:
        for writer in (self.client, self.server):
            if writer is not None:
                _end(writer, reset=reset)


class ChaosProxy:
    """Listen on loopback and pass connections on to a server, as the plan says.

    Args:
        target: base URL of the server.
        plan: tells the chaos of each connection, by its number from 0; may be replaced at any time.
    """

    def __init__(self, target: str, plan: Callable[[int], Chaos] = lambda _: CALM) -> None:
        parts = urlsplit(target)
        self._target = (parts.hostname or "127.0.0.1", parts.port or 80)
        self.plan = plan
        self.links: list[_Link] = []
        """Every connection so far, with the bytes that it carried."""
        self.port = 0
        self._listener: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Return the base URL to use in place of the server's."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self, port: int = 0) -> None:
        """Listen; port 0 takes a free one."""
        self._listener = await asyncio.start_server(self._take, "127.0.0.1", port, backlog=512)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening and end every connection."""
        if self._listener is not None:
            self._listener.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def speak(self, data: bytes) -> None:
        """Send stray bytes to the client on every open connection."""
        for link in self.links:
            if not link.client.is_closing():
                link.client.write(data)

    def hang_up(self, *, reset: bool = False) -> None:
        """End every open connection at this very moment, even if the event loop is blocked right afterwards."""
        for link in self.links:
            if not link.client.is_closing():
                if not reset:
                    link.client.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
                link.end(reset=reset)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        link = _Link(self.plan(len(self.links)), writer)
        self.links.append(link)
        try:
            if not link.chaos.unread:
                await self._carry(link, reader)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            link.end(reset=link.chaos.unread and link.chaos.reset)
            self._tasks.discard(task)

    async def _carry(self, link: _Link, reader: asyncio.StreamReader) -> None:
        answers, link.server = await asyncio.open_connection(*self._target)
        async with asyncio.TaskGroup() as group:
            down = group.create_task(_quietly(self._pass_down(link, answers)))
            await _quietly(self._pass_up(link, reader))
            if not link.client.is_closing() and link.server.can_write_eof():
                with contextlib.suppress(OSError):
                    link.server.write_eof()
            elif link.client.is_closing():
                down.cancel()

    async def _pass_up(self, link: _Link, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(65_536):
            await asyncio.sleep(link.chaos.latency)
            if link.chaos.swallow_request or link.server is None:
                continue
            left = None if link.chaos.cut_request is None else link.chaos.cut_request - link.up
            link.up += await _write(link.server, data[:left])
            if left is not None and len(data) >= left:
                return link.end(reset=link.chaos.reset)
        return None

    async def _pass_down(self, link: _Link, answers: asyncio.StreamReader) -> None:
        chaos = link.chaos
        while data := await answers.read(65_536):
            await asyncio.sleep(chaos.latency)
            if chaos.half_close and link.client.can_write_eof():
                link.client.write_eof()
                continue
            if chaos.swallow_answer or chaos.half_close:
                continue
            left = None if chaos.cut_answer is None else chaos.cut_answer - link.down
            for piece in [data[:left]] if chaos.drip is None else [bytes([byte]) for byte in data[:left]]:
                await asyncio.sleep(chaos.drip or 0.0)
                link.down += await _write(link.client, piece)
            if left is not None and len(data) >= left:
                return link.end(reset=chaos.reset)
        # A server that closes behind its answer must not betray the black hole.
        return None if chaos.swallow_answer or chaos.half_close else link.end()


async def _quietly(passing: Awaitable[None]) -> None:
    with contextlib.suppress(OSError):
        await passing


async def _write(writer: asyncio.StreamWriter, data: bytes) -> int:
    writer.write(data)
    await writer.drain()
    return len(data)


def _end(writer: asyncio.StreamWriter, *, reset: bool) -> None:
    if not reset:
        writer.close()
        return
    with contextlib.suppress(OSError):
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()
