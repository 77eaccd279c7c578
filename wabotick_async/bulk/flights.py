"""Messages that need to wait for nothing: claimed, sent and settled in blocks, without a task for each.

In a campaign at full speed that is nearly all of them. Whatever has to wait goes the long way: through a worker.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any, Final, TypeVar

from ..endpoints import Request
from ..outcomes import Outcome
from .crew import Crew, Ready
from .delivery import Delivered, Job, judged, note_of
from .journal import Added, Advanced, BlockJournal, Finish, NewRow, Requeue, State, Stored

__all__ = ["Flights", "Fresh"]

_INTERRUPTED: Final = "interrupted"
_BLOCK: Final = 64
"""Queued messages that board together at most: where the first has to wait, the others were looked at in vain."""

Fresh = tuple[Request[Any], NewRow]
"""A message of the source that the journal does not have yet."""
T = TypeVar("T")


class Flights:
    """Send messages in blocks of what one turn of the event loop brings.

    In each block the results of those that were answered and the claims of those that are to leave are one step of the
    journal; a message of the source is stored and claimed in that same step. No byte leaves before it is durable.

    Args:
        journal: has the rows queued.
        crew: sees to everything else.
        slots: messages at a time, those that take the long way included.
        may_leave: asked before anything is claimed.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        journal: BlockJournal,
        crew: Crew,
        *,
        slots: int,
        may_leave: Callable[[], bool],
        clock: Callable[[], float],
    ) -> None:
        self._journal = journal
        self._crew = crew
        self._slots = slots
        self._may_leave = may_leave
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._queued: deque[Job] = deque()
        self._fresh: deque[Fresh] = deque()
        self._refused = False
        """Whether the first of the fresh ones has to take the long way."""
        self._known: list[tuple[Request[Any], Stored]] = []
        self._flying: dict[Ready, Job] = {}
        self._answered: list[Ready] = []
        self._settling: list[tuple[Job, Delivered, Finish | Requeue]] = []
        self._unsettled = 0
        """Results on their way to the disk."""
        self._claiming = self._storing = 0
        """Claims on their way there, of queued messages and of fresh ones."""
        self._writing = self._planned = self._grounded = False
        self._watched: asyncio.Future[None] | None = None

    @property
    def count(self) -> int:
        """Return how many messages are claimed, or about to be, and not settled."""
        return len(self._flying) + self._claiming + self._storing + len(self._settling) + self._unsettled

    @property
    def fresh(self) -> int:
        """Return how many messages are here that the journal does not have yet."""
        return len(self._fresh) + self._storing

    def offer(self, job: Job) -> None:
        """Send a queued message as soon as there is a slot."""
        self._queued.append(job)
        self._plan()

    async def embark(self, messages: Iterable[Fresh]) -> list[Fresh]:
        """Store and send messages of the source as there are slots; come back with those that cannot fly now.

        Those that come before these are claimed then, perhaps not yet durably.
        """
        self._fresh.extend(messages)
        self._plan()
        while self._fresh and not self._refused:
            await self._change()
        self._refused = False
        return self.stay_behind()

    def stay_behind(self) -> list[Fresh]:
        """Return the messages of the source that are not to fly any more. The journal does not have them."""
        left = list(self._fresh)
        self._fresh.clear()
        return left

    def take_known(self) -> list[tuple[Request[Any], Stored]]:
        """Return the messages of the source, each once, that were not sent as the journal had them already."""
        known, self._known = self._known, []
        return known

    async def stored(self) -> None:
        """Wait until the journal has all messages of the source that have left `embark`."""
        while self._storing:
            await self._change()

    def give_back(self) -> None:
        """Give back the slot of a message that took the long way."""
        self._slots += 1
        if self._queued or self._fresh:
            self._plan()

    def go_on(self) -> None:
        """Look whether something may leave, as there is more room."""
        if self._fresh:
            self._plan()

    async def rest(self) -> None:
        """Wait until nothing is on its way. What has no slot yet stays where it is."""
        while self._flying or self._writing or self._settling:
            await self._change()

    async def ground(self) -> None:
        """Break everything off: what has left is unknown, what has not goes back to the queue."""
        self._grounded = True
        await self._written()
        await asyncio.sleep(0)  # those that have come are told of in this turn of the loop
        self._read_answers()
        for ready, job in self._flying.items():
            ready.abandon()
            unknown = Delivered(outcome=Outcome.UNKNOWN)
            self._settling.append((job, unknown, Finish(job.seq, Outcome.UNKNOWN, code=_INTERRUPTED)))
        self._flying.clear()
        if self._settling:
            self._write([], [])
        await self._written()

    def _plan(self) -> None:
        if not self._planned:
            self._planned = True
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        """Do what has come together since the last time."""
        self._planned = False
        self._read_answers()
        if self._writing or self._grounded:
            return
        queued, fresh = self._board_queued(), self._board_fresh()
        if queued or fresh or self._settling:
            self._write(queued, fresh)
        elif not self._flying:
            self._note()
        if not self._fresh or self._refused:
            self._note()

    def _board_queued(self) -> list[tuple[Ready, Job]]:
        boarded: list[tuple[Ready, Job]] = []
        while self._queued and self._slots > 0 and self._may_leave():
            jobs = _first(self._queued, min(self._slots, _BLOCK))
            try:
                ready = self._crew.board([job.request for job in jobs], fresh=False)
                self._slots -= len(ready)
                boarded += [(one, self._queued.popleft()) for one in ready]
                for job in jobs[: len(ready)]:
                    self._crew.boarded(job)
            except Exception as error:  # noqa: BLE001 - those who have boarded must not be forgotten
                self._crew.failed(error)
                break
            if len(ready) < len(jobs):
                if self._lands_soon(boarded):
                    break
                self._slots -= 1
                self._crew.take_the_long_way(self._queued.popleft())
        return boarded

    def _board_fresh(self) -> list[tuple[Ready, Fresh]]:
        most = min(self._slots, self._crew.room)
        if self._refused or not self._fresh or most <= 0 or not self._may_leave():
            return []
        messages = _first(self._fresh, most)
        try:
            ready = self._crew.board([request for request, _ in messages], fresh=True)
        except Exception as error:  # noqa: BLE001 - it ends the run, and the messages stay behind
            self._crew.failed(error)
            return []
        self._refused = len(ready) < len(messages) and not self._lands_soon(ready)
        self._slots -= len(ready)
        return [(one, self._fresh.popleft()) for one in ready]

    def _lands_soon(self, boarded: Sequence[object]) -> bool:
        """Tell whether the next message has only to wait until one of these, or of those that fly, has landed.

        In the line of the limiter it would keep all others from flying for as long as there is a line.
        """
        return bool(boarded or self._flying) and self._crew.is_full

    def _write(self, queued: list[tuple[Ready, Job]], fresh: list[tuple[Ready, Fresh]]) -> None:
        settling, self._settling = self._settling, []
        self._claiming, self._storing, self._unsettled, self._writing = len(queued), len(fresh), len(settling), True

        def written(advanced: Advanced) -> None:
            self._claiming = self._storing = self._unsettled = 0
            self._writing = False
            fine = advanced.error is None and not self._grounded
            for (ready, job), claimed in zip(queued, advanced.claimed, strict=True):
                self._leave(ready, job, claimed=claimed, fine=fine)
            self._leave_fresh(fresh, advanced.added, fine=fine)
            self._land([one[:2] for one, stored in zip(settling, advanced.stored, strict=True) if stored])
            if advanced.error is not None:
                self._crew.failed(advanced.error)
            self._note()
            self._plan()

        results = [one[2] for one in settling]
        try:
            self._journal.advance(
                results, [job.seq for _, job in queued], written, fresh=[row for _, (_, row) in fresh]
            )
        except Exception as error:  # noqa: BLE001 - a closed or broken journal: nothing was claimed
            written(Advanced(stored=[False] * len(settling), claimed=[False] * len(queued), added=[], error=error))

    def _leave(self, ready: Ready, job: Job, *, claimed: bool, fine: bool) -> None:
        if claimed and fine:
            self._flying[ready] = job
            ready.leave(self._landed)
            return
        ready.call_off()
        self._slots += 1
        not_sent = Delivered(outcome=Outcome.NOT_SENT)
        if claimed:
            self._settling.append((job, not_sent, Requeue(job.seq)))
        else:  # the row is not queued any more
            self._land([(job, not_sent)])

    def _leave_fresh(self, fresh: list[tuple[Ready, Fresh]], added: Sequence[Stored], *, fine: bool) -> None:
        if not added:  # the journal has none of them
            for ready, message in reversed(fresh):
                ready.call_off()
                self._slots += 1
                self._fresh.appendleft(message)
            return
        leaving: list[tuple[Ready, Job]] = []
        for (ready, (request, _)), stored in zip(fresh, added, strict=True):
            if stored.added is Added.NEW and stored.state is State.IN_FLIGHT:
                leaving.append((ready, Job(seq=stored.seq, request=request)))
            else:
                ready.call_off()
                self._slots += 1
                self._known.append((request, stored))
        if leaving:
            self._crew.opened([job for _, job in leaving])
        for ready, job in leaving:
            self._leave(ready, job, claimed=True, fine=fine)

    def _land(self, landed: list[tuple[Job, Delivered]]) -> None:
        if not landed:
            return
        try:
            self._crew.landed(landed)
        except Exception as error:  # noqa: BLE001 - what else there is to do is done all the same
            self._crew.failed(error)

    def _landed(self, ready: Ready) -> None:
        self._answered.append(ready)
        self._plan()

    def _read_answers(self) -> None:
        answered, self._answered = self._answered, []
        for ready in answered:
            job = self._flying.pop(ready)
            try:
                receipt = ready.result()
            except Exception as error:  # noqa: BLE001 - also what nobody foresaw: it may have arrived
                delivered = judged(error, job)
            else:
                delivered = Delivered(outcome=Outcome.ACCEPTED, receipt=receipt)
            self._crew.heed(job, delivered)
            self._slots += 1  # so that the next message is claimed in the same step
            self._settling.append((job, delivered, note_of(job.seq, delivered, self._clock())))

    async def _written(self) -> None:
        while self._writing:
            await self._change()

    async def _change(self) -> None:
        self._watched = self._watched or self._loop.create_future()
        await asyncio.shield(self._watched)

    def _note(self) -> None:
        if self._watched is not None:
            self._watched.set_result(None)
            self._watched = None


def _first(waiting: deque[T], most: int) -> list[T]:
    return list(islice(waiting, most))
