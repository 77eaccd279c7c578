"""Walking through pages ends, whatever the server does."""

from __future__ import annotations

from typing import Any

import pytest

from wabotick_async import ConversationRow, Page, RequestInvalidError, Subscriber
from wabotick_async.resources import walk
from wabotick_async.testing import FakeTransport, fake_client


class Book:
    """Pages by number; the last one is served for ever."""

    def __init__(self, *pages: list[str | None], limit: int = 2) -> None:
        self.pages, self.limit, self.read = pages, limit, 0

    async def __call__(self, number: int) -> Page[str | None]:
        self.read += 1
        assert number == self.read, "from 1, by 1"
        assert number < 50, "for ever"
        return Page(self.pages[min(number, len(self.pages)) - 1], page=number, limit=self.limit)


CASES: dict[str, tuple[list[list[str | None]], list[str | None], int]] = {
    "an empty page": ([["a", "b"], ["c", "d"], []], ["a", "b", "c", "d"], 3),
    "a short page": ([["a", "b"], ["c"]], ["a", "b", "c"], 2),
    "nothing at all": ([[]], [], 1),
    "the same page for ever": ([["a", "b"]], ["a", "b"], 2),
    "an overlapping page": ([["a", "b"], ["b", "c"], ["c", "d"], ["d"]], ["a", "b", "c", "d"], 4),
    "a repeated row in a page": ([["a", "a"], ["b"]], ["a", "b"], 2),
    "rows without identity": ([[None, None]], [None, None], 1),
    "some rows without identity": ([["a", None], [None, "b"], [None, None]], ["a", None, None, "b", None, None], 3),
    "more rows than asked for": ([["a", "b", "c"], ["d"]], ["a", "b", "c", "d"], 2),
}


@pytest.mark.parametrize(("pages", "rows", "read"), CASES.values(), ids=CASES)
async def test_it_ends_and_brings_each_row_once(
    pages: list[list[str | None]], rows: list[str | None], read: int
) -> None:
    book = Book(*pages)
    assert [row async for row in walk(book, lambda row: row)] == rows
    assert book.read == read


async def test_pages_are_read_when_they_are_needed() -> None:
    book = Book(["a", "b"], ["c", "d"], [])
    rows = walk(book, lambda row: row)
    assert await anext(rows) == "a"
    assert book.read == 1
    assert isinstance(rows, object)
    await rows.aclose()  # type: ignore[attr-defined]  # a generator, which the annotation does not promise


async def test_subscribers() -> None:
    people = [Subscriber(subscriber_id=str(number), phone_number=f"9198000000{number:02d}") for number in range(3)]
    transport = FakeTransport(people[:2], people[2:])
    rows = [one async for one in fake_client(transport).subscribers.iterate(limit=2, order_by="id DESC")]
    assert rows == people
    assert [request.form["offset"] for request in transport.requests] == ["1", "2"]
    assert {request.form["orderBy"] for request in transport.requests} == {"id DESC"}


async def test_a_conversation() -> None:
    said = [ConversationRow(id=str(number)) for number in range(3)]
    transport = FakeTransport(said[:2], said[2:])
    client = fake_client(transport)
    rows = client.messages.iterate_conversation(phone_number="+91 98000 00000", phone_number_id="200", limit=2)
    assert [one async for one in rows] == said
    assert [dict(request.form) for request in transport.requests] == [
        {"phone_number_id": "200", "phone_number": "919800000000", "limit": "2", "offset": page} for page in ("1", "2")
    ]


@pytest.mark.parametrize("limit", [0, 101])
def test_a_wrong_limit_is_told_before_the_first_row(limit: int) -> None:
    with pytest.raises(RequestInvalidError, match="limit"):
        fake_client().subscribers.iterate(limit=limit)
    with pytest.raises(RequestInvalidError, match="limit"):
        fake_client().messages.iterate_conversation(phone_number="919800000000", limit=limit)


def test_groups_say_what_they_can_do() -> None:
    client: Any = fake_client()
    assert repr(client.labels) == "Labels(create, list)"
