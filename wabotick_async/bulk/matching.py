"""Which unknown rows are in a conversation. Pure: rows in, verdicts out.

A message is ours when its content is ours, its time fits the attempt, and no other row owns its id. Nothing in it says
which campaign sent it. So a row is settled only where the conversation holds exactly as many such messages as rows
claim one, and everything else stays unknown.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

import msgspec

from ..models import ConversationRow
from .content import Expected, Likeness, is_ours

__all__ = [
    "ANY_CLOCK",
    "Attempt",
    "ClockDifference",
    "Conversation",
    "Finding",
    "Verdict",
    "difference_of",
    "judge",
    "seconds_of",
]


class Finding(StrEnum):
    """What reconciling found out about a row."""

    ACCEPTED = "accepted"
    """The platform has the message; the journal says so now."""
    AMBIGUOUS = "ambiguous"
    """The conversation holds messages that may be this one or another: still unknown."""
    TOO_EARLY = "too_early"
    """Not there, but it may still appear: still unknown; ask again later."""
    ABSENT = "absent"
    """Not there, and the settling delay is over: still unknown, and yours to decide."""
    NO_CLOCK = "no_clock"
    """There is a message that fits but for its time, which means nothing without the server's offset from UTC."""
    UNREAD = "unread"
    """The conversation or the template list could not be read, or is longer than the pages that were read."""
    CANNOT_TELL = "cannot_tell"
    """No conversation can show it: another kind of request, or a row whose time of sending is not known."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """A row of a journal that claims a message of the conversation."""

    seq: int
    expected: Expected
    began: float
    """Seconds since the epoch of the last claim."""
    ended: float
    """When the attempt was over, as far as the journal knows."""
    repeated: bool = False
    """Whether there was an earlier attempt, of which no journal knows the time."""


class ClockDifference(msgspec.Struct, frozen=True):
    """Seconds, between two bounds, by which the server's times, read as UTC, are ahead of this machine's clock."""

    low: float
    high: float

    @property
    def known(self) -> bool:
        """Tell whether it says more than that there are time zones."""
        return self.high - self.low < ANY_CLOCK.high - ANY_CLOCK.low


ANY_CLOCK: Final = ClockDifference(-12 * 3600.0, 14 * 3600.0)
"""Every time zone there is."""


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """What was read of the conversation with one recipient."""

    rows: Sequence[ConversationRow]
    complete: bool
    """Whether it was read to its end."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be said about one unknown row."""

    seq: int
    finding: Finding
    message_id: str | None = None
    note: str | None = None


class _Candidate(msgspec.Struct, frozen=True):
    """A message that nobody owns. Its time is the server's, read as UTC."""

    row: ConversationRow
    seconds: float | None


class _Claim(msgspec.Struct):
    """Rows that want messages of one set: a message that one of them may be, another of them may be as well."""

    unknown: list[Attempt]
    unnamed: list[Attempt]
    rivalled: bool
    older: bool
    """Whether an earlier attempt of one of them may have left a message."""
    candidates: dict[str, _Candidate]


class _Rules(msgspec.Struct, frozen=True, kw_only=True):
    difference: ClockDifference
    slack: float
    now: float
    settle_after: float

    def before(self, candidate: _Candidate, attempt: Attempt) -> bool:
        """Tell whether a message is certainly older than an attempt."""
        return candidate.seconds is not None and candidate.seconds - self.difference.low < attempt.began - self.slack

    def during(self, candidate: _Candidate, attempt: Attempt) -> bool:
        """Tell whether a message certainly came into being while an attempt was under way."""
        if candidate.seconds is None or candidate.row.message_id is None:
            return False
        earliest, latest = candidate.seconds - self.difference.high, candidate.seconds - self.difference.low
        return attempt.began - self.slack <= earliest and latest <= attempt.ended + self.slack

    def settled(self, attempt: Attempt) -> bool:
        """Tell whether the message of an attempt would have appeared by now."""
        return self.now - attempt.ended >= self.settle_after


def judge(
    conversation: Conversation,
    unknown: Sequence[Attempt],
    *,
    unnamed: Sequence[Attempt] = (),
    rivals: Sequence[Attempt] = (),
    owned: Collection[str] = (),
    difference: ClockDifference = ANY_CLOCK,
    slack: float,
    settle_after: float,
    now: float,
) -> list[Verdict]:
    """Say of each unknown row to one recipient what the conversation tells about it.

    Args:
        conversation: with the recipient, from one sending number.
        unknown: the rows in question.
        unnamed: rows that are accepted without a message id: one message each is theirs.
        rivals: rows that may have left a message that nobody owns, for instance because they were sent twice.
        owned: message ids that belong to other rows.
        difference: of the two clocks.
        slack: seconds by which a message's time may miss its attempt.
        settle_after: seconds after which a message would have appeared.
        now: seconds since the epoch.
    """
    rules = _Rules(difference=difference, slack=slack, now=now, settle_after=settle_after)
    free = _free(conversation.rows, owned)
    return [
        verdict
        for claim in _claims(unknown, unnamed, rivals, free, rules)
        for verdict in _verdicts(claim, conversation, rules)
    ]


