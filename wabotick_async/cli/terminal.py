"""What a command prints: answers on standard output, everything else on standard error."""

from __future__ import annotations

import sys

import msgspec
from rich.console import Console

from ..redaction import one_line, redact

__all__ = ["WIDE", "out", "plain", "plain_json", "say", "stderr", "stdout"]

WIDE = 10_000
"""Columns of an output that is no terminal, so that nothing is folded."""


def plain(text: str) -> str:
    """Return a text on one line, without secrets, and without marks that would command a terminal."""
    return one_line(redact(text))


def plain_json(value: object) -> str:
    """Return JSON for a person and for programs, in which no character commands a terminal.

    JSON itself escapes the ASCII ones only; U+009B, for one, begins a command, too.
    """
    text = msgspec.json.format(msgspec.json.encode(value)).decode()
    return "".join(mark if mark.isprintable() or mark == "\n" else _escaped(mark) for mark in text)


def _escaped(mark: str) -> str:
    units = mark.encode("utf-16-be")
    return "".join(f"\\u{units[place]:02x}{units[place + 1]:02x}" for place in range(0, len(units), 2))


def stdout() -> Console:
    """Return the console for answers; made anew because tests exchange the streams."""
    return _console(stderr=False)


def stderr() -> Console:
    """Return the console for progress and errors."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else WIDE
    return Console(file=stream, width=width, highlight=False, markup=False, emoji=False, soft_wrap=True)


def say(text: str) -> None:
    """Print one line for the person in front of the screen."""
    print(plain(text), file=sys.stderr)


def out(text: str = "") -> None:
    """Print a piece of the answer; whoever reads a pipe gets it at once."""
    print(text, flush=True)
