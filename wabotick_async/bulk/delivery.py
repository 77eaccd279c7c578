"""One message from the journal to the platform and back into the journal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol, TypeVar

import anyio
import msgspec

from ..config import RetryPolicy
from ..endpoints import Request
from ..errors import ConfigurationError, RequestInvalidError, WabotickError
from ..outcomes import Outcome
from .journal import Finish, Journal
from .result import finish_of, is_deferred

__all__ = ["Delivered", "Delivery", "Job", "Sends"]

AnswerT = TypeVar("AnswerT")

# The journal must hear of every failed attempt, so each one comes back here instead of being repeated inside a call.
_ONE_ATTEMPT: Final = RetryPolicy(attempts=1)


class Sends(Protocol):
    """What a campaign needs of a client: one method."""

    async def send(
        self,
        request: Request[AnswerT],
        *,
        retry: RetryPolicy | None = None,
        before_sending: Callable[[], Awaitable[None]] | None = None,
    ) -> AnswerT:
        """Send one request; see `WabotickClient.send`."""
        ...


class Job(msgspec.Struct, kw_only=True):
    """A queued row of the journal, and how often it came back to the queue."""

    seq: int
    request: Request[Any]
    returns: int = 0


class Delivered(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a job. NOT_SENT means that its row is still queued, or somebody else's."""

    outcome: Outcome
    receipt: Any = None
    error: WabotickError | None = None


class _NotThisTimeError(Exception):
    """The message has not left, and is not to leave now."""


class Delivery:
    """Deliver one message at a time: claim it, send it, note the result.

    Args:
        client: sends the message.
        journal: has the row queued.
        may_leave: asked in the last moment before the claim.
    """

    def __init__(self, client: Sends, journal: Journal, *, may_leave: Callable[[], bool]) -> None:
        self._client = client
        self._journal = journal
        self._may_leave = may_leave
        self.claimed = False
        """Whether a message is on its way, so that calling it off would leave its outcome unknown.

        Whoever called `deliver` takes it back when the result is known to all who want it.
        """

    async def deliver(self, job: Job) -> Delivered:
        """Deliver one message.

        Raises:
            JournalError: the journal could not be written; the row is in flight or queued in it.
        """
        try:
            receipt = await self._send(job)
        except _NotThisTimeError:
            return Delivered(outcome=Outcome.NOT_SENT)
        except WabotickError as error:
            return await self._failed(job, error)
        else:
            response = getattr(receipt, "response", None)
            message_id = getattr(receipt, "message_id", None)
            http = response.status if response is not None else None
            await self._journal.finish(Finish(job.seq, Outcome.ACCEPTED, http=http, message_id=message_id))
            return Delivered(outcome=Outcome.ACCEPTED, receipt=receipt)

    async def _send(self, job: Job) -> Any:
        async def claim() -> None:
            if not self._may_leave():
                raise _NotThisTimeError
            self.claimed = True
            if not await self._journal.claim(job.seq):
                self.claimed = False
                raise _NotThisTimeError  # the row is not queued any more

        try:
            return await self._client.send(job.request, retry=_ONE_ATTEMPT, before_sending=claim)
        except (WabotickError, _NotThisTimeError):
            raise
        except BaseException:
            # Cancelled, or broken in a way that nobody foresaw: the message may have left.
            if self.claimed:
                with anyio.CancelScope(shield=True):
                    await self._journal.finish(Finish(job.seq, Outcome.UNKNOWN, code="interrupted"))
            raise

    async def _failed(self, job: Job, error: WabotickError) -> Delivered:
        if is_deferred(error) or isinstance(error, ConfigurationError):
            if self.claimed:
                await self._journal.requeue(job.seq)
            return Delivered(outcome=Outcome.NOT_SENT, error=error)
        outcome = Outcome.SKIPPED if isinstance(error, RequestInvalidError) else error.outcome
        if not self.claimed and not await self._journal.claim(job.seq):
            return Delivered(outcome=Outcome.NOT_SENT)
        await self._journal.finish(finish_of(job.seq, outcome, error))
        return Delivered(outcome=outcome, error=error)
