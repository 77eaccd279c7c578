"""Small raw servers on loopback: they read requests byte by byte and answer whatever a test wants."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from tests.lanes import pool_of_the_lane
from wabotick_async import Limits, Timeout
from wabotick_async.wire import HTTPRequest

CALL = HTTPRequest(path="/api/v1/whatsapp/send", body=b"apiToken=1%7CSECRETSECRETSECRETSECRET&message=hi")
SOON = Timeout(connect=2.0, total=2.0)


def answer(body: bytes = b'{"status":"1"}', *, status: str = "200 OK", head: bytes = b"") -> bytes:
    """Return a whole answer."""
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n%s\r\n%s" % (status.encode(), len(body), head, body)


class Connection:
    """One accepted connection."""

    def __init__(self, server: TCPServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server, self.reader, self.writer = server, reader, writer
        self.number = server.connections

    async def request(self) -> tuple[bytes, bytes]:
        """Read one request whole."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line[:15] == b"content-length:"), 0)
        body = await self.reader.readexactly(length)
        self.server.requests.append((head, body))
        self.server.arrived.set()
        return head, body

    async def write(self, data: bytes) -> None:
        """Write, and see it leave."""
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        """Close with RST in place of FIN."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Behaviour = Callable[[Connection], Awaitable[object]]


class TCPServer:
    """A server that behaves as it is told on every connection."""

    def __init__(self, behave: Behaviour) -> None:
        self._behave = behave
        self.requests: list[tuple[bytes, bytes]] = []
        self.arrived = asyncio.Event()
        self.spoken = asyncio.Event()
        self.connections = 0
        self.tls = False
        self.port = 0
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def url(self) -> str:
        """Return the base URL."""
        return f"https://localhost:{self.port}" if self.tls else f"http://127.0.0.1:{self.port}"

    async def _run(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        with contextlib.suppress(OSError, EOFError, asyncio.CancelledError):
            await self._behave(Connection(self, reader, writer))
        writer.close()
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await writer.wait_closed()
        self._tasks.discard(task)

    async def arrival(self) -> None:
        """Wait for the first request."""
        async with asyncio.timeout(5):
            await self.arrived.wait()

    def end(self) -> None:
        """Let no connection hang on."""
        for task in self._tasks:
            task.cancel()


@contextlib.asynccontextmanager
async def serving(behave: Behaviour, tls: ssl.SSLContext | None = None) -> AsyncIterator[TCPServer]:
    """Run a server."""
    server = TCPServer(behave)
    listener = await asyncio.start_server(server._run, "127.0.0.1", 0, ssl=tls)
    server.port = listener.sockets[0].getsockname()[1]
    server.tls = tls is not None
    try:
        yield server
    finally:
        listener.close()
        server.end()
        await asyncio.sleep(0)
        await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def pooled(base_url: str, **settings: Any) -> AsyncIterator[Any]:
    """Open the pool that is tested: of either lane."""
    pool = pool_of_the_lane(base_url, **{"limits": Limits(concurrency=4), **settings})
    try:
        yield pool
    finally:
        await pool.close()
        await asyncio.sleep(0)


async def fine(connection: Connection) -> None:
    """Answer every request."""
    while True:
        await connection.request()
        await connection.write(answer())


async def hang(connection: Connection) -> None:
    """Read one request, and say nothing."""
    await connection.request()
    await asyncio.sleep(30)


async def saying_twice(connection: Connection) -> None:
    """Answer one request, and some time later once more."""
    await connection.request()
    await connection.write(answer())
    await asyncio.sleep(0.01)
    await connection.write(answer())
    connection.server.spoken.set()
    await asyncio.sleep(1)
