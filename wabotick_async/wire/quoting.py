"""Texts as they stand in a form body: `urllib.parse.quote_plus`, made for many short texts."""

from __future__ import annotations

from functools import lru_cache
from typing import Final
from urllib.parse import quote_plus

__all__ = ["LONGEST_NAME", "quoted", "quoted_name"]

# By byte.
_FORMS: Final = {byte: quote_plus(bytes([byte])) for byte in range(256)}
LONGEST_NAME: Final = 64
"""Of a name that is kept."""


def quoted(text: str) -> str:
    """Return a text percent-encoded, a blank as plus.

    Raises:
        UnicodeEncodeError: the text holds half a surrogate pair.
    """
    if text.isascii():
        return text if text.isalnum() else text.translate(_FORMS)
    return "".join(map(_FORMS.__getitem__, text.encode()))


def quoted_name(name: str) -> str:
    """Return a field's name as `quoted` does. Names come again and again, and are nobody's data, so they are kept."""
    return _kept(name) if len(name) <= LONGEST_NAME else quoted(name)


_kept: Final = lru_cache(maxsize=1024)(quoted)
