"""Replies, whole and broken."""

import asyncio
import http
import json
import socket
import struct
from collections.abc import Mapping
from typing import NamedTuple

from aiohttp import web

from .contract import Body

_STRAY_DELAY = 0.02


class Reply(NamedTuple):
    """Hold a whole reply before it is put on the wire."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = {}

    def raw(self) -> bytes:
        """Return the reply as it looks on the wire, status line first."""
        lines = [
            f"HTTP/1.1 {self.status} {http.HTTPStatus(self.status).phrase}",
            f"Content-Type: {self.content_type}",
            f"Content-Length: {len(self.body)}",
            *(f"{name}: {value}" for name, value in self.headers.items()),
        ]
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + self.body

    def response(self) -> web.Response:
        """Return the reply for aiohttp to send."""
        headers = {"Content-Type": self.content_type, **self.headers}
        return web.Response(status=self.status, body=self.body, headers=headers)


def json_reply(body: Body, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """Return a JSON reply; like PHP, it escapes everything beyond ASCII."""
    return Reply(status, json.dumps(body).encode(), "application/json", headers or {})


def page(status: int, title: str, headers: Mapping[str, str] | None = None) -> Reply:
    """Return an HTML page."""
    text = f"<!DOCTYPE html>\n<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n"
    return Reply(status, text.encode(), "text/html; charset=UTF-8", headers or {})


class BrokenResponse(web.Response):
    """Put raw bytes (or none) on the wire, then close or reset the connection."""

    def __init__(self, raw: bytes = b"", *, reset: bool) -> None:
        super().__init__(status=200)
        self._raw = raw
        self._reset = reset

    async def prepare(self, request: web.BaseRequest) -> None:
        """Write, cut the connection and tell aiohttp that it is gone.

        Raises:
            ConnectionResetError: always; aiohttp then closes its side without a reply of its own.
        """
        transport = request.transport
        if transport is not None:
            if self._raw:
                transport.write(self._raw)
            if self._reset and isinstance(transport, asyncio.Transport):
                reset(transport)
        raise ConnectionResetError("cut by a fault")


class StrayResponse(web.Response):
    """Send a good reply, and a second one behind it when the connection is idle."""

    def __init__(self, reply: Reply, stray: bytes) -> None:
        super().__init__(
            status=reply.status, body=reply.body, headers={"Content-Type": reply.content_type, **reply.headers}
        )
        self._stray = stray

    async def write_eof(self, data: bytes = b"") -> None:
        """Finish the reply and let the stray one follow."""
        transport = self._req.transport if self._req is not None else None
        await super().write_eof(data)
        if transport is not None:
            asyncio.get_running_loop().call_later(_STRAY_DELAY, _write, transport, self._stray)


def reset(transport: asyncio.Transport) -> None:
    """Close a connection with RST instead of FIN."""
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def _write(transport: asyncio.WriteTransport, data: bytes) -> None:
    if not transport.is_closing():
        transport.write(data)
