"""Messages that need to wait for nothing: claimed, sent and settled in blocks, without a task for each.

In a campaign at full speed that is nearly all of them. Whatever has to wait goes the long way: through a worker.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, Protocol

from ..outcomes import Outcome
from .delivery import Delivered, Job, judged, note_of
from .journal import Advanced, BlockJournal, Finish, Requeue

__all__ = ["Crew", "Flights", "Ready"]

_INTERRUPTED: Final = "interrupted"


class Ready(Protocol):
    """A message that may leave at once; see `transport.Prepared`."""

    def leave(self, done: Callable[[], object]) -> None:
        """Send it; `done` is called once when `result` can be asked."""
        ...

    def call_off(self) -> None:
        """Send nothing."""
        ...

    def abandon(self) -> None:
        """Give up what has left."""
        ...

    def result(self) -> Any:
        """Return the receipt, or raise WabotickError."""
        ...


class Crew(Protocol):
    """What a campaign does for its flights. All of it happens at once; nothing waits."""

    def board(self, job: Job) -> Ready | None:
        """Return a message that may leave, or None where it has to take the long way."""
        ...

    def take_the_long_way(self, job: Job) -> None:
        """Hand a message to a worker; its slot is given back by `Flights.give_back`."""
        ...

    def heed(self, job: Job, delivered: Delivered) -> None:
        """Draw the conclusions from what became of a message, before another one leaves."""
        ...

    def landed(self, job: Job, delivered: Delivered) -> None:
        """Note what became of a message; the journal has it, and where it was not sent, it is queued."""
        ...

    def failed(self, error: BaseException) -> None:
        """End the run."""
        ...


class _Flight:
    """A message on its way."""

    __slots__ = ("job", "ready")

    def __init__(self, job: Job, ready: Ready) -> None:
        self.job = job
        self.ready = ready


class Flights:
    """Send messages in blocks of what one turn of the event loop brings.

    In each block the results of those that were answered and the claims of those that are to leave are one step of the
    journal. No byte leaves before that step is durable.

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
        self._waiting: deque[Job] = deque()
        self._flying: dict[int, _Flight] = {}
        self._answered: list[_Flight] = []
        self._settling: list[tuple[Job, Delivered, Finish | Requeue]] = []
        self._unsettled = 0
        """Results on their way to the disk."""
        self._claiming: Sequence[_Flight] = ()
        self._writing = self._planned = self._grounded = False
        self._watched: asyncio.Future[None] | None = None

    @property
    def count(self) -> int:
        """Return how many messages are claimed and not settled."""
        return len(self._flying) + len(self._claiming) + len(self._settling) + self._unsettled

    def offer(self, job: Job) -> None:
        """Send a message as soon as there is a slot."""
        self._waiting.append(job)
        self._plan()

    def give_back(self) -> None:
        """Give back the slot of a message that took the long way."""
        self._slots += 1
        if self._waiting:
            self._plan()

    async def rest(self) -> None:
        """Wait until nothing is on its way. What has no slot yet stays queued in the journal."""
        while self._flying or self._writing or self._settling:
            await self._change()

    async def ground(self) -> None:
        """Break everything off: what has left is unknown, what has not goes back to the queue."""
        self._grounded = True
        await self._written()
        await asyncio.sleep(0)  # those that have come are told of in this turn of the loop
        self._read_answers()
        for flight in self._flying.values():
            flight.ready.abandon()
            unknown = Delivered(outcome=Outcome.UNKNOWN)
            self._settling.append((flight.job, unknown, Finish(flight.job.seq, Outcome.UNKNOWN, code=_INTERRUPTED)))
        self._flying.clear()
        if self._settling:
            self._write([])
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
        claiming = self._board()
        if claiming or self._settling:
            self._write(claiming)
        elif not self._flying:
            self._note()

    def _board(self) -> list[_Flight]:
        boarded: list[_Flight] = []
        while self._waiting and self._slots > 0 and self._may_leave():
            job = self._waiting.popleft()
            self._slots -= 1
            try:
                ready = self._crew.board(job)
            except Exception as error:  # noqa: BLE001 - those who have boarded must not be forgotten
                self._crew.failed(error)
                break
            if ready is None:
                self._crew.take_the_long_way(job)
            else:
                boarded.append(_Flight(job, ready))
        return boarded

    def _write(self, claiming: list[_Flight]) -> None:
        settling, self._settling = self._settling, []
        self._claiming, self._unsettled, self._writing = claiming, len(settling), True

        def written(advanced: Advanced) -> None:
            self._claiming, self._unsettled, self._writing = (), 0, False
            for flight, claimed in zip(claiming, advanced.claimed, strict=True):
                self._leave(flight, claimed=claimed, fine=advanced.error is None)
            for (job, delivered, _), stored in zip(settling, advanced.stored, strict=True):
                if stored:
                    self._land(job, delivered)
            if advanced.error is not None:
                self._crew.failed(advanced.error)
            self._note()
            self._plan()

        try:
            self._journal.advance([one[2] for one in settling], [one.job.seq for one in claiming], written)
        except Exception as error:  # noqa: BLE001 - a closed or broken journal: nothing was claimed
            written(Advanced(stored=[False] * len(settling), claimed=[False] * len(claiming), error=error))

    def _leave(self, flight: _Flight, *, claimed: bool, fine: bool) -> None:
        job = flight.job
        if claimed and fine and not self._grounded:
            self._flying[job.seq] = flight
            flight.ready.leave(partial(self._landed, flight))
            return
        flight.ready.call_off()
        self._slots += 1
        not_sent = Delivered(outcome=Outcome.NOT_SENT)
        if claimed:
            self._settling.append((job, not_sent, Requeue(job.seq)))
        else:  # the row is not queued any more
            self._land(job, not_sent)

    def _land(self, job: Job, delivered: Delivered) -> None:
        try:
            self._crew.landed(job, delivered)
        except Exception as error:  # noqa: BLE001 - the others land all the same
            self._crew.failed(error)

    def _landed(self, flight: _Flight) -> None:
        self._answered.append(flight)
        self._plan()

    def _read_answers(self) -> None:
        answered, self._answered = self._answered, []
        for flight in answered:
            job = flight.job
            del self._flying[job.seq]
            try:
                receipt = flight.ready.result()
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
