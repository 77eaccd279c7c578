"""Whose turn it is: rows that are open hold a place, all others wait without one, in memory or in the journal."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import anyio
import anyio.abc

from ..endpoints import Endpoint, Request
from ..errors import NotDueError, WabotickError
from ..outcomes import Outcome
from ..transport.pace import Scope, scopes_of
from ..transport.places import Places
from .delivery import Job
from .journal import Journal, Row
from .message import read_request
from .parking import Parked, Parking
from .policy import LONGEST_WAIT_IN_A_RUN, narrow_scope
from .quota import DailyRecipients

__all__ = ["Turns"]

_DAY: Final = Scope("day")
_WRITTEN: Final = frozenset({Outcome.ACCEPTED, Outcome.UNKNOWN})


class Turns:
    """Hands rows out, each when it is its turn.

    Args:
        journal: has the rows queued.
        places: rows that may be open at a time.
        registry: where the endpoints of journalled rows are looked up.
        parking: holds what has to wait.
        daily: how many different recipients a day; None for any number.
        hand_out: given each row whose turn it is.
        failed: told of an error that ends the run.
        sleep: waits some seconds.
        freed: called when there is room for another row.
    """

    def __init__(
        self,
        journal: Journal,
        *,
        places: int,
        registry: Mapping[str, Endpoint],
        parking: Parking,
        daily: DailyRecipients | None,
        hand_out: Callable[[Job], None],
        failed: Callable[[Exception], None],
        sleep: Callable[[float], Awaitable[None]],
        freed: Callable[[], object] | None = None,
    ) -> None:
        self._journal = journal
        self._registry = registry
        self._parking = parking
        self._daily = daily
        self._hand_out = hand_out
        self._failed = failed
        self._sleep = sleep
        self._places = Places(places, freed)
        self._open: set[int] = set()
        self._closed: set[int] | None = None
        self._watched: asyncio.Event | None = None
        """Set when this comes to rest; made by whoever waits for that."""
        self._over = anyio.CancelScope()
        self._group: anyio.abc.TaskGroup | None = None
        self.left: str | None = None
        """Why rows were left to a later run, or None."""

    @property
    def open(self) -> int:
        """Return how many rows are with the workers or on the way to them."""
        return len(self._open)

    @property
    def room(self) -> int:
        """Return how many rows more may be open."""
        return self._places.free

    @property
    def parked_for(self) -> dict[str, int]:
        """Return how many rows are parked, by the kind of scope that they wait for."""
        return self._parking.by_kind

    @property
    def parked_due(self) -> float | None:
        """Return the seconds until the first parked row is due, or None where that is not known."""
        return self._parking.due_in

    def has_lane_for(self, request: Request[Any]) -> bool:
        """Tell whether a message would have to wait behind others of its scope."""
        return self._parking.has_lanes and self._parking.has_lane(scopes_of(request, None))

    @property
    def has_lanes(self) -> bool:
        """Tell whether some messages would have to wait behind others of their scope."""
        return self._parking.has_lanes

    def begin(self, group: anyio.abc.TaskGroup) -> None:
        """From here on hand rows that wait to the workers as they come due, in tasks of the group."""
        self._group = group
        group.start_soon(self._bring_back, group)

    def end(self) -> None:
        """Try nothing again any more; what waits stays queued in the journal."""
        self._group = None
        self._over.cancel()
        self._parking.clear()
        self._note()

    async def submit(self, jobs: Iterable[Job]) -> None:
        """Hand rows out, each when there is a place, or let it wait where its turn is not now."""
        places, is_open = self._places, self._open
        for job in jobs:
            if job.seq in is_open or job.seq in self._parking or self._waits(job):
                self._note()
                continue
            if not places.take():
                await places.wait()
            is_open.add(job.seq)
            self._hand_out(job)

    def opened(self, seqs: Sequence[int]) -> None:
        """Note that rows were stored as they left."""
        self._open.update(seqs)
        self._places.take_anyway(len(seqs))

    async def take_up(self, page: int, now: float) -> None:
        """Submit all queued rows that are due, besides those that are open or parked."""
        self.left = None
        self._parking.left = self._parking.hungry = False
        self._note()
        after = 0
        while True:
            self._closed = ended = set[int]()  # a row that ends from here on may be on the page all the same
            rows = await self._journal.queued(after, page, now)
            for row in rows:
                if not self._is_known(row.seq) and row.seq not in ended:
                    await self.submit([Job(seq=row.seq, request=self._read(row))])
            if not rows:
                break
            after = rows[-1].seq
        self._closed = None

    async def rest(self) -> bool:
        """Wait until nothing is open or parked; True, perhaps sooner, where more is to be taken up."""
        await self._rest()
        return self._parking.left or self._parking.hungry

    async def all_done(self) -> None:
        """Wait until nothing is open or parked."""
        while self._open or len(self._parking):
            self._parking.hungry = False
            await self._rest()

    def admit(self, job: Job) -> bool:
        """Tell whether a row may be sent to its recipient today; if not, it waits."""
        wait = 0.0 if self._daily is None else self._daily.admit(_recipient(job.request))
        if wait:
            self._wait_for_day(job, wait)
        return not wait

    def granted(self, seq: int) -> None:
        """Note that a row is about to leave: whoever waits behind it may ask."""
        self._parking.ended(seq)
        self._note()

    def delivered(self, job: Job, outcome: Outcome) -> None:
        """Note what became of an admitted row."""
        if self._daily is not None:
            self._daily.release(_recipient(job.request), written=outcome in _WRITTEN)
            self._parking.wake(_DAY)

    def put_off(self, job: Job, error: WabotickError, wait: float) -> bool:
        """Let a row that was not sent wait, or leave it to a later run; True where it keeps its place meanwhile.

        A row that was held back by a limit of its own is parked. Trouble that may be everybody's keeps its rows open,
        so that an outage goes no further than the rows that are open then.
        """
        kind = narrow_scope(error)
        if wait > LONGEST_WAIT_IN_A_RUN:
            if isinstance(error, NotDueError):
                self.left = self.left or str(error)
        elif kind is not None:
            job.returns += not isinstance(error, NotDueError)
            scope = scopes_of(job.request, None).of_kind(kind)
            self._park(job, scope, wait, firm=not isinstance(error, NotDueError))
        elif self._group is not None:
            self._group.start_soon(self._submit_again, job, wait)
            return True
        return False

    def close(self, *seqs: int) -> None:
        """Give the places of rows back."""
        self._open.difference_update(seqs)
        if self._closed is not None:
            self._closed.update(seqs)
        self._places.give_back(len(seqs))
        for seq in seqs:
            self._parking.ended(seq)
        self._note()

    async def _bring_back(self, group: anyio.abc.TaskGroup) -> None:
        with self._over:
            while True:
                await self._parking.wait()
                if not self._places.take():
                    await self._places.wait()
                parked = self._parking.take()
                if parked is None:
                    self._places.give_back()
                    continue
                self._open.add(parked.seq)
                group.start_soon(self._bring, parked)

    async def _submit_again(self, job: Job, wait: float) -> None:
        await self._sleep(wait)
        job.returns += 1
        self._hand_out(job)

    async def _bring(self, parked: Parked) -> None:
        request = parked.request
        try:
            if request is None:
                row = await self._journal.queued_row(parked.seq)
                request = None if row is None else self._read(row)
        except Exception as error:  # noqa: BLE001 - it ends the run with its report
            self._failed(error)
            return
        if request is None:
            self.close(parked.seq)  # it is not queued any more
            return
        self._hand_out(Job(seq=parked.seq, request=request, returns=parked.returns))

    def _read(self, row: Row) -> Request[Any]:
        return read_request(row.endpoint, row.payload, self._registry)

    def _is_known(self, seq: int) -> bool:
        return seq in self._open or seq in self._parking

    def _waits(self, job: Job) -> bool:
        if self._parking.has_lanes and self._parking.join(_parked(job), scopes_of(job.request, None)):
            return True
        if self._daily is None:
            return False
        recipient = _recipient(job.request)
        if self._daily.is_new(recipient) and self._parking.join(_parked(job), (_DAY,)):
            return True  # behind those who came before
        wait = self._daily.wait_for(recipient)
        if wait:
            self._wait_for_day(job, wait)
        return wait > 0

    def _wait_for_day(self, job: Job, wait: float) -> None:
        if wait <= LONGEST_WAIT_IN_A_RUN or wait == float("inf"):
            self._park(job, _DAY, wait)
        elif self._daily is not None:
            self.left = f"{self._daily.limit} recipients a day have their message; the next may in {wait / 3600:.1f} h"

    def _park(self, job: Job, scope: Scope, wait: float, *, firm: bool = False) -> None:
        if self._group is not None:
            self._parking.park(_parked(job), scope, wait, firm=firm)

    async def _rest(self) -> None:
        while not self._is_idle:
            self._watched = self._watched or asyncio.Event()
            await self._watched.wait()

    @property
    def _is_idle(self) -> bool:
        """Tell whether nothing is open or parked; a hungry lane counts as idle, too."""
        return not (self._open or len(self._parking)) or self._parking.hungry

    def _note(self) -> None:
        """Wake those who wait until this comes to rest."""
        if self._watched is not None and self._is_idle:
            self._watched.set()
            self._watched = None


def _parked(job: Job) -> Parked:
    return Parked(job.seq, job.returns, job.request)


def _recipient(request: Request[Any]) -> str:
    return str(getattr(request, "phone_number", ""))
