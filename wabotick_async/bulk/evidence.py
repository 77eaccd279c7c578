"""What journals know of the recipients of unknown rows: whose messages their conversations may hold."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from ..endpoints import Endpoint, Request, SendMedia, SendTemplate, SendText
from ..errors import JournalError
from .journal import RowDetail, SQLiteJournal, State
from .message import read_request

__all__ = ["Evidence", "Person", "Place", "Sent", "read_rows_to"]

_MESSAGES: Final = (SendText, SendMedia, SendTemplate)
_SAMPLES: Final = 8

Place = tuple[str, str]
"""Where a conversation is: sending number and recipient."""


class Sent(msgspec.Struct, frozen=True):
    """A row of a journal, and the message in it."""

    row: RowDetail
    request: Request[Any]


class Person(msgspec.Struct):
    """The rows that concern one conversation."""

    unknown: list[Sent] = msgspec.field(default_factory=list)
    """Those that are looked for."""
    unnamed: list[Sent] = msgspec.field(default_factory=list)
    """Accepted without a message id: one message each is theirs."""
    rivals: list[Sent] = msgspec.field(default_factory=list)
    """Those that may have left a message which no row owns."""

    def __iter__(self) -> Iterator[Sent]:
        return iter((*self.unknown, *self.unnamed, *self.rivals))


class Evidence:
    """Collect what journals know. Rows that concern nobody in question are forgotten at once.

    Args:
        phone_number_id: the sending number of requests that name none.
        registry: where the endpoints of journalled rows are looked up.
    """

    def __init__(self, *, phone_number_id: str | None, registry: Mapping[str, Endpoint]) -> None:
        self._phone_number_id = phone_number_id or ""
        self._registry = registry
        self._ranks: list[tuple[tuple[bool, float], Sent]] = []
        self._middle = 0.0
        self.people: defaultdict[Place, Person] = defaultdict(Person)
        self.owned: defaultdict[str, set[str]] = defaultdict(set)
        """The message ids that belong to rows, by recipient."""

    def place(self, sent: Sent) -> Place:
        """Return where the conversation is that shows a row."""
        number = getattr(sent.request, "phone_number_id", None)
        return (number if isinstance(number, str) else self._phone_number_id, sent.row.receiver)

    def add_unknown(self, row: RowDetail) -> str | None:
        """Take an unknown row in, or say why no conversation can tell what became of it."""
        sent = self._sent(row)
        if sent is None:
            return f"{row.endpoint} leaves no message that could be recognised"
        if row.claimed_at is None:
            self.people[self.place(sent)].rivals.append(sent)
            return "the journal does not know when it was sent, if at all"
        self.people[self.place(sent)].unknown.append(sent)
        return None

    def all_unknown_added(self) -> None:
        """Forget those of whom no row can be looked for; from now on only the others count."""
        self.people = defaultdict(Person, {place: one for place, one in self.people.items() if one.unknown})
        times = [sent.row.claimed_at or 0.0 for person in self.people.values() for sent in person.unknown]
        self._middle = sum(times) / max(len(times), 1)

    @property
    def receivers(self) -> set[str]:
        """Return the recipients in question."""
        return {receiver for _, receiver in self.people}

    def add_other(self, row: RowDetail, receivers: Collection[str]) -> None:
        """Take in a row of any other state, or of another journal, whose numbers are to be negative."""
        concerned = row.receiver in receivers
        if row.seq > 0:
            self._add_sample(row, concerned=concerned)
        if not concerned:
            return
        if row.message_id is not None:
            self.owned[row.receiver].add(row.message_id)
        sent = self._sent(row)
        person = None if sent is None else self.people.get(self.place(sent))
        if sent is None or person is None or row.claimed_at is None:
            return
        if row.state is State.ACCEPTED and row.message_id is None:
            person.unnamed.append(sent)
        elif row.attempts > 1 or row.state in {State.UNKNOWN, State.IN_FLIGHT}:
            person.rivals.append(sent)

    @property
    def samples(self) -> Iterable[Sent]:
        """Return accepted rows whose message id is known, those first that tell most about the clocks."""
        return [sent for _, sent in self._ranks]

    def _add_sample(self, row: RowDetail, *, concerned: bool) -> None:
        if row.state is not State.ACCEPTED or row.message_id is None or row.claimed_at is None:
            return
        # A conversation that is read anyway costs nothing; then the nearest in time, because of summer time.
        rank = (not concerned, abs(row.claimed_at - self._middle))
        if len(self._ranks) < _SAMPLES or rank < self._ranks[-1][0]:
            sent = self._sent(row)
            if sent is not None:
                self._ranks = sorted([*self._ranks, (rank, sent)], key=lambda one: one[0])[:_SAMPLES]

    def _sent(self, row: RowDetail) -> Sent | None:
        try:
            request = read_request(row.endpoint, row.payload, self._registry)
        except JournalError:
            return None
        return Sent(row, request) if isinstance(request, _MESSAGES) else None


def read_rows_to(path: str | os.PathLike[str], receivers: Collection[str]) -> list[RowDetail]:
    """Read another journal's rows to some recipients, with negative numbers. Blocks.

    Raises:
        JournalError: there is no journal, or it is not safe to read.
    """
    states = (state for state in State if state is not State.SKIPPED)
    return [
        msgspec.structs.replace(row, seq=-row.seq)
        for state in states
        for row in SQLiteJournal.read_rows(path, state)
        if row.receiver in receivers
    ]
