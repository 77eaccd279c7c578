"""The proof that nothing was sent, and the guard against stray replies.

aiohttp's exception type does not tell whether bytes left, and an answer that lies on an idle connection would be taken
for the answer to the next request: a message reported as accepted that the server never read. Both are settled at the
one point where a request meets its connection, just before the first byte.
"""

from __future__ import annotations

import asyncio
import select
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet

import aiohttp

if TYPE_CHECKING:
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.connector import Connection

__all__ = [
    "TESTED_RELEASE",
    "GuardedRequest",
    "SentMark",
    "StaleConnectionError",
    "UnaskedAnswerError",
    "current_mark",
    "guard_is_tested",
]


class SentMark:
    """What is known about one attempt."""

    __slots__ = ("guarded", "left", "transport")

    def __init__(self) -> None:
        self.guarded = False
        """Whether a `GuardedRequest` carries the attempt, so that `left` is exact."""
        self.left = False
        """Whether the first byte may have left."""
        self.transport: asyncio.Transport | None = None
        """The connection that carried it; aiohttp itself lets go of it as soon as a short answer is there."""


class StaleConnectionError(aiohttp.ClientConnectionError):
    """A kept connection was closed or spoke out of turn before the request was written."""


class UnaskedAnswerError(aiohttp.ClientConnectionError):
    """A new connection brought bytes before the request was written, so they are no answer to it."""


def guard_is_tested() -> bool:
    """Tell whether this aiohttp is one whose inner contract the guard was tested with.

    The guard overrides a method that aiohttp does not document. With another release, the pool falls back to what needs
    no such method: a new connection for each request, and no proof that nothing was sent but the error's own type.
    """
    return "send" in vars(aiohttp.ClientRequest) and aiohttp.__version__.startswith(TESTED_RELEASE)


TESTED_RELEASE: Final = "3.14."
current_mark: Final[ContextVar[SentMark | None]] = ContextVar("wabotick_sent_mark", default=None)
_used: Final[WeakSet[ResponseHandler]] = WeakSet()


class GuardedRequest(aiohttp.ClientRequest):
    """A request that looks at its connection before it writes. Give it to your own session as `request_class`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if (mark := current_mark.get()) is not None:
            mark.guarded = guard_is_tested()

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        """Write the request, or raise StaleConnectionError before the first byte."""
        protocol = conn.protocol
        if protocol is None or protocol.should_close:
            raise StaleConnectionError("the kept connection was closed or spoke out of turn")
        if protocol in _used:
            if _readable(conn):
                raise StaleConnectionError("the kept connection was closed or spoke out of turn")
        elif not _encrypted(conn) and _readable(conn):  # after a handshake, TLS itself may still have something to say
            raise UnaskedAnswerError("the server spoke on a new connection before it was asked")
        _used.add(protocol)
        if (mark := current_mark.get()) is not None:
            mark.left = True
            mark.transport = conn.transport
        return await super().send(conn)


def _encrypted(conn: Connection) -> bool:
    return conn.transport is not None and conn.transport.get_extra_info("sslcontext") is not None


def _readable(conn: Connection) -> bool:
    """Tell whether bytes or an end wait on a connection that should be silent."""
    transport = conn.transport
    sock = transport.get_extra_info("socket") if transport is not None else None
    if sock is None:
        return True
    if not hasattr(select, "poll"):  # Windows
        return bool(select.select([sock], [], [], 0)[0])
    poll = select.poll()
    poll.register(sock.fileno(), select.POLLIN)
    return bool(poll.poll(0))
