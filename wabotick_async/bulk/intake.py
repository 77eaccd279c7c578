"""What comes in: the source first, then what earlier runs left queued in the journal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import anyio.abc

from ..endpoints import Request
from ..errors import RequestInvalidError
from .course import SUPPRESS, Course
from .delivery import Job
from .feed import Feed, Messages, feed_of
from .flights import Fresh
from .journal import Added, Journal, State, Stored
from .message import to_row
from .policy import LONGEST_WAIT_IN_A_RUN
from .quota import DAY, DailyRecipients
from .settings import CampaignSettings
from .turns import Turns

__all__ = ["Intake", "Known"]

_SHORTEST_SLEEP: Final = 0.01
_SOURCE_READ: Final = "sender.source_read"

Known = tuple[Request[Any], Stored]
"""A message of the source, and where the journal had it already."""


class Intake:
    """Stores messages in the journal, and submits each row that is to be sent.

    Args:
        journal: keeps the rows.
        turns: gets them.
        settings: of the run.
        ahead: messages that are read and stored at a time at most.
        course: told what ends the run.
        daily: how many different recipients a day; None for any number.
        duplicate: told of each message that the source repeats, with the number of its row.
        embark: stores and sends messages at once; returns those for which it cannot, and those that were known. Without
            messages, it waits until all of them are stored.
    """

    def __init__(
        self,
        journal: Journal,
        turns: Turns,
        settings: CampaignSettings,
        *,
        ahead: int,
        course: Course,
        daily: DailyRecipients | None,
        duplicate: Callable[[int, Request[Any]], Awaitable[None]],
        embark: Callable[[Sequence[Fresh]], Awaitable[tuple[Sequence[Fresh], Sequence[Known]]]],
    ) -> None:
        self._journal = journal
        self._turns = turns
        self._settings = settings
        self._ahead = ahead
        self._course = course
        self._daily = daily
        self._duplicate = duplicate
        self._embark = embark
        self._likely_new = True
        self.read = self.known = 0
        """Messages read from the source, and those of them that an earlier run has dealt with."""
        self.source_read = False
        """Whether the source was read to its end, in this run or in an earlier one."""

    async def run(self, messages: Messages | None, group: anyio.abc.TaskGroup) -> None:
        """Take in everything, and come back when nothing is left to do.

        Args:
            messages: the source, or None to send what the journal has queued.
            group: where a source that makes one wait is read.
        """
        if self._daily is not None:
            since = self._settings.clock() - DAY
            self._daily.remember(await self._journal.recent_receivers(since, self._daily.limit))
        self._course.suppress(await self._journal.receivers_with(SUPPRESS))
        if messages is None:
            self.source_read = await self._journal.get_meta(_SOURCE_READ) != "no"
        else:
            feed = feed_of(messages, self._ahead, self._settings.monotonic)
            try:
                await self._journal.set_meta(_SOURCE_READ, "no")
                group.start_soon(feed.pull)
                await self._take_in(feed)
            finally:
                feed.close()
        await self._take_up_the_rest()

    async def _take_in(self, feed: Feed) -> None:
        failure: Exception | None = None
        while failure is None and (batch := await feed.batch()):
            good: list[Fresh] = []
            for message in batch:
                try:
                    good.append(to_row(message, self.read + 1))
                except RequestInvalidError as error:
                    failure = error
                    break
                self.read += 1
            await self._enter(good)
        await self._enter(())
        failure = failure or feed.failure
        if failure is None and feed.exhausted:
            await self._journal.set_meta(_SOURCE_READ, "yes")
            self.source_read = True
        if failure is not None:
            await self._turns.all_done()  # what the source gave before is sent first
            self._course.abort(f"the source failed after message {self.read}: {failure}", failure)

    async def _enter(self, messages: Sequence[Fresh]) -> None:
        """Send what can leave at once, and store the rest.

        A source that is fed again brings known messages for long, and none of these is worth a grant: where the last
        ones were known, the next are stored first.
        """
        left, known = (messages, ()) if messages and not self._likely_new else await self._embark(messages)
        stored = await self._journal.add([row for _, row in left]) if left else []
        if messages:
            self._likely_new = not known and all(one.added is Added.NEW for one in stored)
        for request, one in known:
            await self._sort_in(request, one)
        jobs: list[Job] = []
        for (request, _), one in zip(left, stored, strict=True):
            if one.added is Added.NEW and one.state is State.QUEUED:
                jobs.append(Job(seq=one.seq, request=request))
            else:
                await self._turns.submit(jobs)
                jobs.clear()
                await self._sort_in(request, one)
        await self._turns.submit(jobs)

    async def _sort_in(self, request: Request[Any], stored: Stored) -> None:
        if stored.added is Added.DUPLICATE:
            await self._duplicate(stored.seq, request)
        elif stored.state is not State.QUEUED:
            self.known += 1
        elif stored.not_before <= self._settings.clock():
            await self._turns.submit([Job(seq=stored.seq, request=request)])

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
