"""Moves that somebody decides on: what they may move, what they leave alone, and that each is logged."""

from __future__ import annotations

import json

import pytest

from wabotick_async.bulk.journal import Counts, Finish, SQLiteJournal, State
from wabotick_async.errors import JournalError
from wabotick_async.outcomes import Outcome

from .conftest import FINGERPRINT, AnyJournal, FakeClock, claim_next, new_rows, reopen
from .test_states import bring, details


async def refuse(journal: AnyJournal, *codes: str | None) -> None:
    """Have one refused row for each code, numbered from 1."""
    await journal.add(new_rows(len(codes)))
    for seq, code in enumerate(codes, start=1):
        assert await journal.claim(seq)
        await journal.finish(Finish(seq, Outcome.REFUSED, 200, code, "wamid.x", "no"))


async def entry(journal: AnyJournal, name: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(await journal.get_meta(name) or "{}")
    return found


@pytest.mark.parametrize("later", [False, True], ids=["same run", "later run"])
@pytest.mark.parametrize("outcome", [Outcome.ACCEPTED, Outcome.REFUSED])
async def test_unknown_row_is_settled(journal: AnyJournal, clock: FakeClock, outcome: Outcome, later: bool) -> None:
    await bring(journal, State.UNKNOWN)
    if later:
        await reopen(journal)
    clock.now += 60
    assert await journal.settle(1, outcome, message_id="wamid.1", note="found")
    [row] = await details(journal)
    assert (row.state, row.message_id, row.note, row.done_at) == (outcome.value, "wamid.1", "found", clock.now)
    assert row.code == ("reconciled" if outcome is Outcome.REFUSED else None)
    assert (await journal.counts()).rows == 1


@pytest.mark.parametrize("outcome", [Outcome.ACCEPTED, Outcome.REFUSED])
@pytest.mark.parametrize("state", [state for state in State if state is not State.UNKNOWN])
async def test_only_an_unknown_row_is_settled(journal: AnyJournal, state: State, outcome: Outcome) -> None:
    await bring(journal, state)
    before = await details(journal), await journal.counts()
    assert await journal.settle(1, outcome) is False
    assert (await details(journal), await journal.counts()) == before
    assert await journal.get_meta(f"journal.settle.000001.{outcome}") is None


@pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, Outcome.NOT_SENT, Outcome.SKIPPED])
async def test_row_cannot_be_settled_as_anything_else(journal: AnyJournal, outcome: Outcome) -> None:
    await bring(journal, State.UNKNOWN)
    with pytest.raises(JournalError, match="only as accepted or refused"):
        await journal.settle(1, outcome)
    assert (await journal.counts()).unknown == 1


async def test_settling_a_row_that_does_not_exist(journal: AnyJournal) -> None:
    with pytest.raises(JournalError, match="no row 7"):
        await journal.settle(7, Outcome.ACCEPTED)


async def test_settling_keeps_a_known_message_id(journal: AnyJournal) -> None:
    await bring(journal, State.IN_FLIGHT)
    await journal.finish(Finish(1, Outcome.UNKNOWN, message_id="wamid.1"))
    assert await journal.settle(1, Outcome.ACCEPTED)
    assert [row.message_id for row in await details(journal)] == ["wamid.1"]


async def test_settlements_are_logged_by_run_and_outcome(journal: AnyJournal, clock: FakeClock) -> None:
    await journal.add(new_rows(3))
    await claim_next(journal, 3)
    await reopen(journal)
    for seq, outcome in ((1, Outcome.ACCEPTED), (2, Outcome.ACCEPTED), (3, Outcome.REFUSED)):
        clock.now += 1
        await journal.settle(seq, outcome)
    accepted, refused = [await entry(journal, f"journal.settle.000002.{name}") for name in ("accepted", "refused")]
    assert accepted == {"run": 2, "at": clock.now - 1, "rows": 2, "reason": "found to be accepted"}
    assert refused == {"run": 2, "at": clock.now, "rows": 1, "reason": "found to be refused"}


async def test_late_answer_to_a_settled_row_is_refused(journal: AnyJournal) -> None:
    await bring(journal, State.UNKNOWN)
    await journal.settle(1, Outcome.ACCEPTED)
    with pytest.raises(JournalError, match="row 1 is accepted"):
        await journal.finish(Finish(1, Outcome.REFUSED))


CODES = ("fix_request", "fix_request:131008", "fix_request_too", "skip:131026", None)


@pytest.mark.parametrize(
    ("code", "limit", "queued"),
    [
        ("fix_request", None, [1, 2]),
        ("fix_request", 1, [1]),
        ("fix_request", 0, []),
        ("fix_request:131008", None, [2]),
        ("fix_request:13100", None, []),
        ("fix", None, []),
        ("skip", 9, [4]),
        ("%", None, []),
    ],
)
async def test_refused_rows_of_one_cause_are_queued(
    journal: AnyJournal, code: str, limit: int | None, queued: list[int]
) -> None:
    await refuse(journal, *CODES)
    assert await journal.requeue_refused(code, limit, "asked") == len(queued)
    assert [row.seq for row in await journal.queued(0, 9, 0)] == queued
    assert await journal.counts() == Counts(queued=len(queued), refused=len(CODES) - len(queued))


