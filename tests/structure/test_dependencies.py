"""What we rely on in other projects without their promise. Red after an upgrade: look before you raise a bound."""

from __future__ import annotations

import asyncio
import inspect
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http_parser import HttpResponseParser
from aioresponses import aioresponses

from wabotick_async.transport.express.opener import express_is_tested

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]


def test_the_guard_finds_the_method_that_it_overrides() -> None:
    assert list(inspect.signature(aiohttp.ClientRequest.send).parameters) == ["self", "conn"]
    assert inspect.iscoroutinefunction(aiohttp.ClientRequest.send)


def test_the_guard_finds_what_it_looks_at() -> None:
    assert {"protocol", "transport"} <= vars(Connection).keys()
    assert "should_close" in vars(ResponseHandler)


def test_the_session_takes_a_request_class() -> None:
    assert "request_class" in inspect.signature(aiohttp.ClientSession).parameters


def test_the_express_lane_is_tested_with_this_aiohttp() -> None:
    assert express_is_tested()


def test_the_express_lane_finds_what_it_opens_connections_with() -> None:
    assert list(inspect.signature(aiohttp.TCPConnector.connect).parameters) == ["self", "req", "traces", "timeout"]
    assert {"loop", "proxy"} <= inspect.signature(aiohttp.ClientRequest).parameters.keys()


async def test_bytes_that_nobody_asked_for_show_before_the_express_lane_takes_over() -> None:
    handler = ResponseHandler(asyncio.get_running_loop())
    assert not handler.should_close
    handler.data_received(b"H")
    assert handler.should_close


async def test_the_parser_tells_the_end_of_an_answer_and_the_beginning_of_another() -> None:
    flow: Any = SimpleNamespace(resume_reading=lambda resume_parser=True: None)
    loop, whole = asyncio.get_running_loop(), b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    parser = HttpResponseParser(flow, loop, 1 << 16, read_until_eof=True, auto_decompress=False)
    ((_, payload),) = parser.feed_data(whole)[0]
    assert (payload.read_nowait(), payload.is_eof(), parser.feed_eof()) == (b"{}", True, None)
    parser = HttpResponseParser(flow, loop, 1 << 16, read_until_eof=True, auto_decompress=False)
    assert len(parser.feed_data(whole + b"H")[0]) == 1
    assert parser.feed_eof() is not None


def test_the_core_needs_four_packages() -> None:
    names = {line.split(">")[0] for line in PROJECT["dependencies"]}

    assert names == {"aiohttp", "anyio", "msgspec", "tenacity"}


async def test_mocked_answers_work_on_this_aiohttp(mocked_http: aioresponses) -> None:
    mocked_http.post("https://wabotick.test/", body=b'{"status":"1"}')

    async with aiohttp.ClientSession() as session, session.post("https://wabotick.test/") as response:
        assert await response.read() == b'{"status":"1"}'
