"""Find out from the conversations with their recipients what became of unknown rows. Nothing is sent.

::

    unknown rows -> what else journals know of their recipients -> how far the clocks are apart -> one conversation
    after the other -> a verdict for each row (see `matching`) -> rows that were found, settled in the journal

Progress is the journal itself: a settled row is not unknown any more. So whoever goes on after a crash repeats reads
only.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

import msgspec

from ..endpoints import Endpoint, SendTemplate
from ..errors import ConfigurationError
from ..models import Template
from ..outcomes import Outcome
from .content import Expected, expect
from .conversations import Conversations
from .delivery import Sends
from .evidence import Evidence, Person, Place, Sent, read_rows_to
from .journal import Journal, RowDetail, State
from .matching import Attempt, ClockDifference, Conversation, Finding, Verdict, difference_of, judge, seconds_of

__all__ = ["ReconcileReport", "ReconcileSettings", "ReconciledRow", "Reconciliation"]

_SAMPLES_WANTED = 3


class ReconcileSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How unknown rows are looked for; see `BulkSender.reconcile`.

    Raises:
        ConfigurationError: a setting is out of range.
    """

    settle_after: float = 600.0
    slack: float = 60.0
    utc_offset: float | None = None
    pages: int = 20
    others: tuple[str | os.PathLike[str], ...] = ()

    def __post_init__(self) -> None:
        if not (self.settle_after >= 0 and self.slack >= 0):
            raise ConfigurationError("settle_after and slack: expected 0 seconds or more")
        if self.pages < 1:
            raise ConfigurationError(f"pages: expected at least 1, got {self.pages}")
        if self.utc_offset is not None and not abs(self.utc_offset) <= 14 * 3600:
            raise ConfigurationError(f"utc_offset: expected seconds, up to 14 hours, got {self.utc_offset}")


class ReconciledRow(msgspec.Struct, frozen=True, kw_only=True):
    """What was found out about one unknown row."""

    row: int
    """Number of the row in the journal, from 1."""
    receiver: str
    finding: Finding
    message_id: str | None = None
    note: str | None = None
    """The finding in words."""


class ReconcileReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was found out about the rows that were unknown."""

    rows: tuple[ReconciledRow, ...] = ()

    @property
    def counts(self) -> dict[Finding, int]:
        """Return how often each finding occurred."""
        found = Counter(row.finding for row in self.rows)
        return {finding: found[finding] for finding in Finding if found[finding]}

    @property
    def accepted(self) -> int:
        """Return how many rows the platform has; the journal calls them accepted now."""
        return sum(row.finding is Finding.ACCEPTED for row in self.rows)

    @property
    def unknown(self) -> int:
        """Return how many rows are still unknown."""
        return len(self.rows) - self.accepted

    @property
    def absent(self) -> tuple[int, ...]:
        """Return the numbers of the rows that are not there after the settling delay, for `resend_unknown`."""
        return tuple(row.row for row in self.rows if row.finding is Finding.ABSENT)


class Reconciliation:
    """One pass over the unknown rows of an open journal. Make a new one for the next.

    Args:
        client: reads; its rate limiter paces it.
        journal: open.
        phone_number_id: the sending number of requests that name none.
        settings: see `BulkSender.reconcile`.
        registry: where the endpoints of journalled rows are looked up.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        client: Sends,
        journal: Journal,
        *,
        phone_number_id: str | None,
        settings: ReconcileSettings,
        registry: Mapping[str, Endpoint],
        clock: Callable[[], float],
    ) -> None:
        self._journal = journal
        self._settings = settings
        self._clock = clock
        self._evidence = Evidence(phone_number_id=phone_number_id, registry=registry)
        self._conversations = Conversations(client, pages=settings.pages)
        self._read_before: dict[Place, Conversation] = {}
        self._report: list[ReconciledRow] = []

    async def run(self) -> ReconcileReport:
        """Look for every unknown row, settle those that are found, and say what was found out.

        Raises:
            WabotickError: the platform cannot be read; what was settled so far stays settled.
            JournalError: the journal, or one of the others, cannot be used.
        """
        async for row in self._journal.rows(State.UNKNOWN):
            obstacle = self._evidence.add_unknown(row)
            if obstacle is not None:
                self._tell(row, Verdict(seq=row.seq, finding=Finding.CANNOT_TELL, note=obstacle))
        self._evidence.all_unknown_added()
        if self._evidence.people:
            await self._collect_others()
            difference = await self._clock_difference()
            for place, person in self._evidence.people.items():
                await self._look_at(place, person, difference)
        return ReconcileReport(rows=tuple(sorted(self._report, key=lambda one: one.row)))

    async def _collect_others(self) -> None:
        receivers = self._evidence.receivers
        for state in (State.ACCEPTED, State.REFUSED, State.QUEUED):
            async for row in self._journal.rows(state):
                self._evidence.add_other(row, receivers)
        for path in self._settings.others:
            for row in await asyncio.to_thread(read_rows_to, path, receivers):
                self._evidence.add_other(row, receivers)

    async def _clock_difference(self) -> ClockDifference:
        """Learn from accepted rows how the server's times, which have no zone, relate to ours (contract, "Types")."""
        if self._settings.utc_offset is not None:
            return ClockDifference(self._settings.utc_offset, self._settings.utc_offset)
        times: list[tuple[float, float]] = []
        for sent in self._evidence.samples:
            conversation = await self._conversation(self._evidence.place(sent), keep=True)
            for row in conversation.rows if conversation is not None else ():
                seconds = seconds_of(row.conversation_time)
                if row.message_id == sent.row.message_id and seconds is not None:
                    times.append((sent.row.claimed_at or 0.0, seconds))
            if len(times) >= _SAMPLES_WANTED:
                break
        return difference_of(times)

    async def _conversation(self, place: Place, *, keep: bool = False) -> Conversation | None:
        conversation = self._read_before.pop(place, None) or await self._conversations.read(place)
        if keep and conversation is not None:
            self._read_before[place] = conversation
        return conversation

    async def _look_at(self, place: Place, person: Person, difference: ClockDifference) -> None:
        person.unknown = [sent for sent in person.unknown if not await self._has_status(sent.row)]
        if not person.unknown:
            return
        templates = await self._templates_for(place, person)
        conversation = await self._conversation(place)
        if conversation is None or templates is None:
            note = "the conversation or the template list could not be read"
            verdicts = [Verdict(seq=one.row.seq, finding=Finding.UNREAD, note=note) for one in person.unknown]
        else:
            known = _attempts(person.unknown, templates)
            gone = {one.row.seq for one in person.unknown} - {one.seq for one in known}
            note = "its template is not in the list"
            verdicts = [Verdict(seq=seq, finding=Finding.UNREAD, note=note) for seq in gone]
            verdicts += judge(
                conversation,
                known,
                unnamed=_attempts(person.unnamed, templates),
                rivals=_attempts(person.rivals, templates, at_any_time=True),
                owned=self._evidence.owned[place[1]],
                difference=difference,
                slack=self._settings.slack,
                settle_after=self._settings.settle_after,
                now=self._clock(),
            )
        rows = {sent.row.seq: sent.row for sent in person.unknown}
        for verdict in verdicts:
            await self._conclude(rows[verdict.seq], verdict)

    async def _has_status(self, row: RowDetail) -> bool:
        if row.message_id is None:
            return False
        answer = await self._conversations.status(row.message_id)
        if answer is None or not answer.status:
            return False
        note = f"known to the platform, status {answer.status}"
        verdict = Verdict(seq=row.seq, finding=Finding.ACCEPTED, message_id=row.message_id, note=note)
        await self._conclude(row, verdict)
        return True

    async def _templates_for(self, place: Place, person: Person) -> Mapping[str, Template] | None:
        if not any(isinstance(sent.request, SendTemplate) for sent in person):
            return {}
        return await self._conversations.templates(place[0])

    async def _conclude(self, row: RowDetail, verdict: Verdict) -> None:
        if verdict.finding is Finding.ACCEPTED:
            note = f"reconciled: {verdict.note}"
            await self._journal.settle(row.seq, Outcome.ACCEPTED, message_id=verdict.message_id, note=note)
        self._tell(row, verdict)

    def _tell(self, row: RowDetail, verdict: Verdict) -> None:
        self._report.append(
            ReconciledRow(
                row=row.seq,
                receiver=row.receiver,
                finding=verdict.finding,
                message_id=verdict.message_id,
                note=verdict.note,
            )
        )


def _attempts(sent: Iterable[Sent], templates: Mapping[str, Template], *, at_any_time: bool = False) -> list[Attempt]:
    expected = ((one.row, expect(one.request, templates)) for one in sent)
    return [_attempt(row, what, at_any_time=at_any_time) for row, what in expected if what is not None]


def _attempt(row: RowDetail, expected: Expected, *, at_any_time: bool) -> Attempt:
    began = float("-inf") if at_any_time or row.claimed_at is None else row.claimed_at
    ended = max(began, row.done_at or began)
    return Attempt(seq=row.seq, expected=expected, began=began, ended=ended, repeated=row.attempts > 1)
