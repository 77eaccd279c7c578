"""One run of a campaign: the feed, the workers, and the reasons to stop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, Final

import anyio

from ..endpoints import Request
from ..errors import Advice, APIError, NotDueError, RequestInvalidError, WabotickError
from ..outcomes import Outcome
from ..transport import Scope
from .breaker import Breaker
from .delivery import Delivered, Delivery, Job, Sends
from .feed import Feed, Messages, feed_of
from .journal import Added, Journal, NewRow, State, Stored
from .message import to_row
from .parking import Parking
from .policy import CAMPAIGN, LONGEST_WAIT_IN_A_RUN, scopes_of, stops
from .progress import BulkProgress
from .quota import DAY, DailyRecipients
from .result import BulkResult
from .settings import CampaignSettings
from .turns import Turns

__all__ = ["Campaign", "Emit"]

Emit = Callable[[BulkResult], Awaitable[None]]

_SHORTEST_SLEEP: Final = 0.01
_SOURCE_READ: Final = "sender.source_read"
_SUPPRESS: Final = Advice.SUPPRESS_RECIPIENT.value
_ALL_REJECTED: Final = 20
"""First messages of a run that may all be rejected for their parameters before the run takes the hint."""


class Campaign:
    """One run over an open journal. Make a new one for the next.

    At most 1.25 times the concurrency is open at a time (waiting for the account's turn, or in flight), and the source
    is read half a concurrency beyond that: no more than twice the concurrency ahead of what is concluded or parked.
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
        self._read = self._known = 0
        self._ahead = max(1, settings.concurrency // 4)
        daily = settings.daily_recipients
        self._daily = None if daily is None else DailyRecipients(daily, clock=settings.clock)
        self._turns = Turns(
            journal,
            places=settings.concurrency + self._ahead,
            registry=settings.registry,
            parking=Parking(clock=settings.monotonic, sleep=settings.sleep),
            daily=self._daily,
            failed=self._fail,
            sleep=settings.sleep,
        )
        self._feed_scope = anyio.CancelScope()
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
        workers = self._settings.concurrency
        async with anyio.create_task_group() as group:
            for _ in range(workers):
                group.start_soon(self._work)
            await self._produce(messages)
            self._turns.dismiss(workers)
        if self.stopped is None:
            blocked = "; ".join(f"{scope} is stopped: {why}" for scope, why in self._blocked.items())
            self.stopped = blocked or self._turns.left

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

    def _fail(self, error: Exception) -> None:
        self._abort(_reason(error), error)

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
            waiting=self._turns.open - in_flight,
            parked_for=self._turns.parked_for,
            parked_due=self._turns.parked_due,
            in_flight=in_flight,
            elapsed=self._settings.monotonic() - self._began,
            stopping=self.stopped,
        )

    async def _produce(self, messages: Messages | None) -> None:
        feed = feed_of(() if messages is None else messages, self._ahead, self._settings.monotonic)
        with self._feed_scope:
            async with anyio.create_task_group() as group:
                self._turns.begin(group)
                try:
                    if self._daily is not None:
                        since = self._settings.clock() - DAY
                        self._daily.remember(await self._journal.recent_receivers(since, self._daily.limit))
                    self._suppressed.update(await self._journal.receivers_with(_SUPPRESS))
                    if messages is None:
                        self.source_read = await self._journal.get_meta(_SOURCE_READ) != "no"
                    else:
                        await self._journal.set_meta(_SOURCE_READ, "no")
                        group.start_soon(feed.pull)
                        await self._take_in(feed)
                    await self._take_up_the_rest()
                except Exception as error:  # noqa: BLE001 - it ends the run with its report, not the report itself
                    self._fail(error)
                finally:
                    feed.close()
                    self._turns.end()

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
            await self._turns.all_done()  # what the source gave before is sent first
            self._abort(f"the source failed after message {self._read}: {failure}", failure)

    async def _sort_in(self, request: Request[Any], stored: Stored) -> None:
        if stored.added is Added.DUPLICATE:
            self._counts[Outcome.SKIPPED] += 1
            await self._tell(stored.seq, request, Outcome.SKIPPED, note="a duplicate of an earlier message")
        elif stored.state is not State.QUEUED:
            self._known += 1
        elif stored.not_before <= self._settings.clock():
            await self._turns.submit(Job(seq=stored.seq, request=request))

    async def _take_up_the_rest(self) -> None:
        """Send what earlier runs left queued and this source did not bring, each row when it is due.

        Rows that are due only after a long time are left to a later run.
        """
        while True:
            now = self._settings.clock()
            await self._turns.take_up(self._settings.concurrency, now)
            if await self._turns.rest():
                continue
            due = await self._journal.next_due(now)
            if due is None or (wait := due - self._settings.clock()) > LONGEST_WAIT_IN_A_RUN:
                return
            await self._settings.sleep(max(wait, _SHORTEST_SLEEP))

    async def _work(self) -> None:
        clock = self._settings.clock
        delivery = Delivery(
            self._client,
            self._journal,
            may_leave=lambda: self.stopped is None,
            clock=clock,
            granted=self._turns.granted,
        )
        with anyio.CancelScope() as scope:
            self._workers.append((delivery, scope))
            while (job := await self._turns.jobs.get()) is not None:
                try:
                    await self._handle(job, delivery)
                except Exception as error:  # noqa: BLE001 - as in _produce
                    self._fail(error)
                delivery.claimed = False
                if self.stopped is not None:
                    return

    async def _handle(self, job: Job, delivery: Delivery) -> None:
        if self._blocked and any(scope in self._blocked for scope in scopes_of(job.request)):
            self._turns.close(job.seq)  # it stays queued
            return
        if self._suppressed and getattr(job.request, "phone_number", None) in self._suppressed:
            skipped = await delivery.skip(job, _SUPPRESS, "the recipient wants no messages")
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
        self._note_reach(delivered)
        self._turns.delivered(job, delivered.outcome)
        await self._conclude(job, delivered)

    def _note_reach(self, delivered: Delivered) -> None:
        """Tell the breaker whether the platform answered."""
        fate = delivered.outcome if delivered.error is None else delivered.error.outcome
        if fate in {Outcome.ACCEPTED, Outcome.REFUSED}:
            self._breaker.succeeded()
        elif delivered.error is None or isinstance(delivered.error, NotDueError):
            self._breaker.spared()
        else:
            self._breaker.failed()

    async def _conclude(self, job: Job, delivered: Delivered) -> None:
        error = delivered.error
        if error is not None and not isinstance(error, NotDueError):
            self._consider_stopping(error, job)
        if delivered.failure is not None:
            self._abort(_reason(delivered.failure), delivered.failure)
        if delivered.outcome is Outcome.NOT_SENT:
            if error is None or self.stopped is not None or not self._turns.put_off(job, error, delivered.retry_in):
                self._turns.close(job.seq)
            return
        self._last_outcome = self._settings.monotonic()
        self._counts[delivered.outcome] += 1
        if self._counts[Outcome.UNKNOWN] > self._settings.max_unknown:
            self._abort(f"more than {self._settings.max_unknown} messages have an unknown outcome", error)
        try:
            await self._tell(job.seq, job.request, delivered.outcome, receipt=delivered.receipt, error=error)
        finally:
            self._turns.close(job.seq)

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
