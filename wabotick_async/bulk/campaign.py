"""One run of a campaign: the feed, the workers, and the reasons to stop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import anyio
import anyio.abc

from ..endpoints import Request
from ..errors import NotDueError
from ..outcomes import Outcome
from .breaker import Breaker
from .client import Prepares
from .course import Course
from .delivery import Delivered, Delivery, Job, Sends
from .feed import Messages
from .flights import Flights, Ready
from .intake import SUPPRESS, Intake
from .journal import BlockJournal, Journal
from .parking import Parking
from .progress import BulkProgress
from .quota import DailyRecipients
from .result import BulkResult
from .settings import CampaignSettings
from .turns import Turns

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
        self._course = Course(settings, self._halt)
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
            failed=self._course.fail,
            sleep=settings.sleep,
        )
        self._intake = Intake(
            journal, self._turns, settings, ahead=ahead, course=self._course, daily=self._daily, duplicate=self._skip
        )
        self._feed_scope = anyio.CancelScope()
        self._jobs: asyncio.Queue[Job | None] = asyncio.Queue()
        self._workers: list[tuple[Delivery, anyio.CancelScope]] = []
        self._prepare = client.prepare if isinstance(client, Prepares) else None
        self._flights: Flights | None = None
        self._group: anyio.abc.TaskGroup | None = None

    async def run(self, messages: Messages | None) -> None:
        """Send the messages, then whatever else the journal has queued. What goes wrong ends up in `failure`.

        Args:
            messages: the source, or None to send what the journal has queued.
        """
        workers = self._settings.concurrency
        async with anyio.create_task_group() as self._group:
            for _ in range(workers):
                self._group.start_soon(self._work)
            async with self._flying():
                await self._produce(messages)
            for _ in range(workers):
                self._jobs.put_nowait(None)
        self._course.end(self._turns.left)

    @contextlib.asynccontextmanager
    async def _flying(self) -> AsyncIterator[None]:
        """Let messages fly where client and journal can do that, and see all of them land."""
        if self._prepare is None or not isinstance(self._journal, BlockJournal) or self._daily is not None:
            yield
            return
        self._flights = flights = Flights(
            self._journal,
            self,
            slots=self._settings.concurrency,
            may_leave=lambda: self.stopped is None,
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
                await flights.ground()

    @property
    def stopped(self) -> str | None:
        """Return why the run ends before the last message, or None."""
        return self._course.stopped

    @property
    def aborted(self) -> bool:
        """Tell whether the campaign stopped itself."""
        return self._course.aborted

    @property
    def failure(self) -> BaseException | None:
        """Return the error that made it stop, where one did."""
        return self._course.failure

    @property
    def source_read(self) -> bool:
        """Tell whether the source was read to its end, in this run or in an earlier one."""
        return self._intake.source_read

    def stop(self, reason: str) -> None:
        """End the run: no message leaves any more, and those in flight are finished. The first reason counts."""
        self._course.stop(reason)

    def _halt(self) -> None:
        self._feed_scope.cancel()
        for delivery, scope in self._workers:
            if not delivery.claimed:
                scope.cancel()

    @property
    def progress(self) -> BulkProgress:
        """Return the counts so far."""
        counts = self._course.counts
        in_flight = sum(delivery.claimed for delivery, _ in self._workers)
        if self._flights is not None:
            in_flight += self._flights.count
        return BulkProgress(
            read=self._intake.read,
            accepted=counts[Outcome.ACCEPTED],
            refused=counts[Outcome.REFUSED],
            unknown=counts[Outcome.UNKNOWN],
            skipped=counts[Outcome.SKIPPED],
            known=self._intake.known,
            waiting=self._turns.open - in_flight,
            parked_for=self._turns.parked_for,
            parked_due=self._turns.parked_due,
            in_flight=in_flight,
            elapsed=self._settings.monotonic() - self._began,
            stopping=self.stopped,
        )

    async def _produce(self, messages: Messages | None) -> None:
        with self._feed_scope:
            async with anyio.create_task_group() as group:
                self._turns.begin(group)
                try:
                    await self._intake.run(messages, group)
                except Exception as error:  # noqa: BLE001 - it ends the run with its report, not the report itself
                    self._course.fail(error)
                finally:
                    self._turns.end()

    async def _work(self) -> None:
        clock = self._settings.clock
        delivery = Delivery(
            self._client,
            self._journal,
            may_leave=lambda: self.stopped is None,
            clock=clock,
            retry=self._settings.retry,
            granted=self._turns.granted,
        )
        with anyio.CancelScope() as scope:
            self._workers.append((delivery, scope))
            while (job := await self._jobs.get()) is not None:
                try:
                    await self._handle(job, delivery)
                except Exception as error:  # noqa: BLE001 - as in _produce
                    self._course.fail(error)
                delivery.claimed = False
                if self._flights is not None:
                    self._flights.give_back()
                if self.stopped is not None:
                    return

    async def _handle(self, job: Job, delivery: Delivery) -> None:
        if self._course.is_blocked(job):
            self._turns.close(job.seq)  # it stays queued
            return
        if self._course.is_suppressed(job):
            skipped = await delivery.skip(job, SUPPRESS, "the recipient wants no messages")
            await self._conclude(job, skipped)
            return
        if not self._turns.admit(job):
            self._turns.close(job.seq)
            return
        await self._breaker.permit()
        try:
            delivered = await delivery.deliver(job)
        except BaseException:
            self._breaker.spared()
            raise
        self.heed(job, delivered)
        self._turns.delivered(job, delivered.outcome)
        await self._conclude(job, delivered)

    def _offer(self, job: Job) -> None:
        if self._flights is None:
            self._jobs.put_nowait(job)
        else:
            self._flights.offer(job)

    def board(self, job: Job) -> Ready | None:
        """Return a message that may leave at once; see `Crew`."""
        if (
            self._prepare is None
            or self._course.is_blocked(job)
            or self._course.is_suppressed(job)
            or not self._breaker.is_closed
        ):
            return None
        ready = self._prepare(job.request)
        if ready is not None:
            self._turns.granted(job.seq)
        return ready

    def take_the_long_way(self, job: Job) -> None:
        """Hand a message to a worker; see `Crew`."""
        self._jobs.put_nowait(job)

    def heed(self, job: Job, delivered: Delivered) -> None:
        """Draw the conclusions from what became of a message; see `Crew`."""
        self._note_reach(delivered)
        self._course.heed(job, delivered)

    def landed(self, job: Job, delivered: Delivered) -> None:
        """Note what became of a message; see `Crew`."""
        self._turns.delivered(job, delivered.outcome)
        ended = self._judge(job, delivered)
        if ended and self._emit is not None and self._group is not None:
            self._group.start_soon(self._tell_and_close, job, delivered)
        elif ended:
            self._turns.close(job.seq)

    def failed(self, error: BaseException) -> None:
        """End the run; see `Crew`."""
        self._course.fail(error)

    def _note_reach(self, delivered: Delivered) -> None:
        """Tell the breaker whether the platform answered."""
        fate = delivered.outcome if delivered.error is None else delivered.error.outcome
        if fate in {Outcome.ACCEPTED, Outcome.REFUSED}:
            self._breaker.succeeded()
        elif delivered.error is None or isinstance(delivered.error, NotDueError):
            self._breaker.spared()
        else:
            self._breaker.failed(unknown=fate is Outcome.UNKNOWN)

    async def _conclude(self, job: Job, delivered: Delivered) -> None:
        if self._judge(job, delivered):
            await self._tell_and_close(job, delivered)

    def _judge(self, job: Job, delivered: Delivered) -> bool:
        """Note what became of a message, and tell whether that is its end."""
        self._course.count(delivered)
        if delivered.outcome is not Outcome.NOT_SENT:
            return True
        error = delivered.error
        if error is None or self.stopped is not None or not self._turns.put_off(job, error, delivered.retry_in):
            self._turns.close(job.seq)
        return False

    async def _tell_and_close(self, job: Job, delivered: Delivered) -> None:
        try:
            await self._tell(job.seq, job.request, delivered.outcome, receipt=delivered.receipt, error=delivered.error)
        finally:
            self._turns.close(job.seq)

    async def _skip(self, row: int, request: Request[Any]) -> None:
        """Pass over a duplicate."""
        self._course.count(Delivered(outcome=Outcome.SKIPPED))
        await self._tell(row, request, Outcome.SKIPPED, note="a duplicate of an earlier message")

    async def _tell(self, row: int, request: Request[Any], outcome: Outcome, **what: Any) -> None:
        if self._emit is not None:
            await self._emit(BulkResult(row=row, request=request, outcome=outcome, **what))
