"""The bulk-send helper: a bounded number of messages in flight, each one's fate in the journal.

Each message goes through the same steps, and the journal is ahead of the network at every one of them::

    source -> stored as queued -> rate limiter -> in flight, committed -> first byte -> answer -> result, committed

So a process may die at any moment: whatever it leaves in flight is unknown afterwards, never sent again by itself.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping

import anyio

from ..config import RetryPolicy
from ..endpoints import Endpoint, registry
from ..errors import CampaignAbortedError, ConfigurationError, JournalError
from ..outcomes import BulkReport
from .campaign import Campaign, Emit
from .client import BulkClient, HasBulkLane, HasRetryPolicy
from .feed import Messages
from .journal import Journal, MemoryJournal, SQLiteJournal
from .progress import BulkProgress
from .reconcile import ReconcileReport, ReconcileSettings, Reconciliation
from .result import BulkResult
from .settings import CampaignSettings

__all__ = ["BulkSender"]


class BulkSender:
    """Send many messages, and know what became of each.

    One sender runs one campaign at a time; the journal carries the campaign on in a later process.

    Args:
        client: sends the messages.
        journal: a path for a journal in a file, a journal of your own, or None for one that dies with the process.
        campaign: a name; a journal refuses to go on under another one.
        concurrency: messages in flight at most; the client's limit by default.
        max_unknown: stop when more sends of one run than this have an unknown outcome.
        patience: stop when no message got an outcome for so many seconds while some were tried.
        registry: where the endpoints of journalled rows are looked up.
        clock: seconds since the epoch.
        monotonic: monotonic seconds.
        sleep: waits some seconds.

    Raises:
        ConfigurationError: a setting is out of range.
    """

    def __init__(
        self,
        client: BulkClient,
        *,
        journal: str | os.PathLike[str] | Journal | None = None,
        campaign: str = "",
        concurrency: int | None = None,
        max_unknown: int = 100,
        patience: float = 900.0,
        registry: Mapping[str, Endpoint] = registry,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        self._client = client.for_bulk() if isinstance(client, HasBulkLane) else client
        self.journal: Journal = _journal(journal)
        self._fingerprint = {
            "campaign": campaign,
            "account": client.account,
            "base_url": client.base_url,
            "phone_number_id": client.phone_number_id or "",
        }
        self._settings = CampaignSettings(
            concurrency=client.limits.concurrency if concurrency is None else concurrency,
            retry=client.retry_policy if isinstance(client, HasRetryPolicy) else RetryPolicy(),
            daily_recipients=client.limits.daily_recipients,
            max_unknown=max_unknown,
            patience=patience,
            registry=registry,
            clock=clock,
            monotonic=monotonic,
            sleep=sleep,
        )
        if self._settings.concurrency < 1:
            raise ConfigurationError(f"concurrency: expected at least 1, got {concurrency}")
        if max_unknown < 0 or patience < 0:
            raise ConfigurationError("max_unknown and patience: expected 0 or more")
        self._running: Campaign | None = None
        self.progress = BulkProgress()
        """Counts of the run that ended last; see `snapshot` for a running one."""
        self.report: BulkReport | None = None
        """Counts of the whole campaign after the run that ended last."""

    async def run(self, messages: Messages) -> BulkReport:
        """Send all messages and return the counts, over all runs of the journal.

        Feed the same source again after a crash: rows that the journal knows are not sent twice.

        Args:
            messages: requests or `BulkMessage` values, from an iterable or an asynchronous one.

        Raises:
            CampaignAbortedError: the campaign stopped itself; its `report` has the counts, and the rest stays queued.
            JournalError: the journal cannot be used.
        """
        return await self._run(messages, self._campaign())

    async def resume(self) -> BulkReport:
        """Send what earlier runs left queued; raises as `run` does. Rows of unknown outcome stay unknown."""
        return await self._run(None, self._campaign())

    async def stream(self, messages: Messages) -> AsyncGenerator[BulkResult, None]:
        """Send all messages and yield each result as it comes; raises as `run` does.

        Read slowly, and sending slows down. To stop early, close it, best by `contextlib.aclosing`: no further message
        leaves then, and what is in flight is finished. A generator that is left but not closed goes on.
        """
        write, read = anyio.create_memory_object_stream[BulkResult](self._settings.concurrency)

        async def emit(result: BulkResult) -> None:
            try:
                await write.send(result)
            except anyio.BrokenResourceError:  # nobody reads any more; the journal knows it all the same
                return

        campaign = self._campaign(emit)

        async def run() -> BulkReport:
            async with write:
                return await self._run(messages, campaign)

        running = asyncio.create_task(run())
        cancelled = False
        try:
            async with read:
                async for result in read:
                    yield result
        except asyncio.CancelledError:
            cancelled = running.cancel()
            raise
        finally:
            # Its own campaign only: this may be a second stream, refused because another one is running.
            campaign.stop("nobody reads the results any more")
            with anyio.CancelScope(shield=True):
                await asyncio.wait({running})
            error = None if running.cancelled() else running.exception()
            if error is not None and not cancelled:
                raise error

    async def reconcile(
        self,
        *,
        settle_after: float = 600.0,
        slack: float = 60.0,
        utc_offset: float | None = None,
        pages: int = 20,
        others: Iterable[str | os.PathLike[str]] = (),
    ) -> ReconcileReport:
        """Look for the unknown rows in the conversations with their recipients; those that are found become accepted.

        Nothing is sent. Whatever is not certain stays unknown, and the report says why. Run it again after a crash, or
        later for rows that were too early to judge.

        Args:
            settle_after: seconds after which a message that was accepted has appeared in its conversation.
            slack: seconds by which a message's time may miss its attempt.
            utc_offset: seconds that the server's clock, which prints no zone, is ahead of UTC; learned from accepted
                rows where left out.
            pages: pages of 50 rows that are read of one conversation at most.
            others: paths of journals of other campaigns to the same people, whose messages are not to be taken for
                ours.

        Raises:
            WabotickError: the platform cannot be read; what was found so far is kept.
            JournalError: a journal cannot be used.
        """
        settings = ReconcileSettings(
            settle_after=settle_after, slack=slack, utc_offset=utc_offset, pages=pages, others=tuple(others)
        )
        reconciliation = Reconciliation(
            self._client,
            self.journal,
            phone_number_id=self._client.phone_number_id,
            settings=settings,
            registry=self._settings.registry,
            clock=self._settings.clock,
        )
        await self.journal.open(self._fingerprint)
        try:
            return await reconciliation.run()
        finally:
            with anyio.CancelScope(shield=True):
                await self.journal.close("reconciled")

    async def resend_unknown(self, rows: Iterable[int], reason: str, *, at_most: int = 100) -> int:
        """Queue unknown rows again, for `resume` to send. Their recipients may get the message twice.

        Args:
            rows: numbers of the rows, for instance `ReconcileReport.absent`.
            reason: who decided this and why; kept in the journal.
            at_most: more rows than this are refused, so that no slip repeats a whole campaign.

        Returns:
            How many rows were queued; those that are not unknown any more are left as they are.

        Raises:
            ConfigurationError: there are too many rows, or no reason; nothing was queued.
            JournalError: the journal cannot be used.
        """
        chosen = sorted(set(rows))
        if len(chosen) > at_most:
            raise ConfigurationError(f"rows: expected at most {at_most}, got {len(chosen)}")
        if not reason.strip():
            raise ConfigurationError("reason: expected who decided this and why, got an empty text")
        if not chosen:
            return 0
        await self.journal.open(self._fingerprint)
        try:
            return await self.journal.resend_unknown(len(chosen), reason, seqs=chosen)
        finally:
            with anyio.CancelScope(shield=True):
                await self.journal.close("rows were queued again")

    def stop(self, reason: str = "stopped by the caller") -> None:
        """Let no further message leave; what is in flight is finished, the rest stays queued. Safe to call twice."""
        if self._running is not None:
            self._running.stop(reason)

    def snapshot(self) -> BulkProgress:
        """Return the counts of the run so far."""
        return self.progress if self._running is None else self._running.progress

    def _campaign(self, emit: Emit | None = None) -> Campaign:
        return Campaign(self._client, self.journal, emit, self._settings)

    async def _run(self, messages: Messages | None, campaign: Campaign) -> BulkReport:
        if self._running is not None:
            raise ConfigurationError("this sender is running already; use one sender a campaign")
        self._running = campaign
        try:
            await self.journal.open(self._fingerprint)
            report = await self._run_open(messages, campaign)
        finally:
            self._running = None
        if campaign.course.aborted:
            raise CampaignAbortedError(str(campaign.course.stopped), report=report) from campaign.course.failure
        return report

    async def _run_open(self, messages: Messages | None, campaign: Campaign) -> BulkReport:
        report = BulkReport()
        try:
            await campaign.run(messages)
        except BaseException:
            campaign.stop("cancelled")
            raise
        finally:
            with anyio.CancelScope(shield=True):
                report = await self._end(campaign)
        return report

    async def _end(self, campaign: Campaign) -> BulkReport:
        self.progress = campaign.progress
        try:
            self.report = report = await self._count(campaign)
        finally:
            await self.journal.close(campaign.course.stopped or "done")
        return report

    async def _count(self, campaign: Campaign) -> BulkReport:
        try:
            # Before the counts: whatever a cancelled worker left to be stored is committed when this answers.
            causes = await self.journal.causes()
        except JournalError:
            # A journal that failed during the run is no reason to keep back what it last knew.
            if not campaign.course.aborted:
                raise
            causes = {}
        counts = await self.journal.counts()
        return BulkReport(
            accepted=counts.accepted,
            refused=counts.refused,
            unknown=counts.unknown + counts.in_flight,
            not_sent=counts.queued,
            skipped=counts.skipped,
            causes=causes,
            source_read=campaign.source_read,
            elapsed=campaign.progress.elapsed,
            stopped=campaign.course.stopped,
        )


def _journal(journal: str | os.PathLike[str] | Journal | None) -> Journal:
    if journal is None:
        return MemoryJournal()
    return SQLiteJournal(journal) if isinstance(journal, str | os.PathLike) else journal
