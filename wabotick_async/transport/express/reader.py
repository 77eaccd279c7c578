"""Bytes of a connection in, one answer out. The parser is aiohttp's own (llhttp); there is no I/O here."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import aiohttp
from aiohttp.http_parser import HttpResponseParser
from aiohttp.streams import EMPTY_PAYLOAD

from ...errors import DecodeError, OutcomeUnknownError, WabotickError
from ...wire.http import HTTPAnswer
from ..causes import harmless, named
from ..headers import harmless_headers
from ..lean import whole
from .inflate import CODINGS, inflate

if TYPE_CHECKING:
    from aiohttp.http_parser import RawResponseMessage
    from aiohttp.streams import StreamReader

__all__ = ["AnswerReader"]

_SWITCHING: Final = 101
# What the parser keeps at most before it asks to pause. It is emptied after every piece, so nobody ever pauses.
_WATER: Final = 1 << 20


class _Reading:
    """What the parser takes for its connection, to hold the flow back or let it go on."""

    def pause_reading(self) -> None:
        pass

    def resume_reading(self, resume_parser: bool = True) -> None:
        pass


_FLOW: Final = _Reading()


class AnswerReader:
    """Read one answer. Make a new one for each request, as the parser wants it.

    Args:
        loop: what the parser's own parts ask for; nothing is scheduled in it.
        most: bytes of the body after decompression.
    """

    __slots__ = ("_body", "_message", "_most", "_parser", "_payload", "_size", "answer", "failure", "kept", "surplus")

    def __init__(self, loop: asyncio.AbstractEventLoop, most: int) -> None:
        self._parser = HttpResponseParser(
            _FLOW,  # type: ignore[arg-type]  # it has the two methods that are called
            loop,
            _WATER,
            payload_exception=aiohttp.ClientPayloadError,
            read_until_eof=True,
            auto_decompress=False,
        )
        self._most = most
        self._message: RawResponseMessage | None = None
        self._payload: StreamReader | None = None
        self._body: list[bytes] = []
        self._size = 0
        self.answer: HTTPAnswer | None = None
        """The answer, once it is whole."""
        self.failure: WabotickError | None = None
        """Why there is none."""
        self.kept = False
        """Whether the connection may carry another request."""
        self.surplus = False
        """Whether more came than one answer, so that nobody knows which is ours."""

    def feed(self, data: bytes) -> bool:
        """Read some bytes, and tell whether that settles the matter."""
        try:
            messages = self._parser.feed_data(data)[0]
        except Exception as error:  # noqa: BLE001 - whatever a parser says, this is no answer
            self._break_off(error)
            return True
        for message, payload in messages:
            if self._message is not None:
                self.surplus = True
                break
            # Without a body, the parser still makes a stream, but where the length is beyond all bounds.
            if message.code < 100 or (message.code >= 200 and payload is EMPTY_PAYLOAD):
                self._break_off(aiohttp.ClientPayloadError(f"HTTP {message.code} with no length to be believed"))
                return True
            if message.code >= 200 or message.code == _SWITCHING:  # others come before the answer
                self._message, self._payload = message, payload
        if self._message is None or self._payload is None:
            return False
        return self._take(self._message, self._payload)

    def feed_eof(self, error: Exception | None = None) -> None:
        """Note the end of the connection, which may be the end of the answer; with an error it never is."""
        if self._message is None or self._payload is None:
            self._break_off(aiohttp.ClientOSError(*error.args) if error else aiohttp.ServerDisconnectedError())
            return
        try:
            if error is None:
                self._parser.feed_eof()
        except Exception as cut:  # noqa: BLE001 - whatever a parser says, this is no whole answer
            error = cut
        if error is None and self._payload.is_eof():
            self._finish(self._message, b"".join(self._body))
        else:
            self._break_off(aiohttp.ClientPayloadError(f"the answer was cut: {error!r}"))

    def end(self, error: Exception) -> None:
        """Give up."""
        self._break_off(error)

    def _take(self, message: RawResponseMessage, payload: StreamReader) -> bool:
        ended = payload.is_eof()
        body = whole(payload) if ended and not self._body else payload.read_nowait()
        if self._body or not ended:  # it comes in pieces
            if body:
                self._body.append(body)
                self._size += len(body)
            if not ended and self._size <= self._most:
                return False
            body = b"".join(self._body)
        if self._finish(message, body) and not (message.should_close or self.surplus or message.code == _SWITCHING):
            self.kept = not self._has_begun()
        return True

    def _has_begun(self) -> bool:
        """Tell whether the parser holds the beginning of yet another answer."""
        try:
            self.surplus = self._parser.feed_eof() is not None
        except Exception:  # noqa: BLE001 - any error says the same
            self.surplus = True
        return self.surplus

    def _finish(self, message: RawResponseMessage, body: bytes) -> bool:
        """Make the answer, or say what is wrong with it; tell whether it is whole."""
        broken, longer = None, len(body) > self._most
        if body and message.compression in CODINGS:
            body, broken = inflate(body, message.compression, self._most)
            longer = longer or len(body) > self._most
        if longer and message.code < 300:
            problem = f"the answer is longer than {self._most} bytes"
            self.failure = DecodeError(problem, status=message.code, headers=harmless_headers(message.headers))
        elif not longer and broken is not None and message.code < 400:
            self._break_off(broken)
        else:
            body = body[: self._most]
            self.answer = HTTPAnswer(status=message.code, headers=harmless_headers(message.headers), body=body)
        return not longer and broken is None

    def _break_off(self, error: Exception) -> None:
        message = self._message
        if message is not None and message.code >= 400:
            # The status line has said no; a cut text below it changes nothing.
            self._finish(message, b"".join(self._body))
            return
        # The frames of a parser's error hold what was received, and so may what led to it.
        error.__traceback__ = error.__context__ = None
        said = "no answer" if message is None else f"the answer (HTTP {message.code}) was cut"
        self.failure = OutcomeUnknownError(f"{said}: {named(error)}")
        self.failure.__cause__ = harmless(error)
