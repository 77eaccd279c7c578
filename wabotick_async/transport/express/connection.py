"""One connection of the express lane."""

from __future__ import annotations

import asyncio
import select
import socket
from collections.abc import Callable
from typing import Final

import aiohttp

from ...errors import NotSentError
from ...wire.http import HTTPAnswer, HTTPRequest
from ..guard import StaleConnectionError
from .inbox import Inbox
from .outbox import Outbox
from .reader import AnswerReader

__all__ = ["EAGER", "STALE", "ExpressConnection", "Told"]

Told = Callable[[HTTPAnswer | Exception], object]
"""Gets what became of a request, once."""

EAGER: Final = "nothing was sent: the server spoke on a new connection, or closed it, before it was asked"
STALE: Final = "the kept connection was closed or spoke out of turn"
_TIMED_OUT: Final = "the time for the whole attempt is over"


class ExpressConnection(asyncio.Protocol):
    """Carries one request at a time. What comes while none is under way closes it, and answers nothing.

    Args:
        loop: of the connection.
        transport: open, and not read from before.
        outbox: says when to write.
        inbox: says when to read what has come.
        most: bytes of an answer's body.
        lost: told once when the connection is no more.
    """

    __slots__ = (
        "_came",
        "_heard",
        "_inbox",
        "_loop",
        "_lost",
        "_most",
        "_new",
        "_outbox",
        "_reader",
        "_told",
        "_transport",
        "_unless",
        "_unsent",
        "ended",
        "kept_until",
        "spoke",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        transport: asyncio.Transport,
        outbox: Outbox,
        inbox: Inbox,
        *,
        most: int,
        lost: Callable[[ExpressConnection], object],
    ) -> None:
        self._loop = loop
        self._transport = transport
        self._outbox = outbox
        self._inbox = inbox
        self._most = most
        self._lost = lost
        self._reader: AnswerReader | None = None
        self._told: Told | None = None
        self._unless: Callable[[], bool] | None = None
        self._heard = _hearing(transport.get_extra_info("socket"))
        self._unsent: bytes | None = None
        self._came = b""
        """What has come, and is not read yet."""
        self._new = True
        self.kept_until = 0.0
        """Clock time until which it may wait for another request."""
        self.spoke = False
        """Whether bytes came that no request had asked for."""
        self.ended = False
        """Whether it is known to be closed, or about to be: cheaper to ask for than `is_closing`, and later to know."""

    @property
    def is_closing(self) -> bool:
        """Tell whether it is closed, or about to be."""
        return self._transport.is_closing()

    @property
    def is_encrypted(self) -> bool:
        """Tell whether there is TLS."""
        return self._transport.get_extra_info("sslcontext") is not None

    def is_silent(self) -> bool:
        """Tell whether the connection is open, and neither bytes nor an end wait in it, read or unread."""
        return not (self.spoke or self._transport.is_closing() or self._heard(0))

    def ask(self, head: bytes, call: HTTPRequest, told: Told, unless: Callable[[], bool] | None = None) -> None:
        """Have a request written when the outbox says so; from then on bytes may have left.

        Args:
            head: all of it up to the value of Content-Length, the last field.
            call: whose body it is; it is never held by a frame that an error could show.
            told: gets the answer, or OutcomeUnknownError or DecodeError. Where nothing was written after all, it gets
                StaleConnectionError, and another connection may carry the request, or NotSentError. It raises nothing.
            unless: asked before it is written whether nobody waits any more.
        """
        if not isinstance(call.body, bytes):
            raise TypeError("expected a form, which is written in one go")
        self._reader = AnswerReader(self._loop, self._most)
        self._told, self._unless = told, unless
        self._unsent = b"%b%d\r\n\r\n%b" % (head, len(call.body), call.body)
        self._outbox.put(self)

    def write(self) -> None:
        """Write the request, if the connection is open and silent and somebody still waits for the answer."""
        if self._told is None or self._unsent is None or (self._unless is not None and self._unless()):
            self._unsent = None
            return
        # After a handshake, TLS itself may still have something to say, so only what was read counts there.
        known = self._new and self.is_encrypted
        if (self.spoke or self._transport.is_closing()) if known else not self.is_silent():
            self._call_off()
            self.abort()
            return
        unsent, self._unsent, self._new = self._unsent, None, False
        try:
            self._transport.write(unsent)
        except Exception as error:  # noqa: BLE001 - others wait to write, and of this one nobody knows what has left
            self.end(error)

    @property
    def may_be_kept(self) -> bool:
        """Tell whether it may carry another request after the one that was answered."""
        reader = self._reader
        return (
            reader is not None
            and reader.kept
            and not self.spoke
            and not self.ended
            and not self._transport.get_write_buffer_size()
        )

    @property
    def is_ambiguous(self) -> bool:
        """Tell whether more came than one answer to one request."""
        return self.spoke or (self._reader is not None and self._reader.surplus)

    def expire(self) -> None:
        """End the request that is under way, as its time is over."""
        self.end(TimeoutError(_TIMED_OUT))

    def end(self, why: Exception) -> None:
        """End the connection, and with it the request that is under way; what has come by now still counts."""
        self.read()
        if self._unsent is not None:
            self._call_off(NotSentError(f"nothing was sent: {why}"))
        elif self._told is not None and self._reader is not None:
            self._reader.end(why)
            self._settle(self._reader)
        self.abort()

    def abandon(self) -> None:
        """Close, and tell nobody what became of the request that is under way."""
        self._told = None
        self.abort()

    def abort(self) -> None:
        """Close without a farewell: nothing that is still unsent or unread matters any more."""
        self.ended = True
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Take what came, if somebody asked for it."""
        reader = self._reader
        if self._told is None or reader is None or self._unsent is not None:
            self.spoke = True
            self.abort()
        elif self._came:
            self._came += data
        else:
            self._came = data
            self._inbox.put(self)

    def read(self) -> None:
        """Read what has come."""
        came, reader, self._came = self._came, self._reader, b""
        if came and self._told is not None and reader is not None and reader.feed(came):
            self._settle(reader)

    def eof_received(self) -> None:
        """Let the transport close itself, which ends the request under way."""
        self.ended = True

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end."""
        self.ended = True
        self._heard = _gone
        self.read()
        if self._unsent is not None:
            self._call_off()
        elif self._told is not None and self._reader is not None:
            self._reader.feed_eof(exc)
            self._settle(self._reader)
        self._lost(self)

    def _call_off(self, why: NotSentError | None = None) -> None:
        """Say that nothing was written; without a reason, it is the connection's fault."""
        told, self._told, self._unsent = self._told, None, None
        if told is not None:
            told(why or (NotSentError(EAGER) if self._new else StaleConnectionError(STALE)))

    def _settle(self, reader: AnswerReader) -> None:
        told, self._told = self._told, None
        if told is not None:
            told(reader.answer or reader.failure or aiohttp.ClientPayloadError())


def _hearing(sock: socket.socket | None) -> Callable[[float], object]:
    """Return a question to the kernel: does anything wait to be read?"""
    if sock is None:
        return _gone
    if not hasattr(select, "poll"):  # Windows
        return lambda _: select.select([sock], [], [], 0)[0]
    poll = select.poll()
    poll.register(sock.fileno(), select.POLLIN)
    return poll.poll


def _gone(_: float) -> bool:
    return True
