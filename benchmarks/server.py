"""A server whose answers differ in the message id only, so that the client is what is measured."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import multiprocessing
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import cast

from benchmarks.machine import pin, uvloop

BODY = (
    b'{"status":"success","message":"Template message sent successfully.",'
    b'"data":{"message_id":"wamid.HBgLOTE5MDAwMDAwMDAwFQIAERgSRjQ1QzBC%020dFAA=="}}'
)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(BODY % 0)
# The client takes a repeated message id for somebody else's answer.
_numbers = itertools.count()
# A request to this path is answered with the CPU seconds that the server has used.
CPU_PATH = b"POST /cpu "


class FixedAnswer(asyncio.Protocol):
    """One kept connection. Reads each request to its end, as its Content-Length says."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is not a subclass

    def data_received(self, data: bytes) -> None:
        self._rest += data
        while (head := self._rest.find(b"\r\n\r\n")) >= 0:
            lower = self._rest[:head].lower()
            at = lower.find(b"content-length:")
            length = int(lower[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            end = head + 4 + length
            if len(self._rest) < end:
                return
            self.transport.write(cpu_answer() if self._rest.startswith(CPU_PATH) else HEAD + BODY % next(_numbers))
            self._rest = self._rest[end:]


def cpu_answer() -> bytes:
    """Return the answer that tells this process's CPU seconds."""
    body = b"%.6f" % time.process_time()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body


@contextlib.contextmanager
def serving(core: int | None) -> Iterator[str]:
    """Run the server in a process of its own, pinned to a core, and give its address."""
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
    factory = None if module is None else module.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(_serve(parent))


async def _serve(parent: Connection) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(FixedAnswer, "127.0.0.1", 0, backlog=1024)
    parent.send(server.sockets[0].getsockname()[1])
    with contextlib.suppress(EOFError):  # the parent closed its end, or is gone
        await loop.run_in_executor(None, parent.recv)
