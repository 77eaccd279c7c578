"""What a command prints: answers on standard output, everything else on standard error."""

from __future__ import annotations

import sys

from rich.console import Console

from ..redaction import redact

__all__ = ["WIDE", "out", "plain", "say", "stderr", "stdout"]

WIDE = 10_000
"""Columns of an output that is no terminal, so that nothing is folded."""


def plain(text: str) -> str:
    """Return a text on one line, without secrets, and without marks that would command a terminal."""
    return "".join(mark if mark.isprintable() else ascii(mark)[1:-1] for mark in redact(text))


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
