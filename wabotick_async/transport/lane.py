"""Which pools a client gets."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Literal, NamedTuple

from ..config import Limits
from ..errors import ConfigurationError
from .base import Pool
from .express import ExpressPool
from .pool import SessionPool

if TYPE_CHECKING:
    import aiohttp

__all__ = ["Lane", "Pools", "open_pools"]

Lane = Literal["auto", "session", "express"]


class Pools(NamedTuple):
    """The pools of a client."""

    usual: Pool
    bulk: Pool | None = None
    """Another one for bulk sends, or None."""


def open_pools(
    lane: Lane,
    base_url: str,
    *,
    team_base_url: str | None,
    limits: Limits,
    session: aiohttp.ClientSession | None,
    ssl_context: ssl.SSLContext | None,
    proxy: str | None,
) -> Pools:
    """Return the pools of a lane. With a session of the user's own, everything goes through that.

    Raises:
        ConfigurationError: there is no such lane, or a setting has a wrong form.
    """
    if lane not in ("auto", "session", "express"):
        raise ConfigurationError("lane: expected auto, session or express")
    sessions = SessionPool(
        base_url, team_base_url=team_base_url, limits=limits, session=session, ssl_context=ssl_context, proxy=proxy
    )
    if lane == "session" or session is not None:
        return Pools(sessions)
    express = ExpressPool(
        base_url, team_base_url=team_base_url, limits=limits, ssl_context=ssl_context, proxy=proxy, sessions=sessions
    )
    return Pools(express) if lane == "express" else Pools(sessions, express)
