"""How requests reach the platform: session pool, rate limiter, retries, and the exchange that orders them."""

from .base import Limiter, Pool
from .events import AttemptFinished, Event, Observer, Observers, PauseBegan, RetryPlanned
from .exchange import BeforeSending, Exchange
from .express import ExpressPool
from .guard import GuardedRequest
from .pace import Learnt, Pause, RateLimiter, Scope, Scopes
from .pool import SessionPool
from .prepared import Prepared
from .retry import Retry, RetryBudget

__all__ = [
    "AttemptFinished",
    "BeforeSending",
    "Event",
    "Exchange",
    "ExpressPool",
    "GuardedRequest",
    "Learnt",
    "Limiter",
    "Observer",
    "Observers",
    "Pause",
    "PauseBegan",
    "Pool",
    "Prepared",
    "RateLimiter",
    "Retry",
    "RetryBudget",
    "RetryPlanned",
    "Scope",
    "Scopes",
    "SessionPool",
]
