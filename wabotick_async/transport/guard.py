"""The proof that nothing was sent, and the guard against stray replies.

aiohttp's exception type does not tell whether bytes left, and an answer that lies on an idle connection would be taken
for the answer to the next request: a message reported as accepted that the server never read. Both are settled at the
one point where a request meets its connection, just before the first byte.
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

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

    __slots__ = ("guarded", "left", "overdue", "transport")

    def __init__(self) -> None:
        self.guarded = False
        """Whether a `GuardedRequest` carries the attempt, so that `left` is exact."""
        self.left = False
        """Whether the first byte may have left."""
        self.overdue = False
        """Whether the time is over."""
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
# Of each connection in use what tells whether it can be read. A transport that is not closing keeps its descriptor.
_used: Final[WeakKeyDictionary[ResponseHandler, Callable[[float], object]]] = WeakKeyDictionary()


class GuardedRequest(aiohttp.ClientRequest):
    """A request that looks at its connection before it writes. Give it to your own session as `request_class`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if (mark := current_mark.get()) is not None:
            mark.guarded = guard_is_tested()

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        """Write the request, or raise StaleConnectionError before the first byte."""
        self._checked(conn, current_mark.get())
        return await super().send(conn)

    @staticmethod
    def _checked(conn: Connection, mark: SentMark | None) -> asyncio.Transport:
        """Look at the connection just before the first byte, note that it leaves, and return what carries it."""
        protocol, transport = conn.protocol, conn.transport
        if protocol is None or transport is None or protocol.should_close or transport.is_closing():
            raise StaleConnectionError("the kept connection was closed or spoke out of turn")
        if mark is not None and mark.overdue:
            raise TimeoutError("the time was over before the request could leave")
        poll = _used.get(protocol)
        if poll is not None:
            if poll(0):
                raise StaleConnectionError("the kept connection was closed or spoke out of turn")
        elif not _encrypted(conn) and _readable(conn):  # after a handshake, TLS itself may still have something to say
            raise UnaskedAnswerError("the server spoke on a new connection before it was asked")
        if poll is None:
            _used[protocol] = _poll_of(transport)
        if mark is not None:
            mark.left = True
            mark.transport = transport
        return transport


def _encrypted(conn: Connection) -> bool:
    return conn.transport is not None and conn.transport.get_extra_info("sslcontext") is not None


def _readable(conn: Connection) -> bool:
    """Tell whether bytes or an end wait on a connection that should be silent."""
    transport = conn.transport
    return transport is None or bool(_poll_of(transport)(0))


def _poll_of(transport: asyncio.Transport) -> Callable[[float], object]:
    """Return what waits some milliseconds until a connection can be read, and says whether it can."""
    sock = transport.get_extra_info("socket")
    if sock is None:
        return lambda _: True
    if not hasattr(select, "poll"):  # Windows
        return lambda milliseconds: select.select([sock], [], [], milliseconds / 1_000)[0]
    poll = select.poll()
    poll.register(sock.fileno(), select.POLLIN)
    return poll.poll
