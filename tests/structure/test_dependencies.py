"""What we rely on in other projects without their promise. Red after an upgrade: look before you raise a bound."""

from __future__ import annotations

import inspect
import tomllib
from pathlib import Path

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aioresponses import aioresponses

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]


def test_the_guard_finds_the_method_that_it_overrides() -> None:
    assert list(inspect.signature(aiohttp.ClientRequest.send).parameters) == ["self", "conn"]
    assert inspect.iscoroutinefunction(aiohttp.ClientRequest.send)


def test_the_guard_finds_what_it_looks_at() -> None:
    assert {"protocol", "transport"} <= vars(Connection).keys()
    assert "should_close" in vars(ResponseHandler)


def test_the_session_takes_a_request_class() -> None:
    assert "request_class" in inspect.signature(aiohttp.ClientSession).parameters


def test_the_core_needs_four_packages() -> None:
    names = {line.split(">")[0] for line in PROJECT["dependencies"]}

    assert names == {"aiohttp", "anyio", "msgspec", "tenacity"}


async def test_mocked_answers_work_on_this_aiohttp(mocked_http: aioresponses) -> None:
    mocked_http.post("https://wabotick.test/", body=b'{"status":"1"}')

    async with aiohttp.ClientSession() as session, session.post("https://wabotick.test/") as response:
        assert await response.read() == b'{"status":"1"}'
