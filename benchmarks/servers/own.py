"""A small server of our own with the same answers: where nginx is not installed, or an answer has to come late."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import multiprocessing
import os
import ssl
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import cast

import msgspec

from benchmarks.machine import pin, uvloop
from benchmarks.servers.answers import BODY, HEAD, STATUS_PATH, answer_for
from benchmarks.servers.base import Server, Status
from benchmarks.servers.certificate import Certificate

__all__ = ["own"]

_OURS = b"POST /api/v1/"
_STATUS = f"GET {STATUS_PATH} ".encode()


class _FixedAnswer(asyncio.Protocol):
    """One kept connection. Reads each request to its end, as its Content-Length says.

    Args:
        numbers: one for each request; each has another one.
        delay: seconds before an answer leaves.
    """

    def __init__(self, numbers: itertools.count[int], delay: float) -> None:
        self._numbers = numbers
        self._delay = delay
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is not a subclass
        self._later = asyncio.get_running_loop().call_later

    def data_received(self, data: bytes) -> None:
        self._rest += data
        while (head := self._rest.find(b"\r\n\r\n")) >= 0:
            lower = self._rest[:head].lower()
            at = lower.find(b"content-length:")
            length = int(lower[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            end = head + 4 + length
            if len(self._rest) < end:
                return
            answer = self._answer(self._rest)
            if self._delay and not self._rest.startswith(_STATUS):
                self._later(self._delay, self._transport.write, answer)
            else:
                self._transport.write(answer)
            self._rest = self._rest[end:]

    def _answer(self, request: bytes) -> bytes:
        number = next(self._numbers)
        if request.startswith(_OURS):
            return HEAD + BODY % number
        if request.startswith(_STATUS):
            return _response(200, msgspec.json.encode(Status(number, time.process_time())))
        answer = answer_for(request.split(b" ", 2)[1].decode())
        return _response(answer.status, answer.body(f"{number}"))


def _response(status: int, body: bytes) -> bytes:
    head = b"HTTP/1.1 %d OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % (status, len(body)) + body


@contextlib.contextmanager
def own(core: int | None, certificate: Certificate | None = None, delay: float = 0.0) -> Iterator[Server]:
    """Run the server on a core.

    Args:
        delay: seconds before an answer leaves.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_main, args=(theirs, core, certificate, delay), daemon=True)
    process.start()
    theirs.close()
    try:
        yield ours.recv()
    finally:
        ours.close()
        process.join(5)
        if process.is_alive():
            process.kill()
        process.join()
        process.close()


def _main(parent: Connection, core: int | None, certificate: Certificate | None, delay: float) -> None:
    pin(core)
    module = uvloop()
    factory = None if module is None else module.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(_serve(parent, certificate, delay))


async def _serve(parent: Connection, certificate: Certificate | None, delay: float) -> None:
    loop, numbers = asyncio.get_running_loop(), itertools.count(1)

    async def listen(context: ssl.SSLContext | None) -> str:
        server = await loop.create_server(
            lambda: _FixedAnswer(numbers, delay), "127.0.0.1", 0, backlog=4096, ssl=context
        )
        return f"127.0.0.1:{server.sockets[0].getsockname()[1]}"

    base_url, tls_url = f"http://{await listen(None)}", ""
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.chain, certificate.key)
        tls_url = f"https://{await listen(context)}"
    parent.send(
        Server(
            name="the small one of ours on " + ("asyncio" if uvloop() is None else "uvloop"),
            base_url=base_url,
            tls_url=tls_url,
            authority="" if certificate is None else str(certificate.authority),
            pid=os.getpid(),
        )
    )
    with contextlib.suppress(EOFError):  # the parent closed its end, or is gone
        await loop.run_in_executor(None, parent.recv)
