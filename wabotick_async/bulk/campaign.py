"""One run of a campaign: the feed, the workers, and the reasons to stop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, Final

import anyio
import anyio.abc
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from ..endpoints import Request
from ..errors import Advice, APIError, RequestInvalidError, WabotickError
from ..outcomes import Outcome
from .breaker import Breaker
from .delivery import Delivered, Delivery, Job, Sends
from .feed import Feed, Messages
from .journal import Added, Journal, NewRow, State, Stored
from .message import read_request, to_row
from .policy import CAMPAIGN, LONGEST_WAIT_IN_A_RUN, Scope, scopes_of, stops
from .progress import BulkProgress
from .result import BulkResult
from .settings import CampaignSettings

__all__ = ["Campaign", "Emit"]

Emit = Callable[[BulkResult], Awaitable[None]]

_SHORTEST_SLEEP: Final = 0.01
_SOURCE_READ: Final = "sender.source_read"
_SUPPRESS: Final = Advice.SUPPRESS_RECIPIENT.value
_ALL_REJECTED: Final = 20
"""First messages of a run that may all be rejected for their parameters before the run takes the hint."""


class Campaign:
    """One run over an open journal. Make a new one for the next.

    At most 1.25 times the concurrency is open at a time (waiting, in flight, or to be tried again), and the source is
    read half a concurrency beyond that: no more than twice the concurrency ahead in all.
    """

    def __init__(self, client: Sends, journal: Journal, emit: Emit | None, settings: CampaignSettings) -> None:
        self._client = client
        self._journal = journal
        self._emit = emit
        self._settings = settings
        self._began = settings.monotonic()
        self._last_outcome = self._began
        self._rejected_first = 0
        self._blocked: dict[Scope, str] = {}
        self._suppressed: set[str] = set()
        self._breaker = Breaker(clock=settings.monotonic, sleep=settings.sleep)
        self._counts: Counter[Outcome] = Counter()
        self._read = self._known = self._open_jobs = 0
        self._idle = anyio.Event()
        self._idle.set()
        self._ahead = max(1, settings.concurrency // 4)
        self._slots = anyio.Semaphore(settings.concurrency + self._ahead)
        self._jobs: MemoryObjectSendStream[Job]  # a stream must be closed, so it begins with the run
        self._feed_scope = anyio.CancelScope()
        self._returning: anyio.abc.TaskGroup | None = None
        self._workers: list[tuple[Delivery, anyio.CancelScope]] = []
        self.stopped: str | None = None
        """Why the run ends before the last message, or None."""
        self.aborted = False
        """Whether the campaign stopped itself."""
        self.failure: BaseException | None = None
        """The error that made it stop, where one did."""
        self.source_read = False
        """Whether the source was read to its end, in this run or in an earlier one."""

    async def run(self, messages: Messages | None) -> None:
        """Send the messages, then whatever else the journal has queued. What goes wrong ends up in `failure`.

        Args:
            messages: the source, or None to send what the journal has queued.
        """
        self._jobs, queue = anyio.create_memory_object_stream[Job](0)
        async with self._jobs, queue, anyio.create_task_group() as group:
            for _ in range(self._settings.concurrency):
                group.start_soon(self._work, queue)
            await self._produce(messages)
            self._jobs.close()
        if self._blocked and self.stopped is None:
            self.stopped = "; ".join(f"{scope} is stopped: {why}" for scope, why in self._blocked.items())

    def stop(self, reason: str) -> None:
        """End the run: no message leaves any more, and those in flight are finished. The first reason counts."""
        if self.stopped is None:
            self.stopped = reason
            self._feed_scope.cancel()
            for delivery, scope in self._workers:
                if not delivery.claimed:
                    scope.cancel()

    def _abort(self, reason: str, failure: BaseException | None = None) -> None:
        if self.stopped is None:
            self.aborted, self.failure = True, failure
            self.stop(reason)

    @property
    def progress(self) -> BulkProgress:
        """Return the counts so far."""
        in_flight = sum(delivery.claimed for delivery, _ in self._workers)
        return BulkProgress(
            read=self._read,
            accepted=self._counts[Outcome.ACCEPTED],
            refused=self._counts[Outcome.REFUSED],
            unknown=self._counts[Outcome.UNKNOWN],
            skipped=self._counts[Outcome.SKIPPED],
            known=self._known,
            waiting=self._open_jobs - in_flight,
            in_flight=in_flight,
            elapsed=self._settings.monotonic() - self._began,
            stopping=self.stopped,
        )

    async def _produce(self, messages: Messages | None) -> None:
        feed = Feed(() if messages is None else messages, self._ahead)
        with self._feed_scope:
            async with anyio.create_task_group() as group:
                self._returning = group
                try:
                    self._suppressed.update(await self._journal.receivers_with(_SUPPRESS))
                    if messages is None:
                        self.source_read = await self._journal.get_meta(_SOURCE_READ) != "no"
                    else:
                        await self._journal.set_meta(_SOURCE_READ, "no")
                        group.start_soon(feed.pull)
                        await self._take_in(feed)
                    await self._idle.wait()
                    await self._take_up_the_rest()
                except Exception as error:  # noqa: BLE001 - it ends the run with its report, not the report itself
                    self._abort(_reason(error), error)
                finally:
                    feed.close()
                    self._returning = None  # from here on nothing is tried again in this run

    async def _take_in(self, feed: Feed) -> None:
        failure: Exception | None = None
        while failure is None and (batch := await feed.batch()):
            good: list[tuple[Request[Any], NewRow]] = []
            for message in batch:
                try:
                    good.append(to_row(message, self._read + 1))
                except RequestInvalidError as error:
                    failure = error
                    break
                self._read += 1
            stored = await self._journal.add([row for _, row in good])
            for (request, _), one in zip(good, stored, strict=True):
                await self._sort_in(request, one)
        failure = failure or feed.failure
        if failure is None and feed.exhausted:
            await self._journal.set_meta(_SOURCE_READ, "yes")
            self.source_read = True
        if failure is not None:
            await self._idle.wait()  # what the source gave before is sent first
            self._abort(f"the source failed after message {self._read}: {failure}", failure)

    async def _sort_in(self, request: Request[Any], stored: Stored) -> None:
        if stored.added is Added.DUPLICATE:
            self._counts[Outcome.SKIPPED] += 1
            await self._tell(stored.seq, request, Outcome.SKIPPED, note="a duplicate of an earlier message")
        elif stored.state is not State.QUEUED:
            self._known += 1
        elif stored.not_before <= self._settings.clock():
            await self._submit(Job(seq=stored.seq, request=request))

    async def _take_up_the_rest(self) -> None:
        """Send what earlier runs left queued and this source did not bring, each row when it is due.

        Rows that are due only after a long time are left to a later run.
        """
        while True:
            now, after = self._settings.clock(), 0
            while rows := await self._journal.queued(after, self._settings.concurrency, now):
                for row in rows:
                    request = read_request(row.endpoint, row.payload, self._settings.registry)
                    await self._submit(Job(seq=row.seq, request=request))
                after = rows[-1].seq
            await self._idle.wait()
            due = await self._journal.next_due(now)
            if due is None or (wait := due - self._settings.clock()) > LONGEST_WAIT_IN_A_RUN:
                return
            await self._settings.sleep(max(wait, _SHORTEST_SLEEP))

    async def _submit(self, job: Job) -> None:
        await self._slots.acquire()
        if self._open_jobs == 0:
            self._idle = anyio.Event()
        self._open_jobs += 1
        await self._jobs.send(job)

    async def _submit_again(self, job: Job, wait: float) -> None:
        await self._settings.sleep(wait)
        job.returns += 1
        await self._jobs.send(job)

    def _close(self) -> None:
        self._open_jobs -= 1
        self._slots.release()
        if self._open_jobs == 0:
            self._idle.set()

    async def _work(self, queue: MemoryObjectReceiveStream[Job]) -> None:
        clock = self._settings.clock
        delivery = Delivery(self._client, self._journal, may_leave=lambda: self.stopped is None, clock=clock)
        with anyio.CancelScope() as scope:
            self._workers.append((delivery, scope))
            async for job in queue:
                try:
                    await self._handle(job, delivery)
                except Exception as error:  # noqa: BLE001 - as in _produce
                    self._abort(_reason(error), error)
                delivery.claimed = False
                if self.stopped is not None:
                    return

    async def _handle(self, job: Job, delivery: Delivery) -> None:
        if any(scope in self._blocked for scope in scopes_of(job.request)):
            self._close()  # it stays queued
            return
        if self._suppressed and getattr(job.request, "phone_number", None) in self._suppressed:
            skipped = await delivery.skip(job, _SUPPRESS, "the recipient wants no messages")
            await self._conclude(job, skipped)
            return
        await self._breaker.permit()
        try:
            delivered = await delivery.deliver(job)
        except BaseException:
            self._breaker.spared()
            raise
        self._note_reach(delivered)
        await self._conclude(job, delivered)

    def _note_reach(self, delivered: Delivered) -> None:
        """Tell the breaker whether the platform answered."""
        fate = delivered.outcome if delivered.error is None else delivered.error.outcome
        if fate in {Outcome.ACCEPTED, Outcome.REFUSED}:
            self._breaker.succeeded()
        elif delivered.error is None:
            self._breaker.spared()
        else:
            self._breaker.failed()

    async def _conclude(self, job: Job, delivered: Delivered) -> None:
        error = delivered.error
        if error is not None:
            self._consider_stopping(error, job)
        if delivered.failure is not None:
            self._abort(_reason(delivered.failure), delivered.failure)
        if delivered.outcome is Outcome.NOT_SENT:
            soon = delivered.retry_in <= LONGEST_WAIT_IN_A_RUN
            if error is not None and soon and self._returning is not None and self.stopped is None:
                self._returning.start_soon(self._submit_again, job, delivered.retry_in)
            else:
                self._close()
            return
        self._last_outcome = self._settings.monotonic()
        self._counts[delivered.outcome] += 1
        if self._counts[Outcome.UNKNOWN] > self._settings.max_unknown:
            self._abort(f"more than {self._settings.max_unknown} messages have an unknown outcome", error)
        try:
            await self._tell(job.seq, job.request, delivered.outcome, receipt=delivered.receipt, error=error)
        finally:
            self._close()

    def _consider_stopping(self, error: WabotickError, job: Job) -> None:
        scope = stops(error, job.request)
        if scope == CAMPAIGN:
            self._abort(f"every further message would fail, too: {error}", error)
        elif scope is not None and scope not in self._blocked:
            self._blocked[scope] = str(error)
            self.aborted, self.failure = True, error
        if isinstance(error, APIError):
            self._learn_from(error, job)
        silence = self._settings.monotonic() - self._last_outcome
        if error.outcome is not Outcome.UNKNOWN and silence > self._settings.patience:
            self._abort(f"no message got an outcome for {silence:.0f} s: {error}", error)

    def _learn_from(self, error: APIError, job: Job) -> None:
        if error.advice is Advice.SUPPRESS_RECIPIENT:
            self._suppressed.add(str(getattr(job.request, "phone_number", "")))
        if error.advice is Advice.REJECT_ROW and not self._counts[Outcome.ACCEPTED]:
            self._rejected_first += 1
            if self._rejected_first >= _ALL_REJECTED:
                self._abort(f"the first {_ALL_REJECTED} messages were all rejected: {error}", error)

    async def _tell(self, row: int, request: Request[Any], outcome: Outcome, **what: Any) -> None:
        if self._emit is not None:
            await self._emit(BulkResult(row=row, request=request, outcome=outcome, **what))


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, WabotickError) else f"stopped by {type(error).__name__}: {error}"