async def test_requeued_row_forgets_its_refusal(journal: AnyJournal) -> None:
    await refuse(journal, "fix_request")
    await journal.requeue_refused("fix_request", None, "asked")
    [row] = await details(journal)
    assert (row.code, row.http, row.message_id, row.note, row.done_at) == (None, None, None, None, None)
    assert row.attempts == 1


@pytest.mark.parametrize("state", [state for state in State if state is not State.REFUSED])
async def test_rows_that_are_not_refused_stay_where_they_are(journal: AnyJournal, state: State) -> None:
    await bring(journal, State.QUEUED if state is State.QUEUED else State.IN_FLIGHT)
    if state not in (State.QUEUED, State.IN_FLIGHT):
        await journal.finish(Finish(1, Outcome(state.value), code="fix_request"))
    before = await details(journal)
    assert await journal.requeue_refused("fix_request", None, "asked") == 0
    assert await details(journal) == before


async def test_requeue_of_refused_rows_is_logged(journal: AnyJournal, clock: FakeClock) -> None:
    await refuse(journal, *CODES)
    await reopen(journal)
    await journal.requeue_refused("fix_request", None, "the template is mapped now")
    await journal.requeue_refused("nothing", None, "once more")
    assert await entry(journal, "journal.requeue.000001") == {
        "run": 2,
        "at": clock.now,
        "rows": 2,
        "reason": "the template is mapped now",
        "code": "fix_request",
    }
    assert (await entry(journal, "journal.requeue.000002"))["rows"] == 0


@pytest.mark.parametrize("limit", [-1, -9])
async def test_limit_below_zero_is_refused(journal: AnyJournal, limit: int) -> None:
    await refuse(journal, "fix_request")
    with pytest.raises(JournalError, match="0 or more"):
        await journal.requeue_refused("fix_request", limit, "asked")
    with pytest.raises(JournalError, match="0 or more"):
        await journal.resend_unknown(limit, "asked")
    assert (await journal.counts()).refused == 1


async def test_cause_must_be_named(journal: AnyJournal) -> None:
    with pytest.raises(JournalError, match="expected a cause"):
        await journal.requeue_refused("", None, "asked")
    with pytest.raises(JournalError, match="expected a cause"):
        await journal.receivers_with("")


async def test_chosen_unknown_rows_are_sent_again(journal: AnyJournal, clock: FakeClock) -> None:
    await journal.add(new_rows(6))
    await claim_next(journal, 5)
    await journal.finish(Finish(5, Outcome.ACCEPTED))
    await reopen(journal)
    assert await journal.resend_unknown(2, "asked", seqs=[4, 2, 2, 3, 5, 6, 99]) == 2
    assert [row.seq for row in await journal.queued(0, 9, 0)] == [2, 3, 6]
    assert await journal.counts() == Counts(queued=3, accepted=1, unknown=2)
    assert await journal.resend_unknown(9, "asked", seqs=[]) == 0
    assert await journal.resend_unknown(9, "asked", seqs=[4], min_age=1) == 0


async def test_chosen_row_of_this_run_may_still_be_answered(journal: AnyJournal) -> None:
    await bring(journal, State.UNKNOWN)
    assert await journal.resend_unknown(9, "asked", seqs=[1]) == 0


async def test_next_due_after_a_time(journal: AnyJournal, clock: FakeClock) -> None:
    await journal.add(new_rows(3))
    for row in await claim_next(journal, 2):
        await journal.requeue(row.seq, clock.now + 10 * row.seq)
    assert await journal.next_due() == 0
    assert await journal.next_due(0) == clock.now + 10
    assert await journal.next_due(clock.now + 10) == clock.now + 20
    assert await journal.next_due(clock.now + 20) is None


async def test_receivers_of_a_cause(journal: AnyJournal) -> None:
    await refuse(journal, "skip_recipient:131026", "other", "skip_recipient")
    await journal.add(new_rows(4)[3:])
    await journal.claim(4)
    await journal.finish(Finish(4, Outcome.UNKNOWN, code="skip_recipient"))
    assert await journal.receivers_with("skip_recipient") == ["910000000000", "910000000002"]
    assert await journal.receivers_with("skip") == []


async def test_inspection_shows_causes_and_decisions(on_disk: SQLiteJournal) -> None:
    await refuse(on_disk, "b", "a:1", "a:1")
    await on_disk.requeue_refused("b", None, "asked")
    found = SQLiteJournal.inspect(on_disk.path)
    assert list(found.causes.items()) == [("a:1", 2)]
    assert [json.loads(one)["code"] for one in found.requeues] == ["b"]
    assert (found.resends, found.settlements) == ((), ())


async def test_inspection_shows_who_uses_it(on_disk: SQLiteJournal) -> None:
    assert SQLiteJournal.inspect(on_disk.path).in_use
    await on_disk.close()
    assert not SQLiteJournal.inspect(on_disk.path).in_use
    await on_disk.open(FINGERPRINT)
    assert SQLiteJournal.inspect(on_disk.path).in_use


async def test_number_of_a_dead_owner_is_not_in_use(on_disk: SQLiteJournal) -> None:
    await on_disk.close()
    lock = on_disk.path.with_name("journal.db.lock")
    lock.write_text("12345\n")
    assert not SQLiteJournal.inspect(on_disk.path).in_use
    lock.unlink()
    assert not SQLiteJournal.inspect(on_disk.path).in_use
