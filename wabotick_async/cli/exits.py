"""How a command ends: the exit codes, and the error that ends it with one."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Final

from ..errors import (
    CampaignConflictError,
    ConfigurationError,
    JournalError,
    RequestInvalidError,
    WabotickError,
)

__all__ = ["EXIT_CODES", "CommandError", "ExitCode", "FileError", "exit_code_of"]


class ExitCode(IntEnum):
    """What the shell is told."""

    DONE = 0
    FAILED = 1
    INVALID = 2
    STOPPED = 3
    INCOMPLETE = 4
    INTERRUPTED = 130


EXIT_CODES: Final = {
    ExitCode.DONE: "the command worked; of a campaign, every message was accepted",
    ExitCode.FAILED: "the platform refused, failed or could not be reached",
    ExitCode.INVALID: "bad input or settings; nothing was sent",
    ExitCode.STOPPED: "the campaign stopped with messages left to send; it can be resumed",
    ExitCode.INCOMPLETE: "the campaign is complete, but messages were refused or have an unknown outcome",
    ExitCode.INTERRUPTED: "interrupted at once; a campaign can be resumed",
}
"""The meaning of each exit code, as the help shows it."""

_NOTHING_SENT: Final = (ConfigurationError, RequestInvalidError, CampaignConflictError, JournalError)


class CommandError(Exception):
    """Ends a command with some lines for a person, and an exit code."""

    prefix = "wabotick: "
    """Stands before the first line."""

    def __init__(self, *lines: str, code: ExitCode = ExitCode.INVALID) -> None:
        super().__init__("; ".join(lines))
        self.lines: Sequence[str] = lines
        self.code = code


class FileError(CommandError):
    """A file of recipients is not as expected; each line names the file itself."""

    prefix = ""


def exit_code_of(error: WabotickError) -> ExitCode:
    """Return the exit code for an error that no command expected."""
    return ExitCode.INVALID if isinstance(error, _NOTHING_SENT) else ExitCode.FAILED
