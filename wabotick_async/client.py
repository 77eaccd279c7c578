"""The client: settings, groups of methods, and one door for every request."""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

import anyio

from .checks import clean_limits, clean_phone_number_id, clean_token, setting
from .config import DEFAULT_BASE_URL, Limits, RetryPolicy, Timeout
from .endpoints.base import Request
from .errors import ConfigurationError
from .resources import Accounts, CatalogGroup, Flows, Labels, Messages, Subscribers, Templates
from .transport import (
    BeforeSending,
    Exchange,
    Limiter,
    Observer,
    Observers,
    Pool,
    Prepared,
    RateLimiter,
    Retry,
    RetryBudget,
)
from .transport.lane import Lane, open_pools
from .values import Secret, clean_base_url
from .wire import DEFAULT_REFUSALS, RefusalTable

if TYPE_CHECKING:
    import aiohttp

__all__ = ["WabotickClient"]

AnswerT = TypeVar("AnswerT")


class WabotickClient:
    """An asynchronous client of the platform. Make one and share it; it opens lazily inside your event loop.

    ::

        async with WabotickClient("12|token", phone_number_id="109000000000001") as client:
            receipt = await client.messages.send_template(phone_number="919800000000", template_id="48")

    Args:
        api_token: `<digits>|<random>`, from the platform's profile page.
        phone_number_id: Meta's id of the sending number, for requests that name none.
        base_url: where the platform is; `http://` only for this machine.
        team_base_url: where team calls go, if that differs.
        retry: when to try again by itself.
        limits: how fast and how wide to send.
        timeout: how long to wait, in seconds.
        refusals: what refusals mean.
        observers: told of attempts, retries and pauses.
        lane: what carries forms: `"session"` is aiohttp's own session, `"express"` costs less than half its time, see
            `ExpressPool`. With `"auto"`, a `BulkSender` takes the express lane and all other calls the session.
        session: your own aiohttp session, in place of any lane; it stays yours to close. See `SessionPool`.
        ssl_context: your own trust settings.
        proxy: address of an HTTP proxy.
        pool: carries requests in place of a session pool, for tests; it stays yours to close.
        limiter: in place of the rate limiter that `limits` describes, for instance one that several clients share.
        clock: monotonic seconds.
        sleep: waits some seconds between attempts.

    Raises:
        ConfigurationError: a setting has a wrong form.
    """

    def __init__(
        self,
        api_token: str | Secret,
        *,
        phone_number_id: str | None = None,
        base_url: str = DEFAULT_BASE_URL,
        team_base_url: str | None = None,
        retry: RetryPolicy | None = None,
        limits: Limits | None = None,
        timeout: Timeout | None = None,
        refusals: RefusalTable = DEFAULT_REFUSALS,
        observers: Iterable[Observer] = (),
        lane: Lane = "auto",
        session: aiohttp.ClientSession | None = None,
        ssl_context: ssl.SSLContext | None = None,
        proxy: str | None = None,
        pool: Pool | None = None,
        limiter: Limiter | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        # Covered before anything can fail: a traceback with locals shows what this frame holds.
        api_token = api_token if isinstance(api_token, Secret) else Secret(api_token)
        self._token = setting("api_token", clean_token, api_token)
        self.base_url = setting("base_url", clean_base_url, base_url)
        self.phone_number_id = setting("phone_number_id", clean_phone_number_id, phone_number_id)
        self.limits = setting("limits", clean_limits, limits)
        self.timeout = timeout or Timeout()
        team = None if team_base_url is None else setting("team_base_url", clean_base_url, team_base_url)
        self._owns_pool = pool is None
        chosen = open_pools(
            lane,
            self.base_url,
            team_base_url=team,
            limits=self.limits,
            session=session,
            ssl_context=ssl_context,
            proxy=proxy,
        )
        self._pool: Pool = pool or chosen.usual
        self._bulk_pool = chosen.bulk if pool is None else None
        policy = retry or RetryPolicy()
        self._exchange = Exchange(
            self._pool,
            _bounded(limiter, self.limits, clock),
            Retry(policy, RetryBudget(policy.budget), clock=clock, sleep=sleep),
            refusals=refusals,
            observers=Observers(observers),
            clock=clock,
        )
        self._open_groups()

    def _open_groups(self) -> None:
        self.accounts = Accounts(self)
        self.messages = Messages(self)
        self.flows = Flows(self)
        self.templates = Templates(self)
        self.subscribers = Subscribers(self)
        self.labels = Labels(self)
        self.catalog = CatalogGroup(self)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, **settings: Any) -> Self:
        """Make a client from WABOTICK_API_TOKEN, WABOTICK_PHONE_NUMBER_ID and WABOTICK_BASE_URL.

        Raises:
            ConfigurationError: the token is not set, or a setting has a wrong form.
        """
        environ = os.environ if environ is None else environ
        token = Secret(environ.get("WABOTICK_API_TOKEN", ""))
        if number := environ.get("WABOTICK_PHONE_NUMBER_ID"):
            settings.setdefault("phone_number_id", number)
        if base_url := environ.get("WABOTICK_BASE_URL"):
            settings.setdefault("base_url", base_url)
        del environ  # a traceback with locals would show all of it
        if not token.reveal():
            raise ConfigurationError("WABOTICK_API_TOKEN is not set")
        return cls(token, **settings)

    async def send(
        self,
        request: Request[AnswerT],
        *,
        deadline: float | None = None,
        retry: RetryPolicy | None = None,
        before_sending: BeforeSending | None = None,
        park: bool = False,
    ) -> AnswerT:
        """Send any request, one of your own endpoints included, and return its answer.

        Args:
            request: what to ask.
            deadline: seconds for the call as a whole: waiting, all attempts and the pauses between them.
            retry: in place of the client's policy, for this call.
            before_sending: awaited in each attempt after the rate limiter's grant and before the first byte, to record
                the intent to send. What it raises ends the call, and nothing was sent.
            park: raise NotDueError at once where the number, the template or the recipient has no room within a
                quarter of a second, instead of waiting for it.

        Raises:
            WabotickError: whose `outcome` says what became of the request: not sent, refused or unknown.
        """
        answer: AnswerT = await self._exchange.send(
            request,
            self._token,
            phone_number_id=self.phone_number_id,
            timeouts=self.timeout,
            deadline=deadline,
            retry=retry,
            before_sending=before_sending,
            park=park,
        )
        return answer

    def prepare(self, requests: Iterable[Request[Any]]) -> list[Prepared]:
        """Return requests that have grant and connection and may leave at once, up to the first for which `send` waits.

        What hinders that one may also be the request itself; `send` says so. For those who send so many messages that a
        task for each is too dear, on the express lane. Whoever is given one must end it.

        Args:
            requests: what to ask, in this order. Each gets one attempt.
        """
        return self._exchange.prepare(
            requests, self._token, phone_number_id=self.phone_number_id, timeouts=self.timeout
        )

    @property
    def is_full(self) -> bool:
        """Tell whether as many requests are in flight as may be; the next leaves when one of them ends."""
        return self._exchange.is_full

    def with_options(
        self,
        *,
        phone_number_id: str | None = None,
        timeout: Timeout | None = None,
        retry: RetryPolicy | None = None,
        urgent: bool | None = None,
    ) -> WabotickClient:
        """Return a client with other options that shares pool, rate limiter and retry budget with this one.

        With `urgent`, its requests overtake those of other clients at the rate limiter, and a few places in flight are
        theirs alone: for one-time codes beside a campaign.

        It lives as long as this one, and closing it does nothing.
        """
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._owns_pool = False
        if phone_number_id is not None:
            other.phone_number_id = setting("phone_number_id", clean_phone_number_id, phone_number_id)
        other.timeout = timeout or self.timeout
        other._exchange = self._exchange.with_options(retry, urgent=urgent)
        other._open_groups()
        return other

    def for_bulk(self) -> WabotickClient:
        """Return this client as a `BulkSender` uses it: on the express lane, where `lane` is `"auto"`.

        It lives as long as this one, and closing it does nothing.
        """
        if self._bulk_pool is None:
            return self
        other = self.with_options()
        other._exchange = self._exchange.over(self._bulk_pool)
        other._open_groups()
        return other

    @property
    def account(self) -> str:
        """Return the number of the account: the digits before the bar of its token, which are no secret."""
        return self._token.reveal().partition("|")[0]

    @property
    def retry_policy(self) -> RetryPolicy:
        """Return when it tries again by itself."""
        return self._exchange.retry.policy

    @property
    def limiter(self) -> Limiter:
        """Return the rate limiter, to read, pause or retune it."""
        return self._exchange.limiter

    async def close(self) -> None:
        """Close the connections that this client opened. Safe to call twice."""
        if self._owns_pool:
            if self._bulk_pool is not None:
                await self._bulk_pool.close()
            await self._pool.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        # A debugger asks also where construction has failed, and must get an answer.
        settings = (f"{name}={getattr(self, name, None)!r}" for name in ("base_url", "phone_number_id"))
        return f"{type(self).__name__}({', '.join(settings)})"


def _bounded(limiter: Limiter | None, limits: Limits, clock: Callable[[], float]) -> Limiter:
    if limiter is None:
        return RateLimiter(limits=limits, clock=clock)
    if isinstance(limiter, RateLimiter):
        limiter.bound(limits)
    return limiter
