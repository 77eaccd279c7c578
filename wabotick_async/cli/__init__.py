"""The command line `wabotick`; it needs the extra `[cli]`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from .exits import ExitCode

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    Args:
        arguments: in place of the process's own.
    """
    try:
        from .app import run  # noqa: PLC0415 - typer and rich are optional, and only this line needs them
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in {"typer", "rich"}:
            raise
        print("wabotick: the command line needs typer and rich: pip install 'wabotick-async[cli]'", file=sys.stderr)
        return ExitCode.INVALID
    return run(arguments)
