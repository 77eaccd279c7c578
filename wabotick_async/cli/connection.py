"""The options that say which account a command works for. The token itself is never an option: others could read it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Final

import typer

from ..client import WabotickClient
from ..config import DEFAULT_BASE_URL, Limits, Timeout
from .exits import CommandError

__all__ = ["AsJSON", "BaseURL", "PhoneNumberId", "TokenFile", "TotalTimeout", "connect", "read_text_file"]

_TOKEN_VARIABLE: Final = "WABOTICK_API_TOKEN"  # noqa: S105 - a name
_LONGEST_TEXT: Final = 1 << 20

BaseURL = Annotated[
    str | None,
    typer.Option("--base-url", envvar="WABOTICK_BASE_URL", metavar="URL", help=f"Default {DEFAULT_BASE_URL}."),
]
PhoneNumberId = Annotated[
    str | None,
    typer.Option(
        "--phone-number-id", envvar="WABOTICK_PHONE_NUMBER_ID", metavar="ID", help="Meta's id of the sending number."
    ),
]
TokenFile = Annotated[
    Path | None,
    typer.Option("--token-file", metavar="PATH", help=f"File with the API token, in place of ${_TOKEN_VARIABLE}."),
]
TotalTimeout = Annotated[float, typer.Option("--timeout", min=0.1, help="Seconds that one attempt may take.")]
AsJSON = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def read_text_file(path: Path, what: str) -> str:
    """Return a small text file without surrounding blanks.

    Raises:
        CommandError: it cannot be read, or is no text.
    """
    try:
        with path.open("rb") as file:
            return file.read(_LONGEST_TEXT).decode().strip()
    except OSError as error:
        raise CommandError(f"{what}: expected a readable file, got {str(path)!r}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise CommandError(f"{what}: expected text in UTF-8 in {str(path)!r}") from None


def connect(
    base_url: str | None,
    phone_number_id: str | None,
    token_file: Path | None,
    *,
    limits: Limits | None = None,
    timeout: float = 30.0,
) -> WabotickClient:
    """Return a client for the account that the options and the environment name.

    Raises:
        CommandError: there is no token.
        ConfigurationError: a setting has a wrong form.
    """
    token = os.environ.get(_TOKEN_VARIABLE, "") if token_file is None else read_text_file(token_file, "--token-file")
    if not token:
        raise CommandError(f"no API token: set {_TOKEN_VARIABLE} or name a file with --token-file")
    return WabotickClient(
        token,
        base_url=base_url or DEFAULT_BASE_URL,
        phone_number_id=phone_number_id,
        limits=limits,
        timeout=Timeout(total=timeout, connect=min(timeout, Timeout().connect)),
    )
