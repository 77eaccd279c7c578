"""Settings of the client, as frozen values that check themselves."""

from __future__ import annotations

import msgspec

from .errors import ConfigurationError

__all__ = ["DEFAULT_BASE_URL", "Limits", "Rate", "RetryPolicy", "Timeout"]

DEFAULT_BASE_URL = "https://app.wabotick.com"
"""Where the platform is."""


class _Settings(msgspec.Struct, frozen=True, kw_only=True):
    def _require(self, condition: bool, field: str, expected: str) -> None:
        if not condition:
            raise ConfigurationError(f"{type(self).__name__}({field}={getattr(self, field)!r}): expected {expected}")


class Timeout(_Settings, frozen=True, kw_only=True):
    """How long to wait, in seconds."""

    connect: float = 10.0
    """For a connection, waiting for a free one included."""
    total: float = 30.0
    """For one attempt as a whole; the only bound that a slow drip of bytes cannot stretch."""

    def __post_init__(self) -> None:
        self._require(self.connect > 0, "connect", "seconds above 0")
        self._require(self.total > 0, "total", "seconds above 0")


class Rate(_Settings, frozen=True):
    """So many messages in so many seconds."""

    limit: float
    """Messages in `per` seconds."""
    per: float = 1.0
    """Seconds."""
    burst: int = 1
    """Messages that may leave at once after a quiet time."""

    def __post_init__(self) -> None:
        self._require(0 < self.limit < float("inf"), "limit", "messages above 0")
        self._require(0 < self.per < float("inf"), "per", "seconds above 0")
        self._require(self.burst >= 1, "burst", "at least 1")

    @property
    def interval(self) -> float:
        """Return the seconds from one message to the next."""
        return self.per / self.limit


class Limits(_Settings, frozen=True, kw_only=True):
    """How fast and how wide to send.

    All limits hold together. One message waits for its number, its template and its recipient without keeping others.
    """

    rate: float = 10.0
    """Requests a second of the account. The platform publishes no limit, so the default is careful; raise it when yours
    is known. It is a ceiling: what the platform refuses for pace lowers the rate for a while."""
    burst: int = 1
    """Requests that may leave at once after a quiet time."""
    start_rate: float | None = None
    """Requests a second to begin with, for instance what an earlier run has learnt (`RateLimiter.rate`)."""
    headroom: float = 0.02
    """Share of all rates that is left unused: what leaves evenly arrives unevenly. Measured at the server, 9.6 % of all
    seconds held more than the limit without it, 1.6 % with a fiftieth, and no fewer with a twentieth."""
    number: Rate | None = None
    """Messages of one sending number. WhatsApp's own limit is 80 a second, 20 where the phone app shares the number."""
    template: Rate | None = None
    """Messages of one template."""
    pair: Rate | None = Rate(1, per=6.0, burst=45)
    """Messages from one number to one recipient. WhatsApp takes one in 6 seconds, and 45 on credit."""
    daily_recipients: int | None = None
    """Different recipients of a campaign in any 24 hours; kept by its journal."""
    concurrency: int = 32
    """Requests in flight at most. How many there are follows from rate and latency; the session pool is sized by it."""
    keep_alive: bool = True
    """Use a connection for many requests. A server or proxy that sends an answer nobody asked for can mislead a request
    that is under way on the same connection at that moment; False gives each request its own, at the price of speed."""
    max_answer_bytes: int = 1 << 20
    """An answer longer than this, after decompression, is cut off and refused."""

    @property
    def connections(self) -> int:
        """Return the size of the session pool: a tenth more than in flight, for urgent requests alone."""
        return self.concurrency + max(1, self.concurrency // 10)

    def __post_init__(self) -> None:
        self._require(self.rate > 0, "rate", "requests a second above 0")
        self._require(self.burst >= 1, "burst", "at least 1")
        self._require(self.start_rate is None or self.start_rate > 0, "start_rate", "requests a second above 0")
        self._require(0 <= self.headroom < 1, "headroom", "a share from 0 to below 1")
        self._require(self.daily_recipients is None or self.daily_recipients >= 1, "daily_recipients", "at least 1")
        self._require(self.concurrency >= 1, "concurrency", "at least 1")
        self._require(self.max_answer_bytes >= 1024, "max_answer_bytes", "at least 1024")


class RetryPolicy(_Settings, frozen=True, kw_only=True):
    """When to try again by itself.

    Reads and harmless repeats are tried again after transport errors, 429 and 5xx. A send is tried again only when no
    byte of it left, or when the server itself refused it for pace: an unknown outcome is never repeated.
    """

    attempts: int = 4
    """Tries in total; 1 switches retries off."""
    base: float = 0.5
    """Seconds: upper bound of the first random backoff, doubled for each further one."""
    cap: float = 30.0
    """Seconds: upper bound of any backoff."""
    give_up_after: float = 360.0
    """Seconds since the first try after which no further one is started; above the longest Retry-After obeyed."""
    max_retry_after: float = 300.0
    """Seconds: a longer Retry-After raises RateLimitedError at once."""
    budget: int = 500
    """Tokens that all calls of one client share: a retry costs 10, a success gives one back."""
    trust_503: bool = True
    """Take 503 with Retry-After as a refusal before acceptance. It is a convention, no proof: the strict say False."""

    def __post_init__(self) -> None:
        self._require(self.attempts >= 1, "attempts", "at least 1")
        for field in ("base", "cap", "give_up_after", "max_retry_after", "budget"):
            self._require(getattr(self, field) >= 0, field, "0 or more")
