"""Fixtures for your tests: put `pytest_plugins = ["wabotick_async.testing.pytest_plugin"]` into your topmost conftest.

They are asynchronous, so run them by pytest-asyncio in its auto mode (`asyncio_mode = "auto"`) or by anyio's plugin.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from ..client import WabotickClient
from ..config import Limits
from ..sandbox import Sandbox

__all__ = ["wabotick_client", "wabotick_sandbox"]


@pytest.fixture
async def wabotick_sandbox() -> AsyncIterator[Sandbox]:
    """Run a sandbox on a free loopback port while the test runs."""
    async with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
async def wabotick_client(wabotick_sandbox: Sandbox) -> AsyncIterator[WabotickClient]:
    """Open a client of the test's sandbox that no rate limit slows down."""
    client = WabotickClient(
        wabotick_sandbox.token,
        phone_number_id=wabotick_sandbox.phone_number_id,
        base_url=wabotick_sandbox.base_url,
        limits=Limits(rate=10_000.0, burst=100),
    )
    async with client:
        yield client
