"""What every test may use: property-test profiles, fixture files, and aioresponses on a current aiohttp."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import aiohttp
import aioresponses.core
import pytest
from aioresponses import aioresponses as aioresponses_mock
from hypothesis import HealthCheck, settings

from tests.contract import fixture_files

# Every test is read for tokens that it leaves behind.
pytest_plugins = ["tests.security.scan_plugin"]

# Deterministic, so that a red run can be repeated; "explore" looks for new cases: HYPOTHESIS_PROFILE=explore.
# A busy machine must not turn them red: no deadline, no complaint about slow input.
calm = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.register_profile("ci", calm, derandomize=True, database=None)
settings.register_profile("explore", calm, max_examples=5_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


class WrittenResponse(aiohttp.ClientResponse):
    """An answer that says its request was written.

    aiohttp 3.14 asks for a `stream_writer`, which aioresponses 0.7.9 does not pass on.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("stream_writer", SimpleNamespace(output_size=0))
        super().__init__(*args, **kwargs)


@pytest.fixture
def mocked_http(monkeypatch: pytest.MonkeyPatch) -> Iterator[aioresponses_mock]:
    """Answer every request of aiohttp from a list: `mocked_http.post(url, body=...)`; nothing leaves the process."""
    monkeypatch.setattr(aioresponses.core, "ClientResponse", WrittenResponse)
    with aioresponses_mock() as mock:
        yield mock


@pytest.fixture
def load_fixture() -> Callable[[str], bytes]:
    """Read an answer of tests/fixtures: `load_fixture("send_template/success-1.json")`."""
    return fixture_files.load_fixture
