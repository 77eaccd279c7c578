"""What a user would write himself: a loop over aiohttp or httpx. It checks nothing, and remembers nothing."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from importlib import import_module

import aiohttp

from benchmarks.cases.base import (
    NAME,
    NUMBER,
    ORDER,
    TEMPLATE,
    TOKEN,
    Case,
    Open,
    Place,
    Send,
    gathered,
    next_phone_number,
    shared_by_workers,
)
from wabotick_async.endpoints import registry

__all__ = ["HTTPX", "NAIVE", "WORKERS", "form"]


def form() -> dict[str, str]:
    """Return the fields of the next message."""
    return {
        "apiToken": TOKEN,
        "phone_number_id": NUMBER,
        "phone_number": next_phone_number(),
        "template_id": TEMPLATE,
        "templateVariable-name-1": NAME,
        "templateVariable-order-code-2": ORDER,
    }


def _naive(spread: Callable[[Callable[[], Awaitable[object]], int], Send]) -> Open:
    @contextlib.asynccontextmanager
    async def case(place: Place) -> AsyncIterator[Send]:
        url = place.base_url + registry["send_template"].path
        connector = aiohttp.TCPConnector(limit=place.connections, ssl=place.trust() or True)
        async with aiohttp.ClientSession(connector=connector) as session:

            async def one() -> None:
                async with session.post(url, data=form()) as response:
                    await response.json()

            yield spread(one, place.in_flight)

    return case


@contextlib.asynccontextmanager
async def _httpx(place: Place) -> AsyncIterator[Send]:
    httpx = import_module("httpx")
    url = place.base_url + registry["send_template"].path
    limits = httpx.Limits(max_connections=place.connections, max_keepalive_connections=place.connections)
    async with httpx.AsyncClient(limits=limits, verify=place.trust() or True) as client:

        async def one() -> None:
            (await client.post(url, data=form())).json()

        yield gathered(one, place.in_flight)


NAIVE = Case(name="naive aiohttp loop", open=_naive(gathered))
WORKERS = Case(name="the same with a worker pool", open=_naive(shared_by_workers))
HTTPX = Case(name="httpx", open=_httpx, needs="httpx")
