"""The limiters, each behind the same two calls, and set up for the same rate and the same burst."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from importlib import import_module, metadata, util
from itertools import cycle
from typing import Any

from wabotick_async import Limits, Outcome, Rate, RateLimiter
from wabotick_async.transport.pace import Scope, Scopes

OURS = "wabotick-async"
CLIENTS = "wabotick-async, as a client has it"
SCOPED = "wabotick-async, all scopes"
PACKAGES = {"aiolimiter": "aiolimiter", "pyrate-limiter": "pyrate_limiter", "throttled-py": "throttled"}
"""Distributions and what they are imported as."""


class Limiter:
    """A limiter under test.

    Args:
        acquire: waits for a grant.
        release: is called when what was granted has ended, with the seconds that it took.
        close: ends what the limiter keeps running.
        grants: clock times at which the limiter decided, kept by itself; None where it decides in the very step in
            which `acquire` comes back.
    """

    def __init__(
        self,
        acquire: Callable[[], Awaitable[object]],
        release: Callable[[float], None] = lambda _elapsed: None,
        close: Callable[[], object] = lambda: None,
        grants: list[float] | None = None,
    ) -> None:
        self.acquire = acquire
        self.release = release
        self.close = close
        self.grants = grants


Make = Callable[[int, int], Limiter]
"""From grants a second and the burst."""


class _Noting(RateLimiter):
    """Our limiter, which decides for a waiting task before that task runs again: it notes when."""

    def __init__(self, rate: float, burst: int) -> None:
        super().__init__(rate, burst)
        self.grants: list[float] = []

    def _take(self, scopes: Scopes, now: float, asked: float) -> None:
        self.grants.append(time.monotonic())
        super()._take(scopes, now, asked)

    def _try(self, scopes: Scopes, now: float, *, urgent: bool) -> bool:
        taken = super()._try(scopes, now, urgent=urgent)
        if taken:
            self.grants.append(time.monotonic())
        return taken


def ours(rate: float, burst: int) -> Limiter:
    """Return the limiter of this client as it is."""
    return _ours(RateLimiter(rate, burst))


def noting(rate: float, burst: int) -> Limiter:
    """Return the limiter of this client with its times of grant: a list that grows, so not for what a grant costs."""
    limiter = _Noting(rate, burst)
    return _ours(limiter, limiter.grants)


def clients(rate: float, burst: int) -> Limiter:
    """Return the limiter of a client, which bounds what is in flight, with a limit of the account alone."""
    return _ours(RateLimiter(limits=Limits(rate=rate, burst=burst, headroom=0.0, pair=None)))


def scoped(rate: float, burst: int) -> Limiter:
    """Return the limiter of a client with limits of account, number, template and recipient, for a campaign."""
    each = Rate(rate, burst=burst)
    limiter = RateLimiter(limits=Limits(rate=rate, burst=burst, headroom=0.0, number=each, template=each))
    number, template = Scope("number", "100000000000001"), Scope("template", "1234")
    everybody = cycle([Scopes(number, template, Scope("recipient", f"1:{one:012}")) for one in range(100_000)])
    return Limiter(lambda: limiter.acquire(next(everybody)), _releasing(limiter))


def _ours(limiter: RateLimiter, grants: list[float] | None = None) -> Limiter:
    return Limiter(limiter.acquire, _releasing(limiter), grants=grants)


def _releasing(limiter: RateLimiter) -> Callable[[float], None]:
    return lambda elapsed: limiter.release(elapsed=elapsed, outcome=Outcome.ACCEPTED)


def _aiolimiter(rate: int, burst: int) -> Limiter:
    # Its burst is its first argument, so the second must not be a second.
    return Limiter(import_module("aiolimiter").AsyncLimiter(burst, burst / rate).acquire)


def _pyrate_log(rate: int, burst: int) -> Limiter:
    pyrate = import_module("pyrate_limiter")
    return _pyrate(pyrate.Limiter(pyrate.Rate(rate, pyrate.Duration.SECOND)))


def _pyrate_gcra(rate: int, burst: int) -> Limiter:
    pyrate = import_module("pyrate_limiter")
    rates = [pyrate.Rate(rate, pyrate.Duration.SECOND, burst=burst)]
    return _pyrate(pyrate.Limiter(pyrate.StateBucket(rates, algorithm=pyrate.GCRA())))


def _pyrate(limiter: Any) -> Limiter:
    return Limiter(limiter.try_acquire_async, close=limiter.close)


def _throttled(rate: int, burst: int) -> Limiter:
    throttled = import_module("throttled.asyncio")
    limiter = throttled.Throttled(
        key="account",
        timeout=3600,
        using=throttled.RateLimiterType.GCRA.value,
        quota=throttled.per_sec(rate, burst),
        store=throttled.MemoryStore(),
    )
    return Limiter(limiter.limit)


def limiters() -> dict[str, Make]:
    """Return those that are installed, by name, ours first."""
    everybody: dict[str, Make] = {
        OURS: ours,
        "aiolimiter": _aiolimiter,
        "pyrate-limiter": _pyrate_log,
        "pyrate-limiter, GCRA": _pyrate_gcra,
        "throttled-py, GCRA": _throttled,
    }
    return {name: make for name, make in everybody.items() if name == OURS or _installed(name)}


def versions() -> dict[str, str]:
    """Return the versions of the others."""
    return {name: metadata.version(name) for name in PACKAGES if _installed(name)}


def _installed(name: str) -> bool:
    return util.find_spec(PACKAGES[name.partition(",")[0]]) is not None
