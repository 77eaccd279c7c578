"""The state machine: every legal move, and every other one refused without a change."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from wabotick_async.bulk.journal import Finish, Row, RowDetail, State
from wabotick_async.errors import JournalError
from wabotick_async.outcomes import Outcome

from .conftest import AnyJournal, FakeClock, claim_next, new_row, new_rows, reopen

Move = Callable[[AnyJournal], Awaitable[object]]


def finish(outcome: Outcome) -> Move:
    return lambda journal: journal.finish(Finish(1, outcome))


MOVES: dict[str, Move] = {outcome.value: finish(outcome) for outcome in Outcome} | {"queued": lambda j: j.requeue(1)}
LEGAL = {
    (State.IN_FLIGHT, "accepted"),
    (State.IN_FLIGHT, "refused"),
    (State.IN_FLIGHT, "unknown"),
    (State.IN_FLIGHT, "skipped"),
    (State.IN_FLIGHT, "queued"),
    (State.UNKNOWN, "accepted"),
    (State.UNKNOWN, "refused"),
}
ILLEGAL = [(state, name) for state in State for name in MOVES if (state, name) not in LEGAL]


async def bring(journal: AnyJournal, state: State) -> None:
    """Have one row, number 1, in a state of this run."""
    await journal.add([new_row("a")])
    if state is not State.QUEUED:
        assert await journal.claim(1)
    if state not in (State.QUEUED, State.IN_FLIGHT):
        await journal.finish(Finish(1, Outcome(state.value)))


async def details(journal: AnyJournal) -> list[RowDetail]:
    return [row for state in State async for row in journal.rows(state)]


@pytest.mark.parametrize(("state", "name"), sorted(LEGAL))
async def test_legal_move(journal: AnyJournal, state: State, name: str) -> None:
    await bring(journal, state)
    await MOVES[name](journal)
    assert [row.state for row in await details(journal)] == [name]


@pytest.mark.parametrize(("state", "name"), ILLEGAL)
async def test_illegal_move_changes_nothing(journal: AnyJournal, state: State, name: str) -> None:
    await bring(journal, state)
    before = await details(journal), await journal.counts()
    with pytest.raises(JournalError):
        await MOVES[name](journal)
    assert (await details(journal), await journal.counts()) == before


@pytest.mark.parametrize("name", list(MOVES))
async def test_row_of_an_earlier_run_is_not_ours(journal: AnyJournal, name: str) -> None:
    await bring(journal, State.IN_FLIGHT)
    await reopen(journal)
    with pytest.raises(JournalError):
        await MOVES[name](journal)
    assert (await journal.counts()).unknown == 1


@pytest.mark.parametrize("name", list(MOVES))
async def test_row_that_does_not_exist(journal: AnyJournal, name: str) -> None:
    with pytest.raises(JournalError):
        await MOVES[name](journal)


async def test_result_is_kept(journal: AnyJournal, clock: FakeClock) -> None:
    await bring(journal, State.IN_FLIGHT)
    clock.now += 5
    await journal.finish(Finish(1, Outcome.REFUSED, 200, "131026", "wamid.x=", "no such number"))
    [row] = await details(journal)
    assert (row.http, row.code, row.message_id, row.note) == (200, "131026", "wamid.x=", "no such number")
    assert (row.claimed_at, row.done_at, row.attempts, row.run) == (1_000_000, 1_000_005, 1, 1)
    assert (row.receiver, row.endpoint, row.payload) == ("91000000a", "send_text", b"a")


@pytest.mark.parametrize("state", list(State))
async def test_only_a_queued_row_can_be_claimed(journal: AnyJournal, state: State) -> None:
    await bring(journal, state)
    before = await details(journal)
    assert await journal.claim(1) is (state is State.QUEUED)
    assert state is State.QUEUED or await details(journal) == before


async def test_claim_of_a_row_that_does_not_exist(journal: AnyJournal) -> None:
    assert await journal.claim(1) is False


async def test_row_is_claimed_by_one_only(journal: AnyJournal) -> None:
    await journal.add(new_rows(1))
    assert sorted(await asyncio.gather(*(journal.claim(1) for _ in range(9)))) == [False] * 8 + [True]
    assert [row.attempts for row in await details(journal)] == [1]


async def test_queued_follows_the_source(journal: AnyJournal) -> None:
    await journal.add(new_rows(5))
    assert [row.payload for row in await journal.queued(0, 2, 0)] == [b"0000", b"0001"]
    assert [row.payload for row in await journal.queued(2, 9, 0)] == [b"0002", b"0003", b"0004"]
    assert await journal.queued(5, 9, 0) == []


async def test_queued_lists_what_is_queued_only(journal: AnyJournal) -> None:
    await journal.add(new_rows(4))
    await claim_next(journal, 3)
    await journal.finish(Finish(1, Outcome.ACCEPTED))
    await journal.finish(Finish(2, Outcome.UNKNOWN))
    assert await journal.queued(0, 9, 0) == [Row(4, "send_text", b"0003", "910000000003", 0)]


async def test_requeued_row_waits_for_its_time(journal: AnyJournal, clock: FakeClock) -> None:
    await journal.add(new_rows(3))
    await journal.claim(1)
    await journal.requeue(1, clock.now + 10)
    assert [row.seq for row in await journal.queued(0, 9, clock.now + 9.9)] == [2, 3]
    assert await journal.next_due() == 0
    await claim_next(journal, 9, clock.now)
    assert await journal.next_due() == clock.now + 10
    assert [(row.seq, row.attempts) for row in await journal.queued(0, 9, clock.now + 10)] == [(1, 1)]


async def test_due_rows_keep_their_place(journal: AnyJournal, clock: FakeClock) -> None:
    await journal.add(new_rows(5))
    for row in await claim_next(journal, 3):
        await journal.requeue(row.seq, clock.now + 20 - row.seq)
    assert [row.seq for row in await journal.queued(0, 3, clock.now + 20)] == [1, 2, 3]
    assert [row.seq for row in await journal.queued(2, 9, clock.now + 18)] == [3, 4, 5]


async def test_causes_count_what_was_not_accepted(journal: AnyJournal) -> None:
    await journal.add([*new_rows(6), *new_rows(2)])
    ends = [(Outcome.ACCEPTED, "fine"), (Outcome.REFUSED, "no"), (Outcome.REFUSED, "no"), (Outcome.UNKNOWN, "cut")]
    for seq, (outcome, code) in enumerate(ends, start=1):
        await journal.claim(seq)
        await journal.finish(Finish(seq, outcome, code=code))
    await journal.claim(5)
    await journal.finish(Finish(5, Outcome.SKIPPED))
    assert list((await journal.causes()).items()) == [("duplicate", 2), ("no", 2), ("cut", 1)]


async def test_causes_of_nothing(journal: AnyJournal) -> None:
    assert await journal.causes() == {}


@pytest.mark.parametrize(("asked", "stored"), [(-5.0, 0.0), (float("inf"), 1_604_800.0), (9e12, 1_604_800.0)])
async def test_absurd_waits_are_cut(journal: AnyJournal, asked: float, stored: float) -> None:
    await bring(journal, State.IN_FLIGHT)
    await journal.requeue(1, asked)
    assert await journal.next_due() == stored


async def test_wait_that_is_no_number(journal: AnyJournal) -> None:
    await bring(journal, State.IN_FLIGHT)
    with pytest.raises(JournalError):
        await journal.requeue(1, float("nan"))


async def test_clock_set_back_between_runs(journal: AnyJournal, clock: FakeClock) -> None:
    await bring(journal, State.IN_FLIGHT)
    await journal.requeue(1, clock.now + 86_400)
    clock.now = 0
    await reopen(journal)
    assert await journal.next_due() == 7 * 86_400


async def test_nothing_due_in_an_empty_journal(journal: AnyJournal) -> None:
    assert await journal.next_due() is None


async def test_resend_unknown_is_limited_and_only_for_earlier_runs(journal: AnyJournal, clock: FakeClock) -> None:
    await journal.add(new_rows(5))
    await claim_next(journal, 3)
    await reopen(journal)
    [row] = await claim_next(journal, 1)
    await journal.finish(Finish(row.seq, Outcome.UNKNOWN))
    assert await journal.resend_unknown(9, "asked", min_age=1) == 0
    clock.now += 1
    assert await journal.resend_unknown(2, "asked", min_age=1) == 2
    assert await journal.resend_unknown(9, "asked") == 1
    assert [r.seq for r in await journal.queued(0, 9, 0)] == [1, 2, 3, 5]
    assert '"reason": "asked"' in (await journal.get_meta("journal.resend.000002") or "")


async def test_meta(journal: AnyJournal) -> None:
    assert await journal.get_meta("name") is None
    await journal.set_meta("name", "spring")
    await journal.set_meta("name", "autumn")
    await reopen(journal)
    assert await journal.get_meta("name") == "autumn"


async def test_own_names_are_refused(journal: AnyJournal) -> None:
    with pytest.raises(JournalError):
        await journal.set_meta("journal.open_run", "9")


async def test_rows_come_in_pages(journal: AnyJournal) -> None:
    await journal.add(new_rows(1_201))
    assert [row.seq async for row in journal.rows(State.QUEUED)] == list(range(1, 1_202))


async def test_counts_survive_close(journal: AnyJournal) -> None:
    await journal.add(new_rows(3))
    await journal.close()
    assert (await journal.counts()).queued == 3
    await journal.close()


@pytest.mark.parametrize(
    "use", [lambda j: j.claim(1), lambda j: j.add([]), lambda j: j.queued(0, 1, 0), lambda j: j.causes()]
)
async def test_closed_journal_refuses(journal: AnyJournal, use: Move) -> None:
    await journal.close()
    with pytest.raises(JournalError, match="not open"):
        await use(journal)


async def test_open_twice(journal: AnyJournal) -> None:
    with pytest.raises(JournalError, match="open already"):
        await journal.open({})
