"""A server in this process that answers as the benchmarks' servers do, and keeps what it was sent."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import AsyncIterator

from aiohttp import web
from aiohttp.test_utils import TestServer

from benchmarks.servers.answers import answer_for

__all__ = ["Recorded", "recording"]


class Recorded:
    """The requests so far."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.paths: list[str] = []
        self.forms: list[dict[str, str]] = []
        """Fields of each; of JSON, all the texts in it under `path/to/them`."""


@contextlib.asynccontextmanager
async def recording() -> AsyncIterator[Recorded]:
    """Run the server."""
    numbers = itertools.count()

    async def answer(request: web.BaseRequest) -> web.Response:
        recorded.paths.append(request.path)
        if request.content_type == "application/json":
            recorded.forms.append(dict(_texts("", json.loads(await request.text()))))
        else:
            recorded.forms.append({name: str(value) for name, value in (await request.post()).items()})
        found = answer_for(request.path)
        return web.Response(
            status=found.status, body=found.body(f"{next(numbers)}"), headers={"Content-Type": "application/json"}
        )

    application = web.Application()
    application.router.add_post("/{path:.*}", answer)
    async with TestServer(application) as server:
        recorded = Recorded(str(server.make_url("")).rstrip("/"))
        yield recorded


def _texts(path: str, value: object) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [one for name, inner in value.items() for one in _texts(f"{path}/{name}", inner)]
    if isinstance(value, list):
        return [one for at, inner in enumerate(value) for one in _texts(f"{path}/{at}", inner)]
    return [(path, str(value))]
