"""Walking through pages, with an end that no server can take away."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from ..models import Page

__all__ = ["walk"]

RowT = TypeVar("RowT")


async def walk(
    read: Callable[[int], Awaitable[Page[RowT]]],
    identity: Callable[[RowT], object],
) -> AsyncIterator[RowT]:
    """Yield the rows of all pages, each identity once.

    It ends on an empty page, a short page, or a page that brings no new identity (contract, "Paging"), so a server
    that serves the same page for ever ends it, too. Rows without an identity are all yielded, but do not keep it going.

    Args:
        read: brings a page by its number.
        identity: tells rows apart; None for a row that cannot be told apart.
    """
    seen: set[object] = set()
    number = 1
    while True:
        page = await read(number)
        before = len(seen)
        for row in page:
            key = identity(row)
            if key is None or key not in seen:
                if key is not None:
                    seen.add(key)
                yield row
        if page.next_page is None or len(seen) == before:
            return
        number += 1
