"""The session pool: the one door to aiohttp."""

from __future__ import annotations

import asyncio
import io
import os
import ssl
from collections.abc import Mapping
from importlib import metadata
from typing import Final

import aiohttp
from yarl import URL

from ..config import Limits, Timeout
from ..errors import ConfigurationError, DecodeError, NotSentError, OutcomeUnknownError, TransportError
from ..redaction import redact
from ..wire.http import FORM_TYPE, HTTPAnswer, HTTPRequest, Multipart
from .guard import GuardedRequest, SentMark, StaleConnectionError, UnaskedAnswerError, current_mark, guard_is_tested
from .recent import RecentAnswers

__all__ = ["USER_AGENT", "SessionPool"]

# Some brands sit behind a filter that answers default script clients with a challenge (contract, "Headers").
USER_AGENT: Final = f"wabotick-async/{metadata.version('wabotick-async')} (Python; aiohttp {aiohttp.__version__})"
_HEADERS: Final = {"Accept": "application/json", "User-Agent": USER_AGENT}
_FORM_HEADERS: Final = {**_HEADERS, "Content-Type": FORM_TYPE}
# Below the usual server's 15 s and more, so that we are the ones who close an idle connection.
_KEEPALIVE: Final = 10.0
_FATAL: Final = (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError)
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
    ) -> None:
        self._hosts = (base_url, team_base_url or base_url)
        self._urls: dict[tuple[str, bool], URL] = {}
        self._limits = limits
        self._session = session
        self._owned = session is None
        self._ssl = ssl_context
        self._proxy = proxy
        self._home: tuple[int, asyncio.AbstractEventLoop] | None = None
        self._closed = False
        self._recent = RecentAnswers()
        if ssl_context is not None and not isinstance(ssl_context, ssl.SSLContext):
            raise ConfigurationError("ssl_context: expected an ssl.SSLContext; certificates are always verified")
        if ssl_context is not None and session is not None:
            raise ConfigurationError("ssl_context: expected none beside a session, whose connector has its own")

    async def post(self, call: HTTPRequest, timeouts: Timeout) -> HTTPAnswer:
        """Send one request and return whatever was answered; see `Pool.post`."""
        session = self._session_here()
        # Each stale connection is dropped before a byte is written, so this ends with a fresh one.
        for _ in range(self._limits.connections + 1):
            mark = SentMark()
            token = current_mark.set(mark)
            try:
                return self._verified(await self._post_once(session, call, timeouts), call, mark)
            except StaleConnectionError:
                continue
            except (aiohttp.ClientError, TimeoutError, OSError, ValueError, RuntimeError) as error:
                failure, cause = _translated(error, mark), _harmless(error)
            except asyncio.CancelledError:
                # aiohttp ends those who wait for a connection this way when the session is closed.
                if self._closed and not mark.left and not _is_called_off():
                    raise NotSentError("the client was closed before the request could leave", fatal=True) from None
                raise
            finally:
                current_mark.reset(token)
            raise failure from cause  # out here, so that what is not harmless stays no context either
        raise NotSentError("every kept connection was closed by the server")

    async def _post_once(
        self,
        session: aiohttp.ClientSession,
        call: HTTPRequest,
        timeouts: Timeout,
    ) -> HTTPAnswer:
        multipart = isinstance(call.body, Multipart)
        with await _opened(call.body) as body:
            async with session.post(
                self._url(call),
                data=body,
                headers=_HEADERS if multipart else _FORM_HEADERS,
                allow_redirects=False,
                raise_for_status=False,
                timeout=aiohttp.ClientTimeout(total=timeouts.total, connect=timeouts.connect),
                proxy=self._proxy,
            ) as response:
                return await self._read(response)

    def _verified(self, answer: HTTPAnswer, call: HTTPRequest, mark: SentMark) -> HTTPAnswer:
        if call.unsafe and self._recent.repeats(answer.body):
            # A late copy of an earlier answer: our own is still to come on this connection, so it must not be kept.
            if mark.transport is not None:
                mark.transport.abort()
            raise OutcomeUnknownError("the answer repeats an earlier one, so it was not meant for this request")
        return answer

    async def _read(self, response: aiohttp.ClientResponse) -> HTTPAnswer:
        most = self._limits.max_answer_bytes
        headers: Mapping[str, str] = {name.lower(): redact(value) for name, value in response.headers.items()}
        body = bytearray()
        failure: Exception | None = None
        try:
            while chunk := await response.content.readany():
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
                problem = f"the answer (HTTP {response.status}) was cut: {_named(failure)}"
                raise OutcomeUnknownError(problem) from _harmless(failure)
            response.close()  # the status line has said no; a cut text below it changes nothing
        return HTTPAnswer(status=response.status, headers=headers, body=bytes(body))

    def _session_here(self) -> aiohttp.ClientSession:
        here = (os.getpid(), asyncio.get_running_loop())
        if self._closed:
            raise ConfigurationError("the client is closed")
        if self._home is None:
            self._home = here
        if self._home[0] != here[0]:
            raise ConfigurationError("the client was opened before a fork; open one in each process")
        if self._home[1] is not here[1]:
            raise ConfigurationError("the client was opened in another event loop; open one in each loop")
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
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            request_class=GuardedRequest,
            trust_env=False,
            raise_for_status=False,
        )

    def _url(self, call: HTTPRequest) -> URL:
        key = (call.path, call.team_host)
        if key not in self._urls:
            self._urls[key] = URL(self._hosts[call.team_host] + call.path)
        return self._urls[key]

    async def close(self) -> None:
        """Close the session that this pool opened; one that was passed in stays open. Safe to call twice."""
        self._closed = True
        session, self._session = self._session, None
        if session is not None and self._owned:
            await session.close()

    def __repr__(self) -> str:
        state = "closed" if self._closed else "open" if self._home else "not opened yet"
        return f"SessionPool({self._hosts[0]!r}, {self._limits.connections} connections, {state})"


