"""A server that takes its time, accepts everything, and remembers for whom it accepted what."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import random
import re
from array import array
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import cast

from benchmarks.servers.answers import BODY, HEAD
from benchmarks.soak_child import phone_number

__all__ = ["SlowServer", "message_id", "serving"]

LATENCY = (0.005, 0.020)
"""Seconds that an answer takes, drawn anew for each."""
_PREFIX = phone_number(0)[:4]
_RECIPIENT = re.compile(rb"phone_number=%b([0-9]{8})(?:&|$)" % _PREFIX.encode())
_MESSAGE_ID = re.compile(rb'"message_id":"(.*?)"')


def message_id(delivery: int) -> str:
    """Return the id under which the server accepted its delivery of that number."""
    found = _MESSAGE_ID.search(BODY % delivery)
    assert found is not None
    return found[1].decode()


class SlowServer:
    """The server as its parent sees it.

    Args:
        address: its base URL.
        parent: where it takes the question for its ledger.
    """

    def __init__(self, address: str, parent: Connection) -> None:
        self.address = address
        self._parent = parent

    def ledger(self) -> array[int]:
        """Return the recipients' numbers in the order of acceptance; the place in it is the delivery's number."""
        self._parent.send("ledger")
        found = array("I")
        found.frombytes(self._parent.recv_bytes())
        return found


@contextlib.contextmanager
def serving() -> Iterator[SlowServer]:
    """Run the server in a process of its own."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_main, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    try:
        yield SlowServer(f"http://127.0.0.1:{ours.recv()}", ours)
    finally:
        ours.close()
        process.join(5)
        if process.is_alive():
            process.kill()
        process.join()
        process.close()


class _Connection(asyncio.Protocol):
    """One kept connection: writes a request down when it is read, and answers it later."""

    transport: asyncio.Transport

    def __init__(self, ledger: array[int], dice: random.Random) -> None:
        self._ledger = ledger
        self._dice = dice
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._rest += data
        while (head := self._rest.find(b"\r\n\r\n")) >= 0:
            lower = self._rest[:head].lower()
            length = int(lower[lower.index(b"content-length:") + 15 :].split(b"\r\n", 1)[0])
            end = head + 4 + length
            if len(self._rest) < end:
                return
            recipient = _RECIPIENT.search(self._rest, head, end)
            self._rest = self._rest[end:]
            if recipient is None:
                self.transport.abort()
                return
            delivery = len(self._ledger)
            self._ledger.append(int(recipient[1]))
            loop = asyncio.get_running_loop()
            loop.call_later(self._dice.uniform(*LATENCY), self.transport.write, HEAD + BODY % delivery)


def _main(parent: Connection) -> None:
    asyncio.run(_serve(parent))


async def _serve(parent: Connection) -> None:
    loop = asyncio.get_running_loop()
    ledger, dice = array("I"), random.Random(1)
    server = await loop.create_server(lambda: _Connection(ledger, dice), "127.0.0.1", 0, backlog=1024)
    parent.send(server.sockets[0].getsockname()[1])
    with contextlib.suppress(EOFError):  # the parent closed its end, or is gone
        while await loop.run_in_executor(None, parent.recv):
            parent.send_bytes(ledger.tobytes())
