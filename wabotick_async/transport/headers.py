"""Header fields: those that go with every request, and those that come back."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import metadata
from typing import Final

import aiohttp

from ..redaction import may_hold_token, redact
from ..wire.http import FORM_TYPE

__all__ = ["FORM_HEADERS", "HEADERS", "USER_AGENT", "harmless_headers"]

# Some brands sit behind a filter that answers default script clients with a challenge (contract, "Headers").
USER_AGENT: Final = f"wabotick-async/{metadata.version('wabotick-async')} (Python; aiohttp {aiohttp.__version__})"
HEADERS: Final = {"Accept": "application/json", "User-Agent": USER_AGENT}
FORM_HEADERS: Final = {**HEADERS, "Content-Type": FORM_TYPE}


def harmless_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the header fields of an answer by lower-case name, without secrets."""
    together = "\n".join(headers.values())
    if may_hold_token(together) or "@" in together:
        return {name.lower(): redact(value) for name, value in headers.items()}
    return {name.lower(): value for name, value in headers.items()}
