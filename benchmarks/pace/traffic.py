"""More tasks than grants: each waits for a grant, notes the time, and lets a request go."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable

import aiohttp
import msgspec

from benchmarks.pace.limiters import Limiter
from benchmarks.pace.server import Noted
from benchmarks.pace.stall import Stall

_keys = itertools.count()


class Traffic(msgspec.Struct, frozen=True, kw_only=True):
    """Clock times, in order; the clock is the same in both processes."""

    began: float
    ended: float
    granted: list[float]
    """When the limiter decided."""
    returned: list[float]
    """When `acquire` came back to the task that had asked."""
    arrived: list[float]
    """When the server read the request."""
    stall: float
    """Seconds that either process stood still at most."""


async def traffic(
    limiter: Limiter,
    base_url: str,
    *,
    seconds: float,
    waiting: int,
    keep_alive: bool = True,
    delay: Callable[[], float] | None = None,
) -> Traffic:
    """Ask for grants for a while, from the first moment of a limiter and of its connections on.

    Args:
        limiter: a new one.
        base_url: the server.
        seconds: how long.
        waiting: tasks that always want a grant.
        keep_alive: use a connection for many requests.
        delay: seconds that a request spends on the way, besides the real ones.
    """
    key, returned, stall = f"{next(_keys)}", list[float](), Stall()
    connector = aiohttp.TCPConnector(force_close=not keep_alive)
    async with aiohttp.ClientSession(base_url, connector=connector) as session:
        async with asyncio.TaskGroup() as requests:

            async def request(start: float) -> None:
                if delay is not None:
                    await asyncio.sleep(delay())
                async with session.get(f"/{key}") as response:
                    await response.read()
                limiter.release(time.monotonic() - start)

            async def want() -> None:
                while True:
                    await limiter.acquire()
                    now = time.monotonic()
                    if now >= ended:
                        limiter.release(0.0)
                        return
                    returned.append(now)
                    requests.create_task(request(now))

            began = time.monotonic()
            ended = began + seconds
            wanting = [requests.create_task(want()) for _ in range(waiting)]
            await asyncio.sleep(seconds)
            for task in wanting:
                task.cancel()
        async with session.get(f"/times/{key}") as response:
            noted = msgspec.json.decode(await response.read(), type=Noted)
    limiter.close()
    stall.stop()
    if len(noted.times) != len(returned):
        raise RuntimeError(f"{len(returned)} requests left, {len(noted.times)} arrived")
    granted = returned if limiter.grants is None else [at for at in limiter.grants if at < ended]
    return Traffic(
        began=began,
        ended=ended,
        granted=granted,
        returned=returned,
        arrived=sorted(noted.times),
        stall=max(stall.take(), noted.stall),
    )
