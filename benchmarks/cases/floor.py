"""How little a send could cost in Python: bytes and rows. These check nothing, and are no clients."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final
from urllib.parse import urlencode, urlsplit

import msgspec

from benchmarks.cases.base import Case, Place, Send, next_phone_number
from benchmarks.cases.plain import form
from wabotick_async.endpoints import registry

__all__ = ["BARE", "WITH_ROWS"]

_LENGTH: Final = re.compile(rb"(?i)content-length: *(\d+)")
_RECIPIENT: Final = "phone_number"


class _Inner(msgspec.Struct):
    message_id: str


class _Success(msgspec.Struct):
    data: _Inner


_DECODER: Final = msgspec.json.Decoder(_Success)


class _Wire(asyncio.Protocol):
    """A connection with one request at a time."""

    def __init__(self, told: Callable[[_Wire, str], None]) -> None:
        self._told = told
        self._came = b""
        self._transport: asyncio.Transport
        self.row = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def write(self, request: bytes) -> None:
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._came += data
        head, end, body = self._came.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if end and length is not None and len(body) >= int(length[1]):
            self._came = b""
            self._told(self, _DECODER.decode(body).data.message_id)

    def close(self) -> None:
        self._transport.close()


class _Requests:
    """Makes requests; only the recipient is quoted anew."""

    def __init__(self, base_url: str) -> None:
        parts = urlsplit(base_url)
        path = parts.path.rstrip("/") + registry["send_template"].path
        fixed = {name: value for name, value in form().items() if name != _RECIPIENT}
        self._head = (
            f"POST {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAccept: application/json\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: "
        ).encode()
        self._form = f"{urlencode(fixed)}&{_RECIPIENT}=".encode()

    def next(self) -> tuple[str, bytes]:
        """Return the next recipient and the request to him."""
        recipient = next_phone_number()
        body = self._form + recipient.encode()
        return recipient, b"%b%d\r\n\r\n%b" % (self._head, len(body), body)


class _Rows:
    """A table of what left, on disk before it leaves, and of what came back."""

    def __init__(self, directory: Path) -> None:
        path = Path(tempfile.mkdtemp(dir=directory), "floor.db")
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.execute(
            "CREATE TABLE item(seq INTEGER PRIMARY KEY, receiver TEXT, payload BLOB, state INTEGER, message_id TEXT)"
        )

    def commit(self, begun: Sequence[tuple[int, str, bytes]], ended: Sequence[tuple[str, int]]) -> None:
        self._connection.execute("BEGIN")
        self._connection.executemany("INSERT INTO item VALUES(?, ?, ?, 1, NULL)", begun)
        self._connection.executemany("UPDATE item SET state = 2, message_id = ? WHERE seq = ?", ended)
        self._connection.execute("COMMIT")

    def close(self) -> None:
        self._connection.close()


@contextlib.asynccontextmanager
async def _connected(place: Place, told: Callable[[_Wire, str], None]) -> AsyncIterator[list[_Wire]]:
    address, loop = urlsplit(place.base_url), asyncio.get_running_loop()
    wires: list[_Wire] = []
    try:
        for _ in range(place.in_flight):
            opened = await loop.create_connection(lambda: _Wire(told), address.hostname or "", address.port or 80)
            wires.append(opened[1])
        yield wires
    finally:
        for wire in wires:
            wire.close()


@contextlib.asynccontextmanager
async def _bare(place: Place) -> AsyncIterator[Send]:
    requests, left, flying = _Requests(place.base_url), 0, 0
    landed = asyncio.Event()

    def go_on(wire: _Wire) -> None:
        nonlocal left, flying
        if left:
            left, flying = left - 1, flying + 1
            wire.write(requests.next()[1])

    def told(wire: _Wire, _message_id: str) -> None:
        nonlocal flying
        flying -= 1
        go_on(wire)
        if not flying:
            landed.set()

    async with _connected(place, told) as wires:

        async def send(count: int) -> None:
            nonlocal left
            left = count
            landed.clear()
            for wire in wires:
                go_on(wire)
            await landed.wait()

        yield send


@contextlib.asynccontextmanager
async def _with_rows(place: Place) -> AsyncIterator[Send]:
    requests, rows = _Requests(place.base_url), _Rows(place.directory)
    ended: list[tuple[str, int]] = []
    free: list[_Wire] = []
    landed = asyncio.Event()
    last = 0

    def told(wire: _Wire, message_id: str) -> None:
        ended.append((message_id, wire.row))
        free.append(wire)
        landed.set()

    async with _connected(place, told) as wires:
        free += wires
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1) as disk, contextlib.closing(rows):

            async def send(count: int) -> None:
                nonlocal last
                begun = done = 0
                while done < count:
                    leaving: list[tuple[_Wire, bytes]] = []
                    new: list[tuple[int, str, bytes]] = []
                    while free and begun < count:
                        wire, begun, last = free.pop(), begun + 1, last + 1
                        wire.row = last
                        recipient, request = requests.next()
                        leaving.append((wire, request))
                        new.append((last, recipient, request))
                    results = ended.copy()
                    ended.clear()
                    landed.clear()
                    await loop.run_in_executor(disk, rows.commit, new, results)
                    for wire, request in leaving:
                        wire.write(request)
                    done += len(results)
                    if done < count and not ended:
                        await landed.wait()

            yield send


BARE: Final = Case(name="floor: a bare protocol", open=_bare)
WITH_ROWS: Final = Case(name="floor: the same with rows in SQLite", open=_with_rows)