class _Opened:
    """A body, and the file to close behind it."""

    def __init__(self, body: aiohttp.BytesPayload | aiohttp.FormData, file: io.IOBase | None) -> None:
        self.body = body
        self.file = file

    def __enter__(self) -> aiohttp.BytesPayload | aiohttp.FormData:
        return self.body

    def __exit__(self, *_: object) -> None:
        if self.file is not None:
            self.file.close()


async def _opened(body: bytes | Multipart) -> _Opened:
    # Both kinds have a repr without content: in a traceback with locals, bare bytes would show the token.
    if isinstance(body, bytes):
        return _Opened(aiohttp.BytesPayload(body), None)
    form = aiohttp.FormData()
    form.add_fields(*body.fields.items())
    file: io.IOBase | None = None
    source: object = body.file
    if isinstance(body.file, bytes):
        source = file = io.BytesIO(body.file)
    elif isinstance(body.file, str | os.PathLike):
        try:
            source = file = await asyncio.to_thread(open, body.file, "rb")
        except OSError as error:
            raise NotSentError(f"cannot read the file: {error.strerror}", fatal=True) from error
    form.add_field(body.file_field, source, filename=body.file_name, content_type=body.content_type)
    return _Opened(form, file)


def _translated(error: Exception, mark: SentMark) -> TransportError:
    before = isinstance(error, _BEFORE_CONNECTION) or (mark.guarded and not mark.left)
    if before:
        return NotSentError(f"nothing was sent: {_named(error)}", fatal=isinstance(error, _FATAL))
    return OutcomeUnknownError(f"no answer: {_named(error)}")


def _is_called_off() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _harmless(error: BaseException) -> BaseException | None:
    """Return an error as a cause, unless it or what led to it quotes a secret: a server may echo the request."""
    links: BaseException | None = error
    while links is not None:
        said = f"{links} {links.args!r}"
        if redact(said) != said:
            return None
        links = links.__cause__ or links.__context__
    return error


def _named(error: BaseException) -> str:
    said = redact(" ".join(str(error).split()))[:200]
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
