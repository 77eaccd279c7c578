"""A server in a process of its own that notes when each request arrives, and answers at once.

`GET /KEY` notes a time under the key; `GET /times/KEY` hands out what was noted, and forgets it.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import time
from collections import defaultdict
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import cast

import msgspec

from benchmarks.machine import pin, uvloop
from benchmarks.pace.stall import Stall

_TIMES = b"times/"


class Noted(msgspec.Struct, frozen=True):
    """What was noted under a key."""

    times: list[float]
    """Clock times of arrival."""
    stall: float
    """Seconds that the server stood still at most since somebody asked before."""


class Noting(asyncio.Protocol):
    """One connection. Requests have no body.

    Args:
        times: clock times of arrival, by key.
        stall: of the server's loop.
    """

    def __init__(self, times: defaultdict[bytes, list[float]], stall: Stall) -> None:
        self._times = times
        self._stall = stall
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is not a subclass

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        self._rest += data
        while (end := self._rest.find(b"\r\n\r\n")) >= 0:
            key = self._rest[: self._rest.index(b" HTTP/")].removeprefix(b"GET /")
            self._rest = self._rest[end + 4 :]
            body = b"{}"
            if key.startswith(_TIMES):
                body = msgspec.json.encode(Noted(self._times.pop(key.removeprefix(_TIMES), []), self._stall.take()))
            else:
                self._times[key].append(now)
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


@contextlib.contextmanager
def serving(core: int | None) -> Iterator[str]:
    """Run the server, pinned to a core, and give its address."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_main, args=(theirs, core), daemon=True)
    process.start()
    theirs.close()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        ours.close()
        process.join(5)
        if process.is_alive():
            process.kill()
        process.join()
        process.close()


def _main(parent: Connection, core: int | None) -> None:
    pin(core)
    module = uvloop()
    with asyncio.Runner(loop_factory=None if module is None else module.new_event_loop) as runner:
        runner.run(_serve(parent))


async def _serve(parent: Connection) -> None:
    loop, times, stall = asyncio.get_running_loop(), defaultdict[bytes, list[float]](list), Stall()
    server = await loop.create_server(lambda: Noting(times, stall), "127.0.0.1", 0, backlog=1024)
    parent.send(server.sockets[0].getsockname()[1])
    with contextlib.suppress(EOFError):  # the parent closed its end, or is gone
        await loop.run_in_executor(None, parent.recv)
