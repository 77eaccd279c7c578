"""Feeding a source: again after a kill at any row, with repeats, the counts add up to its rows."""

from __future__ import annotations

import pytest

from wabotick_async.bulk.journal import Added, Counts, NewRow, State, Stored
from wabotick_async.errors import JournalError

from .conftest import AnyJournal, new_row, new_rows, reopen

SOURCE = [new_row(name) for name in "abacabaad"]
SOURCE_COUNTS = Counts(queued=4, skipped=5)


async def test_first_feed(journal: AnyJournal) -> None:
    stored = await journal.add(SOURCE)
    new, repeat = Added.NEW, Added.DUPLICATE
    assert [row.added for row in stored] == [new, new, repeat, new, repeat, repeat, repeat, repeat, new]
    assert [row.seq for row in stored] == list(range(1, 10))
    assert {row.state for row in stored if row.added is new} == {State.QUEUED}
    assert {row.state for row in stored if row.added is repeat} == {State.SKIPPED}
    assert await journal.counts() == SOURCE_COUNTS


@pytest.mark.parametrize("cut", range(len(SOURCE) + 1))
async def test_feed_again_after_a_cut(journal: AnyJournal, cut: int) -> None:
    for row in SOURCE[:cut]:
        await journal.add([row])
    await reopen(journal)
    await journal.add(SOURCE)
    assert await journal.counts() == SOURCE_COUNTS


async def test_feed_again_after_two_cuts(journal: AnyJournal) -> None:
    for cut in (5, 3, 8, len(SOURCE)):
        await journal.add(SOURCE[:cut])
        await reopen(journal)
    assert await journal.counts() == SOURCE_COUNTS


async def test_known_rows_are_told(journal: AnyJournal) -> None:
    await journal.add([new_row("a")])
    await reopen(journal)
    assert await journal.add([new_row("a"), new_row("a"), new_row("b")]) == [
        Stored(1, Added.KNOWN, State.QUEUED),
        Stored(2, Added.DUPLICATE, State.SKIPPED),
        Stored(3, Added.NEW, State.QUEUED),
    ]


async def test_known_row_keeps_its_state(journal: AnyJournal) -> None:
    await journal.add([new_row("a")])
    await journal.claim(1)
    await reopen(journal)
    assert await journal.add([new_row("a")]) == [Stored(1, Added.KNOWN, State.UNKNOWN)]
    assert await journal.counts() == Counts(unknown=1)


async def test_repeat_keeps_its_number_when_fed_again(journal: AnyJournal) -> None:
    first = await journal.add(SOURCE)
    await reopen(journal)
    again = await journal.add(SOURCE)
    assert [(row.seq, row.state) for row in again] == [(row.seq, row.state) for row in first]


async def test_repeat_names_the_row_that_it_repeats(journal: AnyJournal) -> None:
    await journal.add(SOURCE[:3])
    [repeat] = [row async for row in journal.rows(State.SKIPPED)]
    assert (repeat.code, repeat.note, repeat.payload) == ("duplicate", "duplicate of row 1", b"a")


@pytest.mark.parametrize("bad", [NewRow(b"short", "1", "e", b"{}"), NewRow(b"k" * 16, "1", "e", None)])  # type: ignore[arg-type]  # what the database must refuse
async def test_row_that_does_not_fit_takes_its_call_along_and_no_other(journal: AnyJournal, bad: NewRow) -> None:
    with pytest.raises(JournalError):
        await journal.add([*new_rows(3), bad])
    assert await journal.counts() == Counts()
    await journal.add(new_rows(3))
    assert (await journal.counts()).queued == 3
