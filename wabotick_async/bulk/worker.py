"""A worker of a campaign: it takes the long way with messages that have to wait for something, one at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import anyio

from .breaker import Breaker
from .course import SUPPRESS, Course
from .delivery import Delivered, Delivery, Job
from .turns import Turns

__all__ = ["Worker"]


class Worker:
    """Wait for the breaker and the client's turn, deliver, and see to what follows.

    Args:
        delivery: its own.
        jobs: what there is to do; None is the end.
        course: of the run.
        turns: gave the jobs out.
        breaker: is asked before each.
        conclude: told what became of a job.
        freed: called after each job.
    """

    def __init__(
        self,
        delivery: Delivery,
        jobs: asyncio.Queue[Job | None],
        *,
        course: Course,
        turns: Turns,
        breaker: Breaker,
        conclude: Callable[[Job, Delivered], Awaitable[None]],
        freed: Callable[[], None],
    ) -> None:
        self._delivery = delivery
        self._jobs = jobs
        self._course = course
        self._turns = turns
        self._breaker = breaker
        self._conclude = conclude
        self._freed = freed
        self._scope = anyio.CancelScope()

    @property
    def claimed(self) -> bool:
        """Tell whether it has a message that is on its way, or whose result is not yet known to all who want it."""
        return self._delivery.claimed

    def halt(self) -> None:
        """Begin nothing more; what is on its way is finished."""
        if not self.claimed:
            self._scope.cancel()

    async def run(self) -> None:
        """Work until the end, or until the run stops."""
        with self._scope:
            while (job := await self._jobs.get()) is not None:
                try:
                    await self._handle(job)
                except Exception as error:  # noqa: BLE001 - it ends the run with its report, not the report itself
                    self._course.fail(error)
                self._delivery.claimed = False
                self._freed()
                if self._course.stopped is not None:
                    return

    async def _handle(self, job: Job) -> None:
        if self._course.is_blocked(job.request):
            self._turns.close(job.seq)  # it stays queued
            return
        if self._course.is_suppressed(job.request):
            skipped = await self._delivery.skip(job, SUPPRESS, "the recipient wants no messages")
            await self._conclude(job, skipped)
            return
        if not self._turns.admit(job):
            self._turns.close(job.seq)
            return
        await self._breaker.permit()
        try:
            delivered = await self._delivery.deliver(job)
        except BaseException:
            self._breaker.spared()
            raise
        self._breaker.heed(delivered)
        self._course.heed(job, delivered)
        self._turns.delivered(job, delivered.outcome)
        await self._conclude(job, delivered)
