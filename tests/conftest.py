"""What every test may use: property-test profiles, fixture files, and aioresponses on a current aiohttp."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import aioresponses.core
import pytest
from aioresponses import aioresponses as aioresponses_mock
from hypothesis import HealthCheck, settings

from tests.contract import fixture_files
from tests.lanes import bulk_way, lane

__all__ = ["bulk_way", "lane"]  # fixtures

# What takes processes, kills, or a search: `make test` runs it where something changed. Coverage leaves it out: that
# would cost as much again, and show nothing that the tests nearer to the code do not show.
SLOW = (
    "benchmarks/",
    "bulk/journal/test_crash.py",
    "bulk/journal/test_machine.py",
    "bulk/journal/test_random.py",
    "bulk/test_random.py",
    "bulk/test_sandbox.py",
    "examples/test_examples.py",
    "examples/test_readme.py",
    "faults/",
    "security/test_scan_plugin.py",
    "soak/",
    "structure/test_wheel.py",
    "transport/test_limiter_property.py",
    "typing/",
    "wire/test_properties.py",
)
# Slow, and measured: nothing else shows all of what they show.
SLOW_AND_MEASURED = (
    "bulk/journal/test_nothing_sent.py",
    "bulk/journal/test_states.py",
    "bulk/test_outcomes.py",
    "bulk/test_parking.py",
    "bulk/test_reconcile.py",
    "cli/",
    "integration/test_pace.py",
    "security/test_http.py",
    "simulation/",
    "transport/test_pool_faults.py",
)

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


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is slow, let it begin first so that no worker ends late, and tell make how much it is."""
    here = Path(__file__).parent
    for item in items:
        path = item.path.relative_to(here).as_posix() if item.path.is_relative_to(here) else ""
        if path.startswith(SLOW):
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.no_cover)
        elif path.startswith(SLOW_AND_MEASURED):
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
    if count := os.environ.pop("SLOW_COUNT", None):
        Path(count).write_text(str(sum(item.get_closest_marker("slow") is not None for item in items)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Keep coverage out of the processes of a test that is not measured."""
    with pytest.MonkeyPatch.context() as patch:
        if item.get_closest_marker("no_cover"):
            patch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
            patch.delenv("COVERAGE_PROCESS_START", raising=False)
        return (yield)
