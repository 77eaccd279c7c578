"""A request class that does nothing which a form post of ours never needs.

aiohttp builds each request's head anew, guesses content type and length, and writes the body in a task of its own. Our
forms have one head for each address and a short body, so both are one piece of bytes, written at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import aiohttp
from aiohttp.hdrs import ACCEPT_ENCODING
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from ..wire.http import HTTPRequest
from .guard import GuardedRequest, SentMark

if TYPE_CHECKING:
    from aiohttp.client_reqrep import ConnectionKey
    from aiohttp.connector import Connection

__all__ = ["LONGEST_BODY", "LeanBody", "LeanHead", "LeanRequest", "whole"]

LONGEST_BODY: Final = 16_384
"""Bytes: longer bodies go aiohttp's way, which waits while the connection is full."""

# In place of the writer of a request that is written already.
_WRITTEN: Final[Any] = SimpleNamespace(output_size=0)
# Bytes: aiohttp pauses behind as many chunks, or many times as many bytes.
_NEVER_PAUSED: Final = 4_000
_ACCEPTED: Final = aiohttp.ClientRequest.DEFAULT_HEADERS[ACCEPT_ENCODING]


class LeanHead:
    """The head of all form posts to one address: what aiohttp would write, up to the digits of the length."""

    def __init__(self, url: URL, headers: Mapping[str, str]) -> None:
        self.url = url
        self.headers = CIMultiDict(
            {"Host": url.host_port_subcomponent or "", **headers, "Accept-Encoding": _ACCEPTED, "Content-Length": ""}
        )
        lines = "\r\n".join(f"{name}: {value}" for name, value in self.headers.items())
        self.wire = f"POST {url.raw_path_qs} HTTP/1.1\r\n{lines}".encode()
        self.info = aiohttp.RequestInfo(url, "POST", CIMultiDictProxy(self.headers), url)
        self.key: ConnectionKey | None = None
        """What aiohttp keeps connections by, once it was asked for."""


class LeanBody:
    """A form below its head. It holds the token, so it never shows itself."""

    __slots__ = ("head", "mark", "wire")

    def __init__(self, head: LeanHead, call: HTTPRequest, mark: SentMark) -> None:
        if not isinstance(call.body, bytes):
            raise TypeError("expected a form, which is written in one go")
        # Of the call, which does not show itself either: so no local variable of a traceback is the form.
        self.wire = b"%b%d\r\n\r\n%b" % (head.wire, len(call.body), call.body)
        self.head = head
        self.mark = mark


class LeanRequest(GuardedRequest):
    """A guarded request that writes a `LeanBody` as it is, and everything else as its base does."""

    _lean: LeanBody | None = None
    _how: dict[str, Any]
    """What the answer needs to know."""
    # What a form of ours never has; a request that is written as its base does has its own.
    method = "POST"
    proxy = proxy_auth = proxy_headers = None

    def __init__(self, method: str, url: URL, **how: Any) -> None:
        body = how["data"]
        if not isinstance(body, LeanBody):
            super().__init__(method, url, **how)
            return
        if how["traces"] or how["proxy"] is not None:
            raise ValueError("expected a post that nothing traces and no proxy carries")
        self._lean = body
        body.mark.guarded = True
        self.url = url
        self.headers = body.head.headers
        self.server_hostname = how["server_hostname"]
        self._ssl = how["ssl"]
        self._how = how

    @property
    def connection_key(self) -> ConnectionKey:
        """What the connector keeps connections by."""
        if self._lean is None:
            return super().connection_key
        head = self._lean.head
        if head.key is None:
            head.key = super().connection_key
        return head.key

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        """Write the request, or raise StaleConnectionError before the first byte."""
        body = self._lean
        if body is None:
            return await super().send(conn)
        self._checked(conn, body.mark).write(body.wire)
        how = self._how
        answered: type[aiohttp.ClientResponse] = how["response_class"] or aiohttp.ClientResponse
        return answered(
            "POST",
            self.url,
            writer=None,
            continue100=None,
            timer=how["timer"],
            request_info=body.head.info,
            traces=how["traces"],
            loop=how["loop"],
            session=how["session"],
            stream_writer=_WRITTEN,
        )


def whole(content: aiohttp.StreamReader) -> bytes:
    """Return a body that has come to its end and that nobody has read from.

    `read_nowait` tells the connection to read on, which by now may carry another request, and runs its parser for that.
    Nothing of a short body, in whatever chunks, had made it pause.
    """
    if content.total_bytes > _NEVER_PAUSED or type(content) is not aiohttp.StreamReader:
        return content.read_nowait(-1)
    return b"".join(content._buffer)
