"""How connections are opened: by aiohttp's connector, with its DNS cache, happy eyeballs, TLS and proxies.

The connector is used as a session would use it, and each connection it gives is then driven by a protocol of ours and
never handed back. Three things in that are no promise of aiohttp: how `connect` is called, what a `ClientRequest` needs
to exist, and that bytes which nobody asked for show in `should_close`.
"""

from __future__ import annotations

import asyncio
import inspect
import ssl
from typing import TYPE_CHECKING

import aiohttp
from aiohttp import http_parser
from yarl import URL

from ..guard import TESTED_RELEASE

if TYPE_CHECKING:
    from aiohttp.connector import Connection

__all__ = ["Opener", "express_is_tested", "sessions_are_mocked"]


def express_is_tested() -> bool:
    """Tell whether this aiohttp is one that the express lane was tested with, its compiled parser included."""
    return (
        aiohttp.__version__.startswith(TESTED_RELEASE)
        and http_parser.HttpResponseParser is not http_parser.HttpResponseParserPy
        and list(inspect.signature(aiohttp.TCPConnector.connect).parameters) == ["self", "req", "traces", "timeout"]
    )


def sessions_are_mocked() -> bool:
    """Tell whether something stands in for aiohttp's sessions, as aioresponses and other test tools do."""
    return getattr(aiohttp.ClientSession._request, "__module__", "") != aiohttp.ClientSession.__module__


class Opener:
    """Opens connections in one event loop.

    Args:
        loop: the loop.
        ssl_context: the user's trust settings; certificates are always verified.
        proxy: address of an HTTP proxy.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, ssl_context: ssl.SSLContext | None, proxy: str | None) -> None:
        self._loop = loop
        self._proxy = proxy
        # The pool counts connections itself.
        self._connector = aiohttp.TCPConnector(limit=0, ssl=ssl_context if ssl_context is not None else True)

    async def open(self, url: URL, seconds: float) -> Connection:
        """Open a connection to a server, or to the proxy on the way there.

        Args:
            url: of a request that is to be sent.
            seconds: for a TLS handshake behind a proxy; the caller bounds the whole.

        Raises:
            aiohttp.ClientError, OSError, TimeoutError, ValueError, RuntimeError: there is none.
        """
        proxy = None if self._proxy is None else URL(self._proxy)
        request = aiohttp.ClientRequest("POST", url, loop=self._loop, proxy=proxy)
        return await self._connector.connect(request, traces=[], timeout=aiohttp.ClientTimeout(total=seconds))

    async def close(self) -> None:
        """Close what is still open."""
        await self._connector.close()
