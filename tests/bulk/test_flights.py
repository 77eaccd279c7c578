"""Messages that need not wait: claimed before they leave, settled with the next claims, and never forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import pytest

from tests.bulk.fakes import text
from wabotick_async.bulk.crew import Ready
from wabotick_async.bulk.delivery import Delivered, Job
from wabotick_async.bulk.flights import Flights, Fresh
from wabotick_async.bulk.journal import Added, Advanced, Finish, NewRow, Requeue, State, Stored
from wabotick_async.bulk.message import to_row
from wabotick_async.endpoints import Request
from wabotick_async.errors import APIError, JournalError, NotSentError, OutcomeUnknownError
from wabotick_async.models import SendReceipt
from wabotick_async.outcomes import Outcome

NOW = 1_000.0


class FakeReady:
    """A message that may leave, and notes what is done with it."""

    def __init__(self, log: list[str], seq: int, end: Exception | None = None) -> None:
        self.log, self.seq, self.end = log, seq, end
        self.done: Callable[[], object] = lambda: None

    def leave(self, done: Callable[[Any], object]) -> None:
        self.log.append(f"left {self.seq}")
        self.done = lambda: done(self)

    def call_off(self) -> None:
        self.log.append(f"called off {self.seq}")

    def abandon(self) -> None:
        self.log.append(f"abandoned {self.seq}")

    def result(self) -> Any:
        if self.end is not None:
            raise self.end
        return SendReceipt(message_id=f"wamid.{self.seq}")


class FakeJournal:
    """Takes its steps when it is told to."""

    def __init__(self, log: list[str]) -> None:
        self.log = log
        self.steps: list[tuple[list[Finish | Requeue], list[int], list[NewRow], Callable[[Advanced], object]]] = []
        self.closed = False

    @property
    def claims(self) -> list[list[int]]:
        """Return what the steps claim that are not durable yet; fresh rows by the number that they would get."""
        return [claims + [number_of(row) for row in fresh] for _, claims, fresh, _ in self.steps]

    def advance(
        self,
        results: Sequence[Finish | Requeue],
        claims: Sequence[int],
        done: Callable[[Advanced], object],
        *,
        fresh: Sequence[NewRow] = (),
    ) -> None:
        if self.closed:
            raise JournalError("closed")
        self.steps.append((list(results), list(claims), list(fresh), done))

    def commit(
        self,
        *,
        refuse: Sequence[int] = (),
        unstored: Sequence[int] = (),
        known: Mapping[int, Stored] = MappingProxyType({}),
        unborn: bool = False,
        error: Exception | None = None,
    ) -> list[Finish | Requeue]:
        """Make the oldest step durable."""
        results, claims, fresh, done = self.steps.pop(0)
        numbers = [number_of(row) for row in fresh]
        self.log.append(f"committed {[one.seq for one in results]} {claims + numbers}")
        done(
            Advanced(
                stored=[one.seq not in unstored for one in results],
                claimed=[seq not in refuse for seq in claims],
                added=[] if unborn else [known.get(seq, Stored(seq, Added.NEW, State.IN_FLIGHT)) for seq in numbers],
                error=error,
            )
        )
        return results


def number_of(row: NewRow) -> int:
    """Return the number in the recipient of a `text`."""
    return int(row.receiver.removeprefix("9190000"))


def fresh(*seqs: int) -> list[Fresh]:
    """Return messages that the journal does not have."""
    return [to_row(text(seq), seq) for seq in seqs]


class Stage:
    """A campaign that notes what it is told."""

    def __init__(self, slots: int = 2) -> None:
        self.log: list[str] = []
        self.journal = FakeJournal(self.log)
        self.ready: dict[int, FakeReady] = {}
        self.ends: dict[int, Exception] = {}
        self.long: set[int] = set()
        self.broken: set[int] = set()
        self.delivered: dict[int, Delivered] = {}
        self.known_to_all: set[int] = set()
        self.places = 100
        self.full = False
        self.failures: list[BaseException] = []
        self.stopped = False
        self.stops_on_refusal = False
        self.landing_fails: Exception | None = None
        self.flights = Flights(self.journal, self, slots=slots, may_leave=lambda: not self.stopped, clock=lambda: NOW)

    @property
    def room(self) -> int:
        return self.places - len(self.known_to_all)

    @property
    def is_full(self) -> bool:
        return self.full

    def board(self, requests: Sequence[Request[Any]], *, fresh: bool) -> Sequence[Ready]:
        boarded: list[Ready] = []
        for seq in (number_of(to_row(request, 1)[1]) for request in requests):
            if seq in self.broken:
                raise RuntimeError("broken")
            if seq in self.long:
                break
            self.ready[seq] = FakeReady(self.log, seq, self.ends.get(seq))
            boarded.append(self.ready[seq])
        return boarded

    def boarded(self, job: Job) -> None:
        self.known_to_all.add(job.seq)

    def opened(self, jobs: Sequence[Job]) -> None:
        self.known_to_all.update(job.seq for job in jobs)

    def take_the_long_way(self, job: Job) -> None:
        self.log.append(f"long {job.seq}")

    def heed(self, job: Job, delivered: Delivered) -> None:
        self.log.append(f"heeded {job.seq}")
        self.stopped = self.stopped or (self.stops_on_refusal and delivered.outcome is Outcome.REFUSED)

    def landed(self, landed: Sequence[tuple[Job, Delivered]]) -> None:
        if self.landing_fails is not None:
            raise self.landing_fails
        self.delivered.update((job.seq, delivered) for job, delivered in landed)

    def failed(self, error: BaseException) -> None:
        self.failures.append(error)
        self.stopped = True

    async def offer(self, *seqs: int) -> None:
        for seq in seqs:
            self.flights.offer(Job(seq=seq, request=text(seq)))
        await asyncio.sleep(0)

    async def answer(self, *seqs: int) -> None:
        for seq in seqs:
            self.ready[seq].done()
        await asyncio.sleep(0)


async def test_nothing_leaves_before_its_claim_is_durable() -> None:
    stage = Stage()
    await stage.offer(1, 2)
    assert stage.log == []
    assert stage.flights.count == 2
    stage.journal.commit()
    assert stage.log == ["committed [] [1, 2]", "left 1", "left 2"]


async def test_results_and_the_next_claims_are_one_step() -> None:
    stage = Stage()
    await stage.offer(1, 2, 3, 4)
    stage.journal.commit()
    await stage.answer(1, 2)
    results = stage.journal.commit()
    assert results == [Finish(seq, Outcome.ACCEPTED, message_id=f"wamid.{seq}") for seq in (1, 2)]
    assert stage.log[-3:] == ["committed [1, 2] [3, 4]", "left 3", "left 4"]
    assert {seq: one.outcome for seq, one in stage.delivered.items()} == dict.fromkeys((1, 2), Outcome.ACCEPTED)


async def test_one_step_at_a_time_and_the_rest_joins_the_next() -> None:
    stage = Stage(slots=4)
    await stage.offer(1)
    await stage.offer(2)
    await stage.offer(3)
    assert len(stage.journal.steps) == 1
    stage.journal.commit()
    await asyncio.sleep(0)
    assert stage.journal.claims == [[2, 3]]


async def test_nobody_is_told_of_a_result_that_is_not_durable() -> None:
    stage = Stage()
    await stage.offer(1)
    stage.journal.commit()
    await stage.answer(1)
    assert stage.delivered == {}
    stage.journal.commit(unstored=[1], error=JournalError("the disk is gone"))
    assert stage.delivered == {}
    assert [str(error) for error in stage.failures] == ["the disk is gone"]


async def test_what_is_durable_is_told_although_something_else_did_not_fit() -> None:
    stage = Stage()
    await stage.offer(1, 2)
    stage.journal.commit()
    await stage.answer(1, 2)
    assert stage.flights.count == 2
    stage.journal.commit(unstored=[2], error=JournalError("a row does not fit"))
    assert set(stage.delivered) == {1}
    assert len(stage.failures) == 1


async def test_no_more_than_the_slots_leave_and_the_long_way_takes_one_too() -> None:
    stage = Stage()
    stage.long.add(1)
    await stage.offer(1, 2, 3)
    assert stage.log == ["long 1"]
    assert stage.journal.claims == [[2]]
    stage.journal.commit()
    await asyncio.sleep(0)
    assert stage.journal.steps == []
    stage.flights.give_back()
    await asyncio.sleep(0)
    assert stage.journal.claims == [[3]]


async def test_a_row_that_is_not_queued_any_more_is_not_sent_and_frees_its_slot() -> None:
    stage = Stage(slots=1)
    await stage.offer(1, 2)
    stage.journal.commit(refuse=[1])
    assert stage.log[-1] == "called off 1"
    assert stage.delivered[1] == Delivered(outcome=Outcome.NOT_SENT)
    await asyncio.sleep(0)
    assert stage.journal.claims == [[2]]


async def test_what_was_claimed_in_a_step_that_failed_in_part_goes_back_to_the_queue() -> None:
    stage = Stage()
    await stage.offer(1, 2)
    stage.journal.commit(refuse=[2], error=JournalError("a row does not fit"))
    await asyncio.sleep(0)
    assert "left" not in " ".join(stage.log)
    assert stage.journal.commit() == [Requeue(1)]
    assert len(stage.failures) == 1


async def test_a_closed_journal_ends_the_run_and_nothing_leaves() -> None:
    stage = Stage()
    stage.journal.closed = True
    await stage.offer(1, 2)
    assert stage.log == ["called off 1", "called off 2"]
    assert len(stage.failures) == 1
    await asyncio.wait_for(stage.flights.rest(), 1)


@pytest.mark.parametrize(
    ("error", "note"),
    [
        (APIError("no", status=200), Finish(1, Outcome.REFUSED, http=200, code="refused", note="no")),
        (OutcomeUnknownError("cut"), Finish(1, Outcome.UNKNOWN, code="outcome_unknown", note="cut")),
        (RuntimeError("a bug"), Finish(1, Outcome.UNKNOWN, code="unexpected_error", note="RuntimeError")),
    ],
    ids=["refused", "unknown", "unforeseen"],
)
async def test_what_went_wrong_is_noted(error: Exception, note: Finish) -> None:
    stage = Stage()
    stage.ends[1] = error
    await stage.offer(1)
    stage.journal.commit()
    await stage.answer(1)
    assert stage.journal.commit() == [note]
    delivered = stage.delivered[1]
    assert (delivered.error or delivered.failure) is error


async def test_what_was_not_sent_is_queued_again_for_later() -> None:
    stage = Stage()
    stage.ends[1] = NotSentError("stale")
    await stage.offer(1)
    stage.journal.commit()
    await stage.answer(1)
    (requeue,) = stage.journal.commit()
    assert isinstance(requeue, Requeue)
    assert requeue.seq == 1
    assert requeue.not_before == NOW + stage.delivered[1].retry_in


async def test_a_reason_to_stop_counts_before_the_next_one_leaves() -> None:
    stage = Stage()
    stage.stops_on_refusal = True
    stage.ends[1] = APIError("fix your token", status=401)
    await stage.offer(1, 2, 3, 4)
    stage.journal.commit()
    await stage.answer(1, 2)
    assert stage.journal.claims == [[]]
    stage.journal.commit()
    await asyncio.wait_for(stage.flights.rest(), 1)
    assert set(stage.delivered) == {1, 2}


async def test_an_error_on_boarding_ends_the_run_and_those_on_board_leave() -> None:
    stage = Stage(slots=3)
    stage.broken.add(3)
    stage.long.add(2)
    await stage.offer(1, 2, 3)
    stage.journal.commit()
    assert stage.log == ["long 2", "committed [] [1]", "left 1"]
    assert [str(error) for error in stage.failures] == ["broken"]


async def test_an_error_on_landing_ends_the_run_and_does_not_hang_it() -> None:
    stage = Stage()
    stage.landing_fails = RuntimeError("a bug")
    await stage.offer(1)
    stage.journal.commit()
    await stage.answer(1)
    stage.journal.commit()
    await asyncio.wait_for(stage.flights.rest(), 1)
    assert stage.failures == [stage.landing_fails]


async def test_rest_waits_for_all_that_is_on_its_way() -> None:
    stage = Stage()
    await stage.offer(1)
    rest = asyncio.create_task(stage.flights.rest())
    for step in ("claim", "answer", "result"):
        await asyncio.sleep(0.001)
        assert not rest.done()
        _ = stage.ready[1].done() if step == "answer" else stage.journal.commit()
    await asyncio.wait_for(rest, 1)


async def test_breaking_off_settles_all() -> None:
    stage = Stage(slots=4)
    await stage.offer(1, 2)
    stage.journal.commit()
    await stage.offer(3)  # its claim is on the way to the disk
    stage.ready[1].done()
    ground = asyncio.create_task(stage.flights.ground())
    await asyncio.sleep(0.001)
    assert not ground.done()
    stage.journal.commit()
    await asyncio.sleep(0.001)
    results = stage.journal.commit()
    await asyncio.wait_for(ground, 1)
    assert sorted(results, key=lambda one: one.seq) == [
        Finish(1, Outcome.ACCEPTED, message_id="wamid.1"),
        Finish(2, Outcome.UNKNOWN, code="interrupted"),
        Requeue(3),
    ]
    assert {"abandoned 2", "called off 3"} <= set(stage.log)
    assert "left 3" not in stage.log
    await stage.offer(4)
    assert stage.journal.steps == []


# --- messages of the source, which the journal does not have yet


async def embarked(stage: Stage, *seqs: int) -> asyncio.Task[list[Fresh]]:
    """Bring messages of the source, and let the next turn of the loop take them."""
    task = asyncio.create_task(stage.flights.embark(fresh(*seqs)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return task


async def test_a_fresh_message_is_stored_and_claimed_in_one_step_before_it_leaves() -> None:
    stage = Stage()
    task = await embarked(stage, 1, 2)
    assert stage.log == []
    assert (stage.flights.count, stage.flights.fresh) == (2, 2)
    stage.journal.commit()
    assert stage.log == ["committed [] [1, 2]", "left 1", "left 2"]
    assert stage.known_to_all == {1, 2}
    assert (stage.flights.count, stage.flights.fresh) == (2, 0)
    assert await asyncio.wait_for(task, 1) == []


async def test_fresh_messages_wait_for_slots_and_join_the_results() -> None:
    stage = Stage()
    task = await embarked(stage, 1, 2, 3, 4, 5)
    stage.journal.commit()
    await stage.answer(1, 2)
    assert stage.flights.fresh == 3
    stage.journal.commit()
    assert stage.log[-3:] == ["committed [1, 2] [3, 4]", "left 3", "left 4"]
    assert not task.done()
    await stage.answer(3)
    assert await asyncio.wait_for(task, 1) == []
    assert stage.journal.claims == [[5]]


async def test_all_behind_the_first_that_cannot_fly_come_back_in_their_order() -> None:
    stage = Stage(slots=4)
    stage.long.add(2)
    task = await embarked(stage, 1, 2, 3)
    assert await asyncio.wait_for(task, 1) == fresh(2, 3)
    assert stage.journal.claims == [[1]]
    stage.long.clear()
    again = await embarked(stage, 4)
    stage.journal.commit()
    assert await asyncio.wait_for(again, 1) == []
    assert stage.journal.claims == [[4]]


async def test_a_queued_message_comes_before_fresh_ones() -> None:
    stage = Stage(slots=1)
    stage.flights.offer(Job(seq=9, request=text(9)))
    _ = await embarked(stage, 1)
    assert stage.journal.claims == [[9]]


@pytest.mark.parametrize(
    "known",
    [
        Stored(7, Added.DUPLICATE, State.SKIPPED),
        Stored(7, Added.KNOWN, State.ACCEPTED),
        Stored(7, Added.KNOWN, State.QUEUED),
        Stored(7, Added.KNOWN, State.IN_FLIGHT),
        Stored(7, Added.NEW, State.UNKNOWN),
    ],
    ids=["duplicate", "accepted", "queued", "in flight", "in doubt"],
)
async def test_what_the_journal_has_already_is_not_sent_and_is_told_once(known: Stored) -> None:
    stage = Stage(slots=1)
    task = await embarked(stage, 1, 2)
    stage.journal.commit(known={1: known})
    assert stage.log[-1] == "called off 1"
    assert stage.flights.take_known() == [(text(1), known)]
    assert stage.flights.take_known() == []
    assert await asyncio.wait_for(task, 1) == []
    assert stage.journal.claims == [[2]]


async def test_what_could_not_be_stored_stays_behind_in_its_order_and_nothing_leaves() -> None:
    stage = Stage()
    _ = await embarked(stage, 1, 2, 3)
    stage.journal.commit(unborn=True, error=JournalError("the disk is full"))
    await asyncio.sleep(0)
    assert stage.log[-2:] == ["called off 2", "called off 1"]
    assert [str(error) for error in stage.failures] == ["the disk is full"]
    assert (stage.journal.steps, stage.flights.count) == ([], 0)
    assert stage.flights.stay_behind() == fresh(1, 2, 3)
    assert stage.flights.stay_behind() == []


async def test_what_was_stored_in_a_step_that_failed_in_part_goes_back_to_the_queue() -> None:
    stage = Stage()
    _ = await embarked(stage, 1)
    stage.journal.commit(error=JournalError("another row does not fit"))
    await asyncio.sleep(0)
    assert stage.log[-1] == "called off 1"
    assert stage.journal.commit() == [Requeue(1)]


async def test_a_closed_journal_leaves_fresh_messages_behind() -> None:
    stage = Stage()
    stage.journal.closed = True
    _ = await embarked(stage, 1, 2)
    assert stage.flights.stay_behind() == fresh(1, 2)
    assert len(stage.failures) == 1


async def test_an_error_on_boarding_leaves_fresh_messages_behind() -> None:
    stage = Stage()
    stage.broken.add(1)
    _ = await embarked(stage, 1, 2)
    assert [str(error) for error in stage.failures] == ["broken"]
    assert stage.flights.stay_behind() == fresh(1, 2)


@pytest.mark.parametrize("kind", ["queued", "fresh"])
async def test_where_as_many_fly_as_may_the_next_waits_for_a_landing_and_not_in_a_line(kind: str) -> None:
    stage = Stage(slots=4)
    stage.full = True
    stage.long.update({2, 3})
    if kind == "queued":
        await stage.offer(1, 2, 3)
    else:
        _ = await embarked(stage, 1, 2, 3)
    stage.journal.commit()
    await asyncio.sleep(0)
    assert stage.log == ["committed [] [1]", "left 1"]
    stage.long.clear()
    await stage.answer(1)
    assert stage.journal.claims == [[2, 3]]


@pytest.mark.parametrize("kind", ["queued", "fresh"])
async def test_where_others_have_all_places_and_none_flies_it_goes_into_the_line(kind: str) -> None:
    stage = Stage(slots=4)
    stage.full = True
    stage.long.add(1)
    if kind == "queued":
        await stage.offer(1)
        assert stage.log == ["long 1"]
    else:
        task = await embarked(stage, 1)
        assert await asyncio.wait_for(task, 1) == fresh(1)


async def test_no_more_fresh_messages_leave_than_there_is_room_for() -> None:
    stage = Stage(slots=4)
    stage.places = 2
    _ = await embarked(stage, 1, 2, 3)
    stage.journal.commit()
    await stage.answer(1, 2)
    stage.journal.commit()
    await asyncio.sleep(0)
    assert stage.journal.claims == []
    stage.places = 3
    stage.flights.go_on()
    await asyncio.sleep(0)
    assert stage.journal.claims == [[3]]


async def test_nothing_fresh_leaves_once_the_run_is_to_stop() -> None:
    stage = Stage()
    stage.stopped = True
    task = await embarked(stage, 1)
    assert not task.done()
    assert stage.journal.steps == []
    task.cancel()
    await asyncio.wait([task])
    assert stage.flights.stay_behind() == fresh(1)


async def test_stored_waits_for_what_is_on_its_way_to_the_disk() -> None:
    stage = Stage()
    await asyncio.wait_for(await embarked(stage, 1), 1)
    stored = asyncio.create_task(stage.flights.stored())
    await asyncio.sleep(0.001)
    assert not stored.done()
    stage.journal.commit()
    await asyncio.wait_for(stored, 1)


async def test_breaking_off_puts_fresh_ones_that_were_stored_meanwhile_back_to_the_queue() -> None:
    stage = Stage(slots=1)
    _ = await embarked(stage, 1, 2)
    ground = asyncio.create_task(stage.flights.ground())
    await asyncio.sleep(0.001)
    stage.journal.commit()
    await asyncio.sleep(0.001)
    assert stage.journal.commit() == [Requeue(1)]
    await asyncio.wait_for(ground, 1)
    assert "left" not in " ".join(stage.log)
    assert stage.flights.stay_behind() == fresh(2)
