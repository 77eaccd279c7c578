"""Pages by number, from 1."""

from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar

from ..call import Call
from ..refusals import FieldsError

T = TypeVar("T")


class Cut(NamedTuple, Generic[T]):
    """Hold the rows of one page."""

    rows: Sequence[T]
    following: int | None
    """The next page number, None on the last page."""


def page(call: Call, rows: Sequence[T], *, most: int) -> Cut[T]:
    """Cut a page out of the rows: `offset` is a page number from 1, `limit` is capped at `most`.

    Raises:
        FieldsError: when limit or offset is no number, or limit is 0.
    """
    limit, number = call.whole("limit"), call.whole("offset", 1)
    if limit < 1:
        raise FieldsError.of("limit", "must be at least 1.")
    if number < 1:
        call.odd("offset 0: pages are counted from 1")
        number = 1
    if limit > most:
        call.odd(f"limit {limit} is above {most}")
        limit = most
    begin = (number - 1) * limit
    return Cut(rows[begin : begin + limit], number + 1 if begin + limit < len(rows) else None)
