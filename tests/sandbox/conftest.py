import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import aiohttp
import pytest

from tests.sandbox.door import PHONE, Door
from tests.simulation.virtual_loop import loop_factories, real_time
from wabotick_async.sandbox import Sandbox

__all__ = ["real_time"]  # a fixture


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Let seconds cost nothing."""
    return loop_factories(item)


Opened = Callable[..., AbstractAsyncContextManager[Door]]


class Clock:
    """Stand still until told otherwise."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def opened(clock: Clock) -> Opened:
    """Open a sandbox with other settings."""

    # Any: the settings are passed through to the sandbox as they are.
    @asynccontextmanager
    async def open_door(**settings: Any) -> AsyncIterator[Door]:
        async with Sandbox(**{"clock": clock, **settings}) as sandbox, aiohttp.ClientSession() as session:
            yield Door(sandbox, session)

    return open_door


@pytest.fixture(params=["vendor", "sibling"])
async def door(request: pytest.FixtureRequest, opened: Opened) -> AsyncIterator[Door]:
    """Open a sandbox of each dialect, with one subscriber who wrote just now."""
    async with opened(dialect=request.param) as door:
        door.sandbox.open_window(PHONE)
        yield door


@pytest.fixture
async def vendor(opened: Opened) -> AsyncIterator[Door]:
    """Open a sandbox that answers as the vendor documentation does."""
    async with opened() as door:
        door.sandbox.open_window(PHONE)
        yield door


@pytest.fixture
async def sibling(opened: Opened) -> AsyncIterator[Door]:
    """Open a sandbox that answers as the siblings do."""
    async with opened(dialect="sibling") as door:
        door.sandbox.open_window(PHONE)
        yield door
