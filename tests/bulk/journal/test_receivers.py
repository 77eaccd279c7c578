"""Who got a message lately, and rows by their numbers."""

from __future__ import annotations

from tests.bulk.journal.conftest import AnyJournal, FakeClock, claim_next, new_row, new_rows, reopen
from wabotick_async.bulk.journal import Finish, NewRow
from wabotick_async.outcomes import Outcome


def again(row: NewRow, name: str) -> NewRow:
    return NewRow(new_row(name).key, row.receiver, row.endpoint, row.payload)


async def test_who_may_have_got_a_message_the_oldest_first(journal: AnyJournal, clock: FakeClock) -> None:
    rows = new_rows(6)
    await journal.add([*rows, again(rows[0], "x")])
    outcomes = [Outcome.ACCEPTED, Outcome.UNKNOWN, Outcome.REFUSED, Outcome.SKIPPED, None, "queued", Outcome.ACCEPTED]
    for seq, outcome in enumerate(outcomes, start=1):
        clock.now += 10
        await journal.claim(seq)
        if outcome == "queued":
            await journal.requeue(seq)
        elif isinstance(outcome, Outcome):
            await journal.finish(Finish(seq, outcome))
    begin = clock.now - 70
    expected = [(rows[1].receiver, begin + 20), (rows[4].receiver, begin + 50), (rows[0].receiver, begin + 70)]
    assert await journal.recent_receivers(0.0, 9) == expected
    assert await journal.recent_receivers(begin + 20, 9) == expected[1:]
    assert await journal.recent_receivers(0.0, 2) == expected[1:]
    await reopen(journal)
    assert await journal.recent_receivers(0.0, 9) == expected


async def test_a_queued_row_by_its_number(journal: AnyJournal) -> None:
    await journal.add(new_rows(3))
    [first] = await claim_next(journal, 1)
    assert await journal.queued_row(first.seq) is None
    assert await journal.queued_row(9) is None
    [second] = await journal.queued(0, 1, 0.0)
    assert await journal.queued_row(2) == second
    await journal.requeue(1, 5e9)
    found = await journal.queued_row(1)
    assert found is not None
    assert (found.seq, found.payload, found.attempts) == (1, first.payload, 1)
