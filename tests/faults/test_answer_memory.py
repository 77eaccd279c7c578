"""F16: an oversized answer does not make the process large, as the operating system counts it."""

from __future__ import annotations

import asyncio
import gzip
import sys

import pytest

from tests.bulk.test_sandbox import ENVIRONMENT
from tests.faults import answer_child
from tests.lanes import Lane
from tests.transport.tcp import Connection, answer, serving

PLAIN = answer(b'{"status":"success","message":"sent","data":{"message_id":"wamid.1"}}')
BOMB = gzip.compress(b"\0" * 64_000_000)
PIECE = b"x" * 50_000
ANSWERS: dict[str, list[bytes]] = {
    "gzip bomb": [answer(BOMB, head=b"Content-Encoding: gzip\r\n")],
    "gzip bomb in chunks": [
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"%x\r\n%b\r\n0\r\n\r\n" % (len(BOMB), BOMB),
    ],
    "300 MB": [b"HTTP/1.1 200 OK\r\nContent-Length: 300000000\r\n\r\n", *[PIECE] * 6_000],
    "no end": [b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", *[PIECE] * 6_000],
}


@pytest.mark.usefixtures("real_time")
@pytest.mark.parametrize("name", ANSWERS)
async def test_f16_by_the_size_of_the_process(name: str, lane: Lane) -> None:
    async def behave(connection: Connection) -> None:
        await connection.request()
        for piece in [PLAIN] if connection.number == 1 else ANSWERS[name]:
            await connection.write(piece)

    async with serving(behave) as server:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, answer_child.__file__, server.url, lane), env=ENVIRONMENT, stdout=asyncio.subprocess.PIPE
        )
        said, _ = await child.communicate()
        assert len(server.requests) == 2
    outcome, growth = said.split()
    assert outcome == b"unknown"
    assert int(growth) < 8 << 10
