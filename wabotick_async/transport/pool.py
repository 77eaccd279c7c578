"""The session pool: the one door to aiohttp."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from functools import lru_cache
from typing import Final

import aiohttp
from yarl import URL

from ..config import Limits, Timeout
from ..errors import ConfigurationError, DecodeError, NotSentError, OutcomeUnknownError, TransportError
from ..wire.http import HTTPAnswer, HTTPRequest, Multipart
from .bodies import opened
from .carriers import Carriers
from .causes import harmless, named
from .flight import SessionFlight
from .guard import GuardedRequest, SentMark, StaleConnectionError, UnaskedAnswerError, current_mark, guard_is_tested
from .headers import FORM_HEADERS, HEADERS, harmless_headers
from .home import Home
from .lean import LONGEST_BODY, LeanBody, LeanHead, LeanRequest, whole
from .recent import RecentAnswers
from .watchdog import Watchdog

__all__ = ["SessionPool"]

# Below the usual server's 15 s and more, so that we are the ones who close an idle connection.
_KEEPALIVE: Final = 10.0
_FATAL: Final = (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError)
_CLOSED: Final = "nothing was sent: the client was closed before the request could leave"
# Raised before a connection exists, whatever the session's request class.
_BEFORE_CONNECTION: Final = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
    StaleConnectionError,
    UnaskedAnswerError,
)


class SessionPool:
    """Kept connections of one event loop.

    Args:
        base_url: where requests go.
        team_base_url: where requests of the team host go; the same by default.
        limits: how many connections, and how long an answer may be.
        session: your own session, which stays open when the pool closes. Open it with
            `request_class=GuardedRequest`: without it, only errors before a connection prove that nothing was sent.
        ssl_context: your own trust settings; certificates are always verified by default.
        proxy: address of an HTTP proxy; the environment's is never used.
        lean: write forms by a request class that skips what they never need. Like the guard it knows aiohttp's inside,
            so it is used with the releases that it was tested with, for direct and kept connections alone.

    Raises:
        ConfigurationError: the trust settings are none, or belong to a session that has its own.
    """

    def __init__(
        self,
        base_url: str,
        *,
        team_base_url: str | None = None,
        limits: Limits,
        session: aiohttp.ClientSession | None = None,
        ssl_context: ssl.SSLContext | None = None,
        proxy: str | None = None,
        lean: bool = True,
    ) -> None:
        self._wants_lean = lean
        self._hosts = (base_url, team_base_url or base_url)
        self._heads: dict[tuple[str, bool], LeanHead] = {}
        self._limits = limits
        self._most = limits.connections
        self._session = session
        self._owned = session is None
        self._ssl = ssl_context
        self._proxy = proxy
        self._home = Home()
        self._closed = False
        self._recent = RecentAnswers()
        self._watchdog: Watchdog | None = None
        self._under_way = 0
        """Requests that have a connection, or may ask for one at any time."""
        self.carriers: Carriers
        """Of the loop of the first request, once it opened a session."""
        if ssl_context is not None and not isinstance(ssl_context, ssl.SSLContext):
            raise ConfigurationError("ssl_context: expected an ssl.SSLContext; certificates are always verified")
        if ssl_context is not None and session is not None:
            raise ConfigurationError("ssl_context: expected none beside a session, whose connector has its own")

    async def post(self, call: HTTPRequest, timeouts: Timeout) -> HTTPAnswer:
        """Send one request and return whatever was answered; see `Pool.post`."""
        session = self._session_here()
        self._under_way += 1
        try:
            return await self.carry(session, call, timeouts)
        finally:
            self._under_way -= 1

    def runway(self, timeouts: Timeout) -> Callable[[HTTPRequest], SessionFlight | None] | None:
        """Return what reserves flights where a connection is free or may be opened; see `Reserves`.

        With a session of the user's own there is none: nobody knows how many of its connections others need.
        """
        if not self._owned:
            return None
        try:
            session = self._session_here()
        except ConfigurationError:  # `post` says it
            return None

        def reserve(call: HTTPRequest) -> SessionFlight | None:
            if isinstance(call.body, Multipart) or self._under_way >= self._most:
                return None
            self._under_way += 1
            return SessionFlight(self, session, call, timeouts)

        return reserve

    def give_place_back(self) -> None:
        """Let another request have the connection of one that has ended."""
        self._under_way -= 1

    async def carry(self, session: aiohttp.ClientSession, call: HTTPRequest, timeouts: Timeout) -> HTTPAnswer:
        """Send a request that has a place; see `post`."""
        if session.closed:  # since the flight was reserved
            raise NotSentError(_CLOSED, fatal=True)
        # Each stale connection is dropped before a byte is written, so this ends with a fresh one.
        for _ in range(self._most + 1):
            mark = SentMark()
            try:
                watchdog = self._watchdog
                if watchdog is not None and isinstance(call.body, bytes) and len(call.body) <= LONGEST_BODY:
                    answer = await self._post_lean(session, call, timeouts, mark, watchdog)
                else:
                    answer = await self._post_once(session, call, timeouts, mark)
                return self._verified(answer, call, mark)
            except StaleConnectionError:
                continue
            except (aiohttp.ClientError, TimeoutError, OSError, ValueError, RuntimeError) as error:
                failure, cause = _translated(error, mark), harmless(error)
            except asyncio.CancelledError:
                # aiohttp ends those who wait for a connection this way when the session is closed.
                if self._closed and not mark.left and not _is_called_off():
                    raise NotSentError(_CLOSED, fatal=True) from None
                raise
            raise failure from cause  # out here, so that what is not harmless stays no context either
        raise NotSentError("every kept connection was closed by the server")

    async def _post_once(
        self, session: aiohttp.ClientSession, call: HTTPRequest, timeouts: Timeout, mark: SentMark
    ) -> HTTPAnswer:
        multipart = isinstance(call.body, Multipart)
        token = current_mark.set(mark)
        try:
            with await opened(call.body) as body:
                async with session.post(
                    self._url(call),
                    data=body,
                    headers=HEADERS if multipart else FORM_HEADERS,
                    allow_redirects=False,
                    raise_for_status=False,
                    timeout=_client_timeout(timeouts.total, timeouts.connect),
                    proxy=self._proxy,
                ) as response:
                    return await self._read(response)
        finally:
            current_mark.reset(token)

    async def _post_lean(
        self,
        session: aiohttp.ClientSession,
        call: HTTPRequest,
        timeouts: Timeout,
        mark: SentMark,
        watchdog: Watchdog,
    ) -> HTTPAnswer:
        head = self._head(call)
        watchdog.watch(mark, timeouts.total)
        response: aiohttp.ClientResponse | None = None
        try:
            response = await session.post(
                head.url,
                data=LeanBody(head, call, mark),
                allow_redirects=False,
                raise_for_status=False,
                timeout=_client_timeout(None, min(timeouts.total, timeouts.connect)),
            )
            return await self._read(response)
        except (aiohttp.ClientError, OSError) as error:
            if mark.overdue and mark.left:  # the watchdog cut the connection
                raise TimeoutError from error
            raise
        finally:
            watchdog.let_go(mark)
            if response is not None and not response.closed:
                response.release()

    def _verified(self, answer: HTTPAnswer, call: HTTPRequest, mark: SentMark) -> HTTPAnswer:
        if call.unsafe and self._recent.repeats(answer.body):
            # A late copy of an earlier answer: our own is still to come on this connection, so it must not be kept.
            if mark.transport is not None:
                mark.transport.abort()
            raise OutcomeUnknownError("the answer repeats an earlier one, so it was not meant for this request")
        return answer

    async def _read(self, response: aiohttp.ClientResponse) -> HTTPAnswer:
        content, headers = response.content, harmless_headers(response.headers)
        most = self._limits.max_answer_bytes
        if content.is_eof() and content.total_bytes <= most and content.exception() is None:
            # Nearly every answer comes in one piece.
            text = content.read_nowait(-1) if self._watchdog is None else whole(content)
            return HTTPAnswer(status=response.status, headers=headers, body=text)
        body = bytearray()
        failure: Exception | None = None
        try:
            while chunk := await content.readany():
                body += chunk
                if len(body) > most:
                    response.close()
                    if response.status < 300:
                        body, chunk = bytearray(), b""  # it may quote the request, and tracebacks may show locals
                        raise DecodeError(
                            f"the answer is longer than {most} bytes", status=response.status, headers=headers
                        )
                    del body[most:]
                    break
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            failure, chunk = error, b""
        if failure is not None:
            if response.status < 400:
                body = bytearray()
                problem = f"the answer (HTTP {response.status}) was cut: {named(failure)}"
                raise OutcomeUnknownError(problem) from harmless(failure)
            response.close()  # the status line has said no; a cut text below it changes nothing
        return HTTPAnswer(status=response.status, headers=headers, body=bytes(body))

    def _session_here(self) -> aiohttp.ClientSession:
        if self._closed:
            raise ConfigurationError("the client is closed")
        self._home.enter()
        if self._session is None:
            self._session = self._open()
        if self._session.closed:
            raise ConfigurationError("the session was closed by its owner")
        return self._session

    def _open(self) -> aiohttp.ClientSession:
        keep = self._limits.keep_alive and guard_is_tested()
        connector = aiohttp.TCPConnector(
            limit=self._limits.connections,
            keepalive_timeout=_KEEPALIVE if keep else None,
            force_close=not keep,
            ssl=self._ssl if self._ssl is not None else True,
        )
        self.carriers = Carriers(asyncio.get_running_loop())
        lean = keep and self._wants_lean and self._proxy is None
        if lean:
            self._watchdog = Watchdog(asyncio.get_running_loop())
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            request_class=LeanRequest if lean else GuardedRequest,
            trust_env=False,
            raise_for_status=False,
        )

    def _url(self, call: HTTPRequest) -> URL:
        return self._head(call).url

    def _head(self, call: HTTPRequest) -> LeanHead:
        key = (call.path, call.team_host)
        head = self._heads.get(key)
        if head is None:
            url = URL(self._hosts[call.team_host] + call.path)
            head = self._heads[key] = LeanHead(url, FORM_HEADERS)
        return head

    async def close(self) -> None:
        """Close the session that this pool opened; one that was passed in stays open. Safe to call twice."""
        self._closed = True
        session, self._session = self._session, None
        if self._watchdog is not None:
            self._watchdog.close()
        if session is not None and self._owned:
            await session.close()
            if self._home.is_here:
                await self.carriers.close()

    def __repr__(self) -> str:
        state = "closed" if self._closed else "open" if self._home else "not opened yet"
        return f"SessionPool({self._hosts[0]!r}, {self._limits.connections} connections, {state})"


@lru_cache(maxsize=64)
def _client_timeout(total: float | None, connect: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=total, connect=connect)


def _translated(error: Exception, mark: SentMark) -> TransportError:
    before = isinstance(error, _BEFORE_CONNECTION) or (mark.guarded and not mark.left)
    if before:
        return NotSentError(f"nothing was sent: {named(error)}", fatal=isinstance(error, _FATAL))
    return OutcomeUnknownError(f"no answer: {named(error)}")


def _is_called_off() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
