"""One run of a campaign: the feed, the workers, and the reasons to stop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from itertools import takewhile
from typing import Any

import anyio
import anyio.abc

from ..endpoints import Request
from ..errors import CampaignError
from ..outcomes import Outcome
from .breaker import Breaker
from .client import Prepares
from .course import Course
from .crew import Ready
from .delivery import Delivered, Delivery, Job, Sends
from .feed import Messages
from .flights import Flights, Fresh
from .intake import Intake, Known
from .journal import BlockJournal, Journal
from .parking import Parking
from .progress import BulkProgress
from .quota import DailyRecipients
from .result import BulkResult
from .settings import CampaignSettings
from .turns import Turns
from .undisturbed import undisturbed
from .worker import Worker

__all__ = ["Campaign", "Emit"]

Emit = Callable[[BulkResult], Awaitable[None]]


class Campaign:
    """One run over an open journal. Make a new one for the next.

    At most 1.5 times the concurrency is open at a time (waiting for the account's turn, or in flight), and the source
    is read half a concurrency beyond that: no more than twice the concurrency ahead of what is concluded or parked.
    """

    def __init__(self, client: Sends, journal: Journal, emit: Emit | None, settings: CampaignSettings) -> None:
        self._client = client
        self._journal = journal
        self._emit = emit
        self._settings = settings
        self._began = settings.monotonic()
        self.course = Course(settings, self._halt)
        """What became of its messages, and why it stopped."""
        self._breaker = Breaker(clock=settings.monotonic, sleep=settings.sleep)
        ahead = max(1, settings.concurrency // 2)
        daily = settings.daily_recipients
        self._daily = None if daily is None else DailyRecipients(daily, clock=settings.clock)
        self._turns = Turns(
            journal,
            places=settings.concurrency + ahead,
            registry=settings.registry,
            hand_out=self._offer,
            parking=Parking(clock=settings.monotonic, sleep=settings.sleep),
            daily=self._daily,
            failed=self.course.fail,
            sleep=settings.sleep,
            freed=self._room_made,
        )
        self._intake = Intake(
            journal,
            self._turns,
            settings,
            ahead=ahead,
            course=self.course,
            daily=self._daily,
            duplicate=self._skip,
            embark=self._embark,
        )
        self._feed_scope = anyio.CancelScope()
        self._jobs: asyncio.Queue[Job | None] = asyncio.Queue()
        self._workers: list[Worker] = []
        self._flyer = client if isinstance(client, Prepares) else None
        self._flights: Flights | None = None
        self._group: anyio.abc.TaskGroup | None = None
        self._telling = [0, 0]
        """Messages that have ended, and of which somebody is still to be told: by workers, and those that flew."""

    async def run(self, messages: Messages | None) -> None:
        """Send the messages, then whatever else the journal has queued. What goes wrong ends up in `failure`.

        Args:
            messages: the source, or None to send what the journal has queued.
        """
        workers = self._settings.concurrency
        async with anyio.create_task_group() as self._group:
            for _ in range(workers):
                self._group.start_soon(self._hire().run)
            async with self._flying():
                await self._produce(messages)
            for _ in range(workers):
                self._jobs.put_nowait(None)
        self.course.end(self._turns.left)

    @contextlib.asynccontextmanager
    async def _flying(self) -> AsyncIterator[None]:
        """Let messages fly where client and journal can do that, and see all of them land."""
        if self._flyer is None or not isinstance(self._journal, BlockJournal) or self._daily is not None:
            yield
            return
        self._flights = flights = Flights(
            self._journal,
            self,
            slots=self._settings.concurrency,
            may_leave=lambda: self.course.stopped is None,
            clock=self._settings.clock,
        )
        try:
            yield
            await flights.rest()
        except BaseException:
            self.stop("cancelled")  # at once: the workers must not go on while the flights end
            raise
        finally:
            with anyio.CancelScope(shield=True):
                await undisturbed(self._ground(flights))

    async def _ground(self, flights: Flights) -> None:
        """Break off what flies, and store what was read from the source and did not leave, for a later run."""
        await flights.ground()
        try:
            if messages := flights.stay_behind():
                await self._journal.add([row for _, row in messages])
        except CampaignError as error:
            self.course.fail(error)

    @property
    def source_read(self) -> bool:
        """Tell whether the source was read to its end, in this run or in an earlier one."""
        return self._intake.source_read

    def stop(self, reason: str) -> None:
        """End the run: no message leaves any more, and those in flight are finished. The first reason counts."""
        self.course.stop(reason)

    def _halt(self) -> None:
        self._feed_scope.cancel()
        for worker in self._workers:
            worker.halt()

    @property
    def progress(self) -> BulkProgress:
        """Return the counts so far."""
        counts, flights = self.course.counts, self._flights
        flown, fresh = (0, 0) if flights is None else (flights.count, flights.fresh)
        in_flight = sum(worker.claimed for worker in self._workers) - self._telling[False] + flown
        return BulkProgress(
            read=self._intake.read,
            accepted=counts[Outcome.ACCEPTED],
            refused=counts[Outcome.REFUSED],
            unknown=counts[Outcome.UNKNOWN],
            skipped=counts[Outcome.SKIPPED],
            known=self._intake.known,
            waiting=self._turns.open + fresh - in_flight - sum(self._telling),
            parked_for=self._turns.parked_for,
            parked_due=self._turns.parked_due,
            in_flight=in_flight,
            elapsed=self._settings.monotonic() - self._began,
            stopping=self.course.stopped,
        )

    async def _produce(self, messages: Messages | None) -> None:
        with self._feed_scope:
            async with anyio.create_task_group() as group:
                self._turns.begin(group)
                try:
                    await self._intake.run(messages, group)
                except Exception as error:  # noqa: BLE001 - it ends the run with its report, not the report itself
                    self.course.fail(error)
                finally:
                    self._turns.end()

    def _hire(self) -> Worker:
        delivery = Delivery(
            self._client,
            self._journal,
            may_leave=lambda: self.course.stopped is None,
            clock=self._settings.clock,
            retry=self._settings.retry,
            granted=self._turns.granted,
        )
        worker = Worker(
            delivery,
            self._jobs,
            course=self.course,
            turns=self._turns,
            breaker=self._breaker,
            conclude=self._conclude,
            freed=self._freed,
        )
        self._workers.append(worker)
        return worker

    def _room_made(self) -> None:
        if self._flights is not None:
            self._flights.go_on()

    def _freed(self) -> None:
        if self._flights is not None:
            self._flights.give_back()

    async def _embark(self, messages: Sequence[Fresh]) -> tuple[Sequence[Fresh], Sequence[Known]]:
        """Send messages of the source as they are read; return those that cannot fly now, and those known already.

        Without messages, all that left before are in the journal then.
        """
        flights = self._flights
        if flights is None:
            return messages, ()
        if messages:
            messages = await flights.embark(messages)
        else:
            await flights.stored()
        return messages, flights.take_known()

    def _offer(self, job: Job) -> None:
        if self._flights is None:
            self._jobs.put_nowait(job)
        else:
            self._flights.offer(job)

    def board(self, requests: Sequence[Request[Any]], *, fresh: bool) -> Sequence[Ready]:
        """Return messages that may leave at once, up to the first that may not; see `Crew`."""
        if self._flyer is None or not self._breaker.is_closed:
            return ()
        may_fly: Iterable[Request[Any]] = requests  # asked for one by one: most often the first says that none may
        if not self.course.lets_all:
            may_fly = takewhile(self.course.lets, may_fly)
        if fresh and self._turns.has_lanes:
            may_fly = takewhile(lambda request: not self._turns.has_lane_for(request), may_fly)
        return self._flyer.prepare(may_fly)

    @property
    def is_full(self) -> bool:
        """Tell whether nothing may leave before something that is in flight ends; see `Crew`."""
        return self._flyer is not None and self._breaker.is_closed and self._flyer.is_full

    @property
    def room(self) -> int:
        """Return how many messages of the source may be opened; see `Crew`."""
        return self._turns.room

    def boarded(self, job: Job) -> None:
        """Let those ask who wait behind a message; see `Crew`."""
        self._turns.granted(job.seq)

    def opened(self, jobs: Sequence[Job]) -> None:
        """Note rows that were stored as they left; see `Crew`."""
        self._turns.opened([job.seq for job in jobs])

    def take_the_long_way(self, job: Job) -> None:
        """Hand a message to a worker; see `Crew`."""
        self._jobs.put_nowait(job)

    def heed(self, job: Job, delivered: Delivered) -> None:
        """Draw the conclusions from what became of a message; see `Crew`."""
        self._breaker.heed(delivered)
        self.course.heed(job, delivered)

    def landed(self, landed: Sequence[tuple[Job, Delivered]]) -> None:
        """Note what became of messages; see `Crew`."""
        ended: list[int] = []
        for job, delivered in landed:
            try:
                self._turns.delivered(job, delivered.outcome)
                if not self._judge(job, delivered):
                    continue
                if self._emit is not None and self._group is not None:
                    self._telling[True] += 1
                    self._group.start_soon(self._tell_and_close, job, delivered, True)
                else:
                    ended.append(job.seq)
            except Exception as error:  # noqa: BLE001 - the others land all the same
                self.failed(error)
        self._turns.close(*ended)

    def failed(self, error: BaseException) -> None:
        """End the run; see `Crew`."""
        self.course.fail(error)

    async def _conclude(self, job: Job, delivered: Delivered) -> None:
        if self._judge(job, delivered):
            self._telling[False] += 1
            await self._tell_and_close(job, delivered)

    def _judge(self, job: Job, delivered: Delivered) -> bool:
        """Note what became of a message, and tell whether that is its end."""
        self.course.count(delivered)
        if delivered.outcome is not Outcome.NOT_SENT:
            return True
        error = delivered.error
        if error is None or self.course.stopped is not None or not self._turns.put_off(job, error, delivered.retry_in):
            self._turns.close(job.seq)
        return False

    async def _tell_and_close(self, job: Job, delivered: Delivered, landed: bool = False) -> None:
        try:
            await self._tell(job.seq, job.request, delivered.outcome, receipt=delivered.receipt, error=delivered.error)
        finally:
            self._telling[landed] -= 1
            self._turns.close(job.seq)

    async def _skip(self, row: int, request: Request[Any]) -> None:
        """Pass over a duplicate."""
        self.course.count(Delivered(outcome=Outcome.SKIPPED))
        await self._tell(row, request, Outcome.SKIPPED, note="a duplicate of an earlier message")

    async def _tell(self, row: int, request: Request[Any], outcome: Outcome, **what: Any) -> None:
        if self._emit is not None:
            await self._emit(BulkResult(row=row, request=request, outcome=outcome, **what))
