"""The express lane: forms over connections that we drive ourselves."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import aiohttp
from yarl import URL

from ...config import Limits, Timeout
from ...errors import ConfigurationError, NotSentError, OutcomeUnknownError
from ...wire.http import HTTPAnswer, HTTPRequest, Multipart
from ..causes import harmless, named
from ..guard import StaleConnectionError
from ..home import Home
from ..places import Places
from ..pool import SessionPool
from ..recent import RecentAnswers
from .connection import EAGER, ExpressConnection
from .deadlines import Deadlines
from .flight import ExpressFlight
from .idle import IdleConnections
from .inbox import Inbox
from .opener import Opener, express_is_tested, sessions_are_mocked
from .outbox import Outbox
from .route import Route

if TYPE_CHECKING:
    from aiohttp.connector import Connection

__all__ = ["ExpressPool"]

_FATAL: Final = (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError)
# Seconds for aborted connections to be gone; it takes a turn of the loop.
_FAREWELL: Final = 1.0
_CLOSED: Final = "the client was closed before the request could leave"
_REPEATED: Final = "the answer repeats an earlier one, so it was not meant for this request"
_AMBIGUOUS: Final = "more than one answer came to one request, and nobody knows which is meant"


class ExpressPool:
    """Kept connections of one event loop, for less than half of what a session's cost.

    It knows exactly whether a byte may have left, as it writes a request in one go. Uploads go through a session pool;
    so does everything with an aiohttp that it was not tested with, and while somebody mocks aiohttp's sessions: a test
    must not send for real.

    Args:
        base_url: where requests go.
        team_base_url: where requests of the team host go; the same by default.
        limits: how many connections, and how long an answer may be.
        ssl_context: your own trust settings; certificates are always verified by default.
        proxy: address of an HTTP proxy; the environment's is never used.
        sessions: the session pool for what does not go over this lane; one of its own by default.

    Raises:
        ConfigurationError: the trust settings are none.
    """

    def __init__(
        self,
        base_url: str,
        *,
        team_base_url: str | None = None,
        limits: Limits,
        ssl_context: ssl.SSLContext | None = None,
        proxy: str | None = None,
        sessions: SessionPool | None = None,
    ) -> None:
        self._hosts = (base_url, team_base_url or base_url)
        self._limits = limits
        self._ssl = ssl_context
        self._proxy = proxy
        self._tested = express_is_tested()
        self._home = Home()
        self._closed = False
        self._recent = RecentAnswers()
        self._routes: dict[tuple[str, bool], Route] = {}
        self._idle: dict[URL, IdleConnections] = {}
        self._open: dict[ExpressConnection, Connection] = {}
        self._opening: set[asyncio.Timeout] = set()
        self._empty: asyncio.Future[None] | None = None
        # These belong to the loop of the first request.
        self.places: Places
        self.deadlines: Deadlines
        self._opener: Opener
        self._outbox: Outbox
        self._inbox: Inbox
        self._sessions = sessions or SessionPool(
            base_url, team_base_url=team_base_url, limits=limits, ssl_context=ssl_context, proxy=proxy
        )

    async def post(self, call: HTTPRequest, timeouts: Timeout) -> HTTPAnswer:
        """Send one request and return whatever was answered; see `Pool.post`."""
        if not self._tested or isinstance(call.body, Multipart) or sessions_are_mocked():
            return await self._sessions.post(call, timeouts)
        loop = self._enter()
        began = loop.time()
        route = self._routes.get((call.path, call.team_host)) or self._route(call)
        if not self.places.take():
            await self._wait(began, timeouts)
        try:
            idle = self._idle[route.origin]
            while True:
                connection = idle.take(began) or await self.connect(route, began, timeouts)
                what = await self._asked(connection, route.head, call, began + timeouts.total)
                if isinstance(what, HTTPAnswer):
                    return self.settle(call, idle, connection, what)
                connection.abort()
                if not isinstance(what, StaleConnectionError):  # of which nothing was written; no new one says so
                    raise what
        finally:
            self.places.give_back()

    async def _asked(
        self, connection: ExpressConnection, head: bytes, call: HTTPRequest, until: float
    ) -> HTTPAnswer | Exception:
        """Ask, and wait for what becomes of it."""
        what: asyncio.Future[HTTPAnswer | Exception] = asyncio.get_running_loop().create_future()

        def told(said: HTTPAnswer | Exception) -> None:
            if not what.done():
                what.set_result(said)

        connection.ask(head, call, told, unless=what.done)
        self.deadlines.add(connection, until)
        try:
            return await what
        except BaseException:  # cancelled
            connection.abandon()
            raise
        finally:
            self.deadlines.remove(connection)

    def runway(self, timeouts: Timeout) -> Callable[[HTTPRequest], ExpressFlight | None] | None:
        """Return what gives requests a place, and a kept connection where there is one; see `Reserves`."""
        if not self._tested or sessions_are_mocked():
            return None
        try:
            now = self._enter().time()
        except ConfigurationError:  # `post` says it
            return None
        places = self.places

        def reserve(call: HTTPRequest) -> ExpressFlight | None:
            if isinstance(call.body, Multipart):
                return None
            try:
                route = self._routes.get((call.path, call.team_host)) or self._route(call)
            except NotSentError:  # `post` says it
                return None
            if not places.take():
                return None
            idle = self._idle[route.origin]
            return ExpressFlight(self, idle.take(now), call, route=route, idle=idle, timeouts=timeouts)

        return reserve

    def settle(self, call: HTTPRequest, idle: IdleConnections, on: ExpressConnection, answer: HTTPAnswer) -> HTTPAnswer:
        """Return an answer, and keep or close the connection that brought it.

        Raises:
            OutcomeUnknownError: it may be the answer to another request.
        """
        repeated = call.unsafe and self._recent.repeats(answer.body)
        whole = on.may_be_kept
        if repeated or (not whole and on.is_ambiguous):
            on.abort()
            raise OutcomeUnknownError(_REPEATED if repeated else _AMBIGUOUS)
        if whole and self._limits.keep_alive and not self._closed:
            idle.put(on, answer.headers.get("keep-alive"))
        else:
            on.abort()
        return answer

    def _enter(self) -> asyncio.AbstractEventLoop:
        if self._closed:
            raise ConfigurationError("the client is closed")
        first = not self._home
        loop = self._home.enter()
        if first:
            self.places = Places(self._limits.connections)
            self.deadlines = Deadlines(loop)
            self._outbox = Outbox(loop)
            self._inbox = Inbox(loop)
            self._opener = Opener(loop, self._ssl, self._proxy)
        return loop

    def _route(self, call: HTTPRequest) -> Route:
        try:
            route = Route(
                URL(self._hosts[call.team_host] + call.path),
                proxy=None if self._proxy is None else URL(self._proxy),
                keep_alive=self._limits.keep_alive,
            )
        except ValueError as error:
            failure, cause = NotSentError(f"nothing was sent: {named(error)}"), harmless(error)
        else:
            self._routes[call.path, call.team_host] = route
            if route.origin not in self._idle:
                self._idle[route.origin] = IdleConnections(asyncio.get_running_loop())
            return route
        raise failure from cause

    async def _wait(self, began: float, timeouts: Timeout) -> None:
        try:
            async with asyncio.timeout_at(began + min(timeouts.connect, timeouts.total)):
                await self.places.wait()
        except TimeoutError as error:
            raise NotSentError("nothing was sent: no connection was free in time") from error

    async def connect(self, route: Route, began: float, timeouts: Timeout) -> ExpressConnection:
        """Open a connection for a request that has a place.

        Args:
            route: of the request.
            began: time of the loop's clock from which the timeouts count.
            timeouts: of the attempt.

        Raises:
            NotSentError: there is none.
        """
        if len(self._open) + len(self._opening) >= self._limits.connections:  # some wait for requests to the other host
            any(idle.drop_oldest() for idle in self._idle.values())
        bound = asyncio.timeout_at(began + min(timeouts.connect, timeouts.total))
        self._opening.add(bound)
        try:
            async with bound:
                link = await self._opener.open(route.url, timeouts.total)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, RuntimeError) as error:
            said = _CLOSED if self._closed else f"nothing was sent: {named(error)}"
            failure = NotSentError(said, fatal=self._closed or isinstance(error, _FATAL))
            cause = harmless(error)
        else:
            return self._driven(link)
        finally:
            self._opening.discard(bound)
        raise failure from cause  # out here, so that what is not harmless stays no context either

    def _driven(self, link: Connection) -> ExpressConnection:
        """Take a connection over from aiohttp, if nobody has spoken on it yet."""
        loop = asyncio.get_running_loop()
        transport, handler = link.transport, link.protocol
        if transport is None or handler is None or self._closed:
            link.close()
            raise NotSentError(_CLOSED, fatal=True)
        connection = ExpressConnection(
            loop, transport, self._outbox, self._inbox, most=self._limits.max_answer_bytes, lost=self._lost
        )
        transport.set_protocol(connection)
        self._open[connection] = link
        # After a handshake, TLS itself may still have something to say, so only what was read counts there.
        eager = handler.should_close or (not connection.is_encrypted and not connection.is_silent())
        if eager or connection.is_closing:
            connection.abort()
            raise NotSentError(EAGER)
        return connection

    def _lost(self, connection: ExpressConnection) -> None:
        if (link := self._open.pop(connection, None)) is not None:
            link.close()
        if self._empty is not None and not self._open and not self._empty.done():
            self._empty.set_result(None)

    async def close(self) -> None:
        """Close every connection. Safe to call twice."""
        self._closed = True
        await self._sessions.close()
        if not self._home.is_here:  # never opened, or its connections went with their loop or stayed in another process
            return
        loop = self._home.enter()
        self.places.close(lambda: NotSentError(_CLOSED, fatal=True))
        for bound in self._opening:
            if not bound.expired():
                bound.reschedule(loop.time())
        for idle in self._idle.values():
            idle.close()
        for connection in tuple(self._open):
            connection.end(aiohttp.ServerDisconnectedError("the client was closed"))
        self.deadlines.close()
        if self._open:
            self._empty = self._empty or loop.create_future()
            await asyncio.wait([self._empty], timeout=_FAREWELL)
        await self._opener.close()

    def __repr__(self) -> str:
        state = "closed" if self._closed else "open" if self._home else "not opened yet"
        lane = "" if self._tested else ", as a session pool"
        return f"ExpressPool({self._hosts[0]!r}, {self._limits.connections} connections, {state}{lane})"
