"""What a question gets, and what it answers with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import fill
from typing import Final

import msgspec

from benchmarks.measure import Turns

__all__ = ["Answer", "Question", "Setting", "answer"]


_WIDTH: Final = 120


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """How a run is to be made."""

    turns: Turns
    seconds: float = 8.0
    """Measured seconds of a run at a steady rate."""
    starts: int = 10
    """New processes of each kind."""
    recipients: tuple[int, ...] = (10_000, 100_000, 1_000_000)
    """Sizes of the campaigns whose memory is measured."""
    server_core: int | None = None
    client_core: int | None = None
    directory: Path
    """For journals: on a disk, since a commit to memory costs nothing."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A table, and the figures that it was made of."""

    letter: str
    title: str
    notes: list[str]
    """Sentences that belong below the table."""
    head: list[str]
    rows: list[list[str]]
    figures: msgspec.Raw = msgspec.Raw(b"null")
    """Everything that was measured, as JSON."""

    def markdown(self) -> str:
        """Return title, table and notes, ready to paste."""
        heading = f"## {self.letter}. {self.title}"
        lines = [self.head, ["---"] * len(self.head), *self.rows]
        table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
        notes = "\n".join(fill(note, _WIDTH) for note in self.notes)
        return "\n\n".join(part for part in (heading, table, notes) if part) + "\n"


Question = Callable[[Setting], Answer]


def answer(
    letter: str, title: str, head: list[str], *, rows: list[list[str]], notes: list[str], figures: object = None
) -> Answer:
    """Return an answer with its figures as JSON."""
    raw = msgspec.Raw(msgspec.json.encode(figures))
    return Answer(letter=letter, title=title, notes=notes, head=head, rows=rows, figures=raw)
