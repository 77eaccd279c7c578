"""One run of a campaign: the feed, the workers, and the reasons to stop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import anyio
import anyio.abc
import msgspec
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from ..endpoints import Endpoint, Request
from ..errors import RequestInvalidError, WabotickError
from ..outcomes import Outcome
from .delivery import Delivered, Delivery, Job, Sends
from .feed import Feed, Messages
from .journal import Added, Journal, NewRow, State, Stored
from .message import read_request, to_row
from .progress import BulkProgress
from .result import BulkResult, stops_campaign

__all__ = ["Campaign", "CampaignSettings", "Emit"]

Emit = Callable[[BulkResult], Awaitable[None]]

_SHORTEST_SLEEP: Final = 0.01


class CampaignSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How a campaign runs; see `BulkSender`."""

    concurrency: int
    max_unknown: int
    patience: float
    registry: Mapping[str, Endpoint]
    clock: Callable[[], float]
    monotonic: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]


class Campaign:
    """One run over an open journal. Make a new one for the next.

    At most `2 * concurrency` messages are open at a time (waiting, in flight, or to be tried again), and the source is
    read no more than `concurrency + 1` messages beyond those.
    """

    def __init__(self, client: Sends, journal: Journal, emit: Emit | None, settings: CampaignSettings) -> None:
        self._client = client
        self._journal = journal
        self._emit = emit
        self._settings = settings
        self._began = settings.monotonic()
        self._unreachable_since: float | None = None
        self._counts: Counter[Outcome] = Counter()
        self._read = self._known = self._open_jobs = 0
        self._idle = anyio.Event()
        self._idle.set()
        self._slots = anyio.Semaphore(2 * settings.concurrency)
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

    async def run(self, messages: Messages) -> None:
        """Send the messages, then whatever else the journal has queued. What goes wrong ends up in `failure`."""
        self._jobs, queue = anyio.create_memory_object_stream[Job](0)
        async with self._jobs, queue, anyio.create_task_group() as group:
            for _ in range(self._settings.concurrency):
                group.start_soon(self._work, queue)
            await self._produce(messages)
            self._jobs.close()

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

    async def _produce(self, messages: Messages) -> None:
        feed = Feed(messages, max(1, self._settings.concurrency // 2))
        with self._feed_scope:
            async with anyio.create_task_group() as group:
                self._returning = group
                group.start_soon(feed.pull)
                try:
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
        """Send what earlier runs left queued and this source did not bring, each row when it is due."""
        while (due := await self._journal.next_due()) is not None:
            if (wait := due - self._settings.clock()) > 0:
                await self._settings.sleep(max(wait, _SHORTEST_SLEEP))
            after = 0
            while rows := await self._journal.queued(after, self._settings.concurrency, self._settings.clock()):
                for row in rows:
                    request = read_request(row.endpoint, row.payload, self._settings.registry)
                    await self._submit(Job(seq=row.seq, request=request))
                after = rows[-1].seq
            await self._idle.wait()

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
                    await self._conclude(job, await delivery.deliver(job))
                except Exception as error:  # noqa: BLE001 - as in _produce
                    self._abort(_reason(error), error)
                delivery.claimed = False
                if self.stopped is not None:
                    return

    async def _conclude(self, job: Job, delivered: Delivered) -> None:
        error = delivered.error
        if error is not None:
            self._consider_stopping(error)
        if delivered.failure is not None:
            self._abort(_reason(delivered.failure), delivered.failure)
        if delivered.outcome is Outcome.NOT_SENT:
            if error is not None and self._returning is not None and self.stopped is None:
                self._returning.start_soon(self._submit_again, job, delivered.retry_in)
            else:
                self._close()
            return
        if delivered.outcome is Outcome.ACCEPTED:
            self._unreachable_since = None
        self._counts[delivered.outcome] += 1
        if self._counts[Outcome.UNKNOWN] > self._settings.max_unknown:
            self._abort(f"more than {self._settings.max_unknown} messages have an unknown outcome", error)
        try:
            await self._tell(job.seq, job.request, delivered.outcome, receipt=delivered.receipt, error=error)
        finally:
            self._close()

    def _consider_stopping(self, error: WabotickError) -> None:
        if stops_campaign(error):
            self._abort(f"every further message would fail, too: {error}", error)
        if error.outcome is not Outcome.NOT_SENT or isinstance(error, RequestInvalidError):
            self._unreachable_since = None
            return
        now = self._settings.monotonic()
        if self._unreachable_since is None:
            self._unreachable_since = now
        if (silence := now - self._unreachable_since) > self._settings.patience:
            self._abort(f"nothing could leave for {silence:.0f} s: {error}", error)

    async def _tell(self, row: int, request: Request[Any], outcome: Outcome, **what: Any) -> None:
        if self._emit is not None:
            await self._emit(BulkResult(row=row, request=request, outcome=outcome, **what))


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, WabotickError) else f"stopped by {type(error).__name__}: {error}"
