"""The proxy does to a connection what it was told, seen from a plain socket."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from tests.faults.proxy import CALM, Chaos, ChaosProxy
from tests.simulation.virtual_loop import running_loop
from tests.transport.tcp import Connection, TCPServer, serving

ANSWER = b"0123456789"


async def ten(connection: Connection) -> None:
    while True:
        line = await connection.reader.readline()
        if not line:
            return
        connection.server.requests.append((line, b""))
        await connection.write(ANSWER)


@pytest.fixture
async def server() -> AsyncIterator[TCPServer]:
    async with serving(ten) as server:
        yield server


async def ask(url: str, size: int = len(ANSWER)) -> bytes:
    """Send one line and read so many bytes, or what comes before the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
    writer.write(b"question\n")
    try:
        async with asyncio.timeout(5):
            return await reader.readexactly(size)
    except asyncio.IncompleteReadError as error:
        return error.partial
    finally:
        writer.close()


async def test_calm(server: TCPServer) -> None:
    async with ChaosProxy(server.url) as proxy:
        assert await ask(proxy.url) == ANSWER
        assert [(link.up, link.down) for link in proxy.links] == [(9, 10)]


@pytest.mark.parametrize("size", [0, 1, 9, 10])
async def test_an_answer_is_cut_at_the_byte(server: TCPServer, size: int) -> None:
    async with ChaosProxy(server.url, lambda _: Chaos(cut_answer=size)) as proxy:
        assert await ask(proxy.url, 11) == ANSWER[:size]


async def test_a_connection_is_cut_before_it_carries_anything(server: TCPServer) -> None:
    async with ChaosProxy(server.url, lambda _: Chaos(unread=True)) as proxy:
        with contextlib.suppress(ConnectionResetError):  # what the kernel makes of a FIN with bytes unread
            assert await ask(proxy.url) == b""
        assert server.connections == proxy.links[0].up == 0


@pytest.mark.parametrize("size", [0, 1, 8])
async def test_a_request_is_cut_at_the_byte(server: TCPServer, size: int) -> None:
    async with ChaosProxy(server.url, lambda _: Chaos(cut_request=size)) as proxy:
        assert await ask(proxy.url) == b""
        assert proxy.links[0].up == size
        assert [line for line, _ in server.requests] == ([b"question\n"[:size]] if size else [])


@pytest.mark.parametrize("chaos", [Chaos(unread=True, reset=True), Chaos(cut_answer=0, reset=True)])
async def test_a_reset_is_no_end(server: TCPServer, chaos: Chaos) -> None:
    async with ChaosProxy(server.url, lambda _: chaos) as proxy:
        with pytest.raises(ConnectionResetError):
            await ask(proxy.url)


async def test_half_close(server: TCPServer) -> None:
    async with ChaosProxy(server.url, lambda _: Chaos(half_close=True)) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"question\n")
        assert await reader.read() == b""
        writer.write(b"still there\n")
        await writer.drain()
        await asyncio.sleep(0.02)
        writer.close()
    assert [line for line, _ in server.requests] == [b"question\n", b"still there\n"]


@pytest.mark.parametrize(
    ("chaos", "arrived"), [(Chaos(swallow_request=True), 0), (Chaos(swallow_answer=True), 1)], ids=["before", "behind"]
)
async def test_black_holes(server: TCPServer, chaos: Chaos, arrived: int) -> None:
    async with ChaosProxy(server.url, lambda _: chaos) as proxy:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await ask(proxy.url)
        assert len(server.requests) == arrived


@pytest.mark.parametrize(
    ("chaos", "seconds"), [(Chaos(latency=0.03), 0.06), (Chaos(drip=0.006), 0.06)], ids=["latency", "drip"]
)
async def test_slowness(server: TCPServer, chaos: Chaos, seconds: float) -> None:
    async with ChaosProxy(server.url, lambda _: chaos) as proxy:
        began = running_loop().time()
        assert await ask(proxy.url) == ANSWER
        assert running_loop().time() - began == pytest.approx(seconds)


async def test_each_connection_has_its_own_chaos(server: TCPServer) -> None:
    async with ChaosProxy(server.url, lambda number: Chaos(cut_answer=3) if number == 1 else CALM) as proxy:
        assert [len(await ask(proxy.url)) for _ in range(3)] == [10, 3, 10]


async def test_stray_bytes(server: TCPServer) -> None:
    async with ChaosProxy(server.url) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"question\n")
        await reader.readexactly(10)
        proxy.speak(b"stray")
        assert await reader.readexactly(5) == b"stray"
        writer.close()


@pytest.mark.parametrize("reset", [False, True])
async def test_hanging_up(server: TCPServer, reset: bool) -> None:
    async with ChaosProxy(server.url) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"question\n")
        await reader.readexactly(10)
        proxy.hang_up(reset=reset)
        if reset:
            with pytest.raises(ConnectionResetError):
                await reader.read()
        else:
            assert await reader.read() == b""
        writer.close()
