"""One message from the journal to the platform and back into the journal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol, TypeVar

import anyio
import msgspec

from ..config import RetryPolicy
from ..endpoints import Request
from ..errors import CampaignError, RequestInvalidError, WabotickError
from ..outcomes import Outcome
from .journal import Finish, Journal
from .policy import returns_to_queue, wait_before_retry
from .result import finish_of

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
        park: bool = False,
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
    retry_in: float = 0.0
    """Seconds after which a message that was not sent may be tried again."""
    failure: Exception | None = None
    """What the client raised although it should not; the run cannot go on."""


class _NotThisTimeError(Exception):
    """The message has not left, and is not to leave now."""


class Delivery:
    """Deliver one message at a time: claim it, send it, note the result.

    Args:
        client: sends the message.
        journal: has the row queued.
        may_leave: asked in the last moment before the claim.
        clock: seconds since the epoch.
        granted: told the row's number when the client is about to send it.
    """

    def __init__(
        self,
        client: Sends,
        journal: Journal,
        *,
        may_leave: Callable[[], bool],
        clock: Callable[[], float],
        granted: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._client = client
        self._journal = journal
        self._may_leave = may_leave
        self._granted = granted
        self._clock = clock
        self.claimed = False
        """Whether a message is on its way or about to be, so that calling it off may leave its outcome unknown.

        Whoever called `deliver` takes it back when the result is known to all who want it.
        """
        self._owns_row = False

    async def deliver(self, job: Job) -> Delivered:
        """Deliver one message.

        Raises:
            JournalError: the journal could not be written; the row is in flight or queued in it.
        """
        self._owns_row = False
        try:
            receipt = await self._send(job)
        except _NotThisTimeError:
            return Delivered(outcome=Outcome.NOT_SENT)
        except CampaignError:  # of the claim: nothing left
            raise
        except WabotickError as error:
            return await self._failed(job, error)
        except Exception as error:  # noqa: BLE001 - broken in a way that nobody foresaw: the message may have left
            if not self._owns_row:
                return Delivered(outcome=Outcome.NOT_SENT, failure=error)
            note = type(error).__name__
            await self._journal.finish(Finish(job.seq, Outcome.UNKNOWN, code="unexpected_error", note=note))
            return Delivered(outcome=Outcome.UNKNOWN, failure=error)
        else:
            response = getattr(receipt, "response", None)
            message_id = getattr(receipt, "message_id", None)
            http = response.status if response is not None else None
            await self._journal.finish(Finish(job.seq, Outcome.ACCEPTED, http=http, message_id=message_id))
            return Delivered(outcome=Outcome.ACCEPTED, receipt=receipt)

    async def _send(self, job: Job) -> Any:
        async def claim() -> None:
            self._granted(job.seq)
            if not self._may_leave():
                raise _NotThisTimeError
            if not await self._claim(job):
                raise _NotThisTimeError  # the row is not queued any more

        try:
            return await self._client.send(job.request, retry=_ONE_ATTEMPT, before_sending=claim, park=True)
        except Exception:
            raise
        except BaseException:  # cancelled: the message may have left
            if self._owns_row:
                with anyio.CancelScope(shield=True):
                    await self._journal.finish(Finish(job.seq, Outcome.UNKNOWN, code="interrupted"))
            raise

    async def _failed(self, job: Job, error: WabotickError) -> Delivered:
        outcome = Outcome.SKIPPED if isinstance(error, RequestInvalidError) else error.outcome
        if outcome is not Outcome.SKIPPED and returns_to_queue(error, job.request):
            wait = wait_before_retry(error, job.returns)
            if self._owns_row:
                await self._journal.requeue(job.seq, self._clock() + wait)
            return Delivered(outcome=Outcome.NOT_SENT, error=error, retry_in=wait)
        if not self._owns_row and not await self._claim(job):
            return Delivered(outcome=Outcome.NOT_SENT)
        await self._journal.finish(finish_of(job.seq, outcome, error))
        return Delivered(outcome=outcome, error=error)

    async def skip(self, job: Job, code: str, note: str) -> Delivered:
        """End a message without sending it."""
        if not await self._claim(job):
            return Delivered(outcome=Outcome.NOT_SENT)
        await self._journal.finish(Finish(job.seq, Outcome.SKIPPED, code=code, note=note))
        return Delivered(outcome=Outcome.SKIPPED)

    async def _claim(self, job: Job) -> bool:
        self.claimed = True
        # A claim that is called off undoes itself, so the row is ours only afterwards.
        self._owns_row = await self._journal.claim(job.seq)
        return self._owns_row
