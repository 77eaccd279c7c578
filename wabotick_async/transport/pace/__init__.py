"""Pace: when a request may leave, and how many may be on their way."""

from .limiter import RateLimiter
from .scopes import ACCOUNT, UNSCOPED, Scope, Scopes, scopes_of
from .standing import Learnt, Pause

__all__ = ["ACCOUNT", "UNSCOPED", "Learnt", "Pause", "RateLimiter", "Scope", "Scopes", "scopes_of"]
