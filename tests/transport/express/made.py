"""A connection without a network: a transport that only notes what it is told."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from wabotick_async.transport.express.connection import ExpressConnection
from wabotick_async.transport.express.inbox import Inbox
from wabotick_async.transport.express.outbox import Outbox
from wabotick_async.wire import HTTPAnswer, HTTPRequest

HEAD = b"POST /a HTTP/1.1\r\nContent-Length: "
CALL = HTTPRequest(path="/a", body=b"message=hi")
MOST = 2048


class FakeTransport(asyncio.Transport):
    """Notes what is written, and has a real socket to be asked whether it is silent."""

    def __init__(self, sock: socket.socket, extra: dict[str, Any] | None = None) -> None:
        super().__init__({"socket": sock, **(extra or {})})
        self.written: list[bytes] = []
        self.unsent = 0
        self.broken: Exception | None = None
        self.aborted = self.closing = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self.broken is not None:
            raise self.broken
        self.written.append(bytes(data))

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def is_closing(self) -> bool:
        return self.closing or self.aborted

    def abort(self) -> None:
        self.aborted = True


class Made:
    """A connection, its transport, the server's end of its socket, and whether it was lost."""

    def __init__(self, sock: socket.socket, server: socket.socket) -> None:
        self.server = server
        self.transport = FakeTransport(sock)
        self.lost: list[ExpressConnection] = []
        loop = asyncio.get_running_loop()
        self.connection = ExpressConnection(
            loop, self.transport, Outbox(loop), Inbox(loop), most=MOST, lost=self.lost.append
        )

    def prepare(self) -> asyncio.Future[HTTPAnswer]:
        """Ask, and write nothing before the loop's next turn."""
        waiter: asyncio.Future[HTTPAnswer] = asyncio.get_running_loop().create_future()

        def told(what: HTTPAnswer | Exception) -> None:
            if waiter.done():
                return
            if isinstance(what, Exception):
                waiter.set_exception(what)
            else:
                waiter.set_result(what)

        self.connection.ask(HEAD, CALL, told, unless=waiter.done)
        return waiter

    def ask(self) -> asyncio.Future[HTTPAnswer]:
        """Send one request."""
        waiter = self.prepare()
        self.connection.write()
        return waiter


@contextmanager
def made() -> Iterator[Made]:
    """Make a connection."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Made(ours, theirs)