def seconds_of(time: str | None) -> float | None:
    """Return a printed time as seconds since the epoch, read as UTC; None where it is no time."""
    try:
        return datetime.strptime(time or "", "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def difference_of(samples: Iterable[tuple[float, float]]) -> ClockDifference:
    """Return the difference of the clocks from messages whose two times are known: ours, and the server's as UTC."""
    ahead = [server - ours for ours, server in samples]
    return ClockDifference(min(ahead), max(ahead)) if ahead else ANY_CLOCK


def _free(rows: Sequence[ConversationRow], owned: Collection[str]) -> dict[str, _Candidate]:
    """Return our messages that no row owns, each once: the same message may come on two pages."""
    return {
        row.message_id or f"row {row.id}": _Candidate(row, seconds_of(row.conversation_time))
        for row in rows
        if is_ours(row) and row.message_id not in owned
    }


def _claims(
    unknown: Sequence[Attempt],
    unnamed: Sequence[Attempt],
    rivals: Sequence[Attempt],
    free: dict[str, _Candidate],
    rules: _Rules,
) -> list[_Claim]:
    claims: list[_Claim] = []
    for attempt in [*unknown, *unnamed, *rivals]:
        alike = {key: one for key, one in free.items() if attempt.expected.likeness(one.row)}
        wanted = {key: one for key, one in alike.items() if not rules.before(one, attempt)}
        joined = _Claim(
            unknown=[attempt] if attempt in unknown else [],
            unnamed=[attempt] if attempt in unnamed else [],
            rivalled=attempt in rivals,
            older=attempt.repeated and len(wanted) < len(alike),
            candidates=wanted,
        )
        apart = []
        for claim in claims:
            if claim.candidates.keys() & wanted.keys() or _alike(claim, attempt):
                joined.unknown += claim.unknown
                joined.unnamed += claim.unnamed
                joined.rivalled = joined.rivalled or claim.rivalled
                joined.older = joined.older or claim.older
                joined.candidates |= claim.candidates
            else:
                apart.append(claim)
        claims = [*apart, joined]
    return claims


def _alike(claim: _Claim, attempt: Attempt) -> bool:
    return any(other.expected == attempt.expected for other in (*claim.unknown, *claim.unnamed))


def _verdicts(claim: _Claim, conversation: Conversation, rules: _Rules) -> list[Verdict]:
    found, taken = len(claim.candidates), len(claim.unnamed)
    if not conversation.complete:
        return _all(claim, Finding.UNREAD, "the conversation is longer than what was read")
    if found == taken and (found == 0 or _pairs(claim.unnamed, claim, rules) is not None):
        if claim.older:
            return _all(claim, Finding.AMBIGUOUS, "an older message with this content may be from an earlier attempt")
        return [_missing(attempt, rules) for attempt in claim.unknown]
    if claim.rivalled:
        return _all(claim, Finding.AMBIGUOUS, "it may be the message of another row with this content")
    wanted = taken + len(claim.unknown)
    if found == wanted:
        pairs = _pairs([*claim.unknown, *claim.unnamed], claim, rules)
        if pairs is not None:
            return _found(claim, pairs)
        if not rules.difference.known:
            return _all(claim, Finding.NO_CLOCK, "the times of the conversation cannot be compared with the journal's")
        return _all(claim, Finding.AMBIGUOUS, "there is a message with this content, but its time does not fit")
    if found < wanted and not all(rules.settled(attempt) for attempt in (*claim.unknown, *claim.unnamed)):
        return _all(claim, Finding.TOO_EARLY, f"{found} of {wanted} messages with this content are there")
    if not rules.difference.known and found > wanted:
        return _all(claim, Finding.NO_CLOCK, "which of the messages came after the attempt cannot be told")
    return _all(claim, Finding.AMBIGUOUS, f"{found} messages for {wanted} rows with this content")


def _pairs(attempts: Sequence[Attempt], claim: _Claim, rules: _Rules) -> dict[int, _Candidate] | None:
    """Pair attempts with messages in the order of their times; None where a message does not fit its attempt."""
    in_order = sorted(claim.candidates.values(), key=lambda one: (one.seconds or 0.0, one.row.id))
    by_time = sorted(attempts, key=lambda one: (one.began, one.seq))
    pairs = dict(zip((one.seq for one in by_time), in_order, strict=True))
    fit = all(one.expected.likeness(pairs[one.seq].row) and rules.during(pairs[one.seq], one) for one in by_time)
    return pairs if fit else None


def _found(claim: _Claim, pairs: dict[int, _Candidate]) -> list[Verdict]:
    # Messages of one content can be told apart by nothing. An id is kept where any of them would be as true.
    several = len(pairs) > 1
    interchangeable = not claim.unnamed and len({one.expected for one in claim.unknown}) == 1
    verdicts = []
    for attempt in claim.unknown:
        row = pairs[attempt.seq].row
        words = ["found in the conversation"]
        if attempt.expected.likeness(row) is Likeness.LOOSE:
            words.append("the row does not show all that was sent")
        if several:
            words.append(f"one of {len(pairs)} alike")
        if row.status:
            words.append(f"status {row.status}")
        message_id = row.message_id if interchangeable or not several else None
        verdicts.append(
            Verdict(seq=attempt.seq, finding=Finding.ACCEPTED, message_id=message_id, note=", ".join(words))
        )
    return verdicts


def _missing(attempt: Attempt, rules: _Rules) -> Verdict:
    if rules.settled(attempt):
        return Verdict(seq=attempt.seq, finding=Finding.ABSENT, note="not in the conversation")
    return Verdict(seq=attempt.seq, finding=Finding.TOO_EARLY, note="not in the conversation yet")


def _all(claim: _Claim, finding: Finding, note: str) -> list[Verdict]:
    return [Verdict(seq=attempt.seq, finding=finding, note=note) for attempt in claim.unknown]
