"""One message from the journal to the platform and back into the journal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

import anyio
import msgspec

from ..config import RetryPolicy
from ..endpoints import Request
from ..errors import CampaignError, RequestInvalidError, WabotickError
from ..outcomes import Outcome
from .journal import Finish, Journal, Requeue
from .policy import returns_to_queue, wait_before_retry
from .result import finish_of

__all__ = ["Delivered", "Delivery", "Job", "Sends", "judged", "note_of"]

AnswerT = TypeVar("AnswerT")


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


class Job(msgspec.Struct, kw_only=True, gc=False):
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
        retry: the client's policy, of which one attempt a call is made.
        granted: told the row's number when the client is about to send it.
    """

    def __init__(
        self,
        client: Sends,
        journal: Journal,
        *,
        may_leave: Callable[[], bool],
        clock: Callable[[], float],
        retry: RetryPolicy = RetryPolicy(),  # noqa: B008 - frozen
        granted: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._client = client
        self._journal = journal
        self._may_leave = may_leave
        self._granted = granted
        # The journal must hear of every failed attempt, so each comes back here instead of being repeated in a call.
        self._retry = msgspec.structs.replace(retry, attempts=1)
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
        except Exception as error:  # noqa: BLE001 - also what nobody foresaw; then the message may have left
            delivered = judged(error, job, claimed=self._owns_row)
        else:
            delivered = Delivered(outcome=Outcome.ACCEPTED, receipt=receipt)
        note = note_of(job.seq, delivered, self._clock())
        if isinstance(note, Requeue):
            if self._owns_row:
                await self._journal.requeue(note.seq, note.not_before)
            return delivered
        if not self._owns_row and not await self._claim(job):
            return Delivered(outcome=Outcome.NOT_SENT)
        await self._journal.finish(note)
        return delivered

    async def _send(self, job: Job) -> Any:
        async def claim() -> None:
            self._granted(job.seq)
            if not self._may_leave():
                raise _NotThisTimeError
            if not await self._claim(job):
                raise _NotThisTimeError  # the row is not queued any more

        try:
            return await self._client.send(job.request, retry=self._retry, before_sending=claim, park=True)
        except Exception:
            raise
        except BaseException:  # cancelled: the message may have left
            if self._owns_row:
                with anyio.CancelScope(shield=True):
                    await self._journal.finish(Finish(job.seq, Outcome.UNKNOWN, code="interrupted"))
            raise

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


def judged(error: Exception, job: Job, *, claimed: bool = True) -> Delivered:
    """Return what became of a message that did not succeed.

    Args:
        error: what the client raised.
        job: the message.
        claimed: whether it may have left.
    """
    if not isinstance(error, WabotickError):
        return Delivered(outcome=Outcome.UNKNOWN if claimed else Outcome.NOT_SENT, failure=error)
    outcome = Outcome.SKIPPED if isinstance(error, RequestInvalidError) else error.outcome
    if outcome is not Outcome.SKIPPED and returns_to_queue(error, job.request):
        return Delivered(outcome=Outcome.NOT_SENT, error=error, retry_in=wait_before_retry(error, job.returns))
    return Delivered(outcome=outcome, error=error)


def note_of(seq: int, delivered: Delivered, now: float) -> Finish | Requeue:
    """Return what the journal is to know of it.

    Args:
        seq: the row's number.
        delivered: what became of it.
        now: seconds since the epoch.
    """
    if delivered.outcome is Outcome.NOT_SENT:
        return Requeue(seq, now + delivered.retry_in)
    if delivered.error is not None:
        return finish_of(seq, delivered.outcome, delivered.error)
    if delivered.failure is not None:
        return Finish(seq, delivered.outcome, code="unexpected_error", note=type(delivered.failure).__name__)
    response = getattr(delivered.receipt, "response", None)
    message_id = getattr(delivered.receipt, "message_id", None)
    return Finish(seq, delivered.outcome, http=None if response is None else response.status, message_id=message_id)
