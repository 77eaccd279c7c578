"""What a run leaves: a JSON file, and the tables that can be made of it again."""

from __future__ import annotations

from pathlib import Path

import msgspec

from benchmarks.questions.base import Answer

__all__ = ["Document", "read", "write"]


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run."""

    machine: dict[str, str]
    load: tuple[float, float]
    """Average load of the machine over a minute, before and after. The run itself is about 1.2 of the second."""
    rounds: int
    seed: int
    answers: list[Answer]

    def markdown(self) -> str:
        """Return everything that a reader has to know, ready to paste."""
        before, after = self.load
        rows = "\n".join(f"| {name} | {value} |" for name, value in self.machine.items())
        load = f"| load before and after | {before:.1f}, {after:.1f} |\n| rounds, seed | {self.rounds}, {self.seed} |"
        return "\n".join([f"| on | |\n| --- | --- |\n{rows}\n{load}\n", *(one.markdown() for one in self.answers)])


def write(document: Document, path: Path) -> None:
    """Write the file, its folder too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")


def read(path: Path) -> Document:
    """Read a file that an earlier run wrote.

    Raises:
        OSError: it cannot be read.
        msgspec.ValidationError: it is none.
    """
    return msgspec.json.decode(path.read_bytes(), type=Document)
