"""Rows of a campaign in a file that a spreadsheet or a program reads."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final, TextIO

import msgspec

from .exits import CommandError

__all__ = ["RowRecord", "harmless", "write_rows"]

# A spreadsheet runs a cell that begins so as a formula, and the server's words are not ours.
# The last four are the wide forms of the first four, which some languages of a spreadsheet take for them.
_BEGINS_A_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


class RowRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a campaign."""

    row: int
    phone_number: str
    state: str
    cause: str | None
    http: int | None
    message_id: str | None
    note: str | None
    attempts: int
    time: float | None
    """Seconds since the epoch when it was settled."""


def harmless(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_BEGINS_A_FORMULA) else text


def write_rows(path: Path, records: Iterable[RowRecord]) -> int:
    """Write rows to a new file that only its owner may read, and return how many they were.

    Raises:
        CommandError: the file exists, cannot be written, or has another ending than .csv and .jsonl.
    """
    if path.suffix not in {".csv", ".jsonl"}:
        raise CommandError(f"--output: expected a name that ends in .csv or .jsonl, got {str(path)!r}")
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise CommandError(f"--output: expected a new file, got {str(path)!r}: {error.strerror}") from None
    with open(descriptor, "w", encoding="utf-8", newline="") as file:
        return _write_csv(file, records) if path.suffix == ".csv" else _write_jsonl(file, records)


def _write_csv(file: TextIO, records: Iterable[RowRecord]) -> int:
    sheet = csv.writer(file, quoting=csv.QUOTE_ALL)
    sheet.writerow(RowRecord.__struct_fields__)
    written = 0
    for record in records:
        values = msgspec.structs.astuple(record)
        sheet.writerow(["" if value is None else harmless(str(value)) for value in values])
        written += 1
    return written


def _write_jsonl(file: TextIO, records: Iterable[RowRecord]) -> int:
    written = 0
    for record in records:
        file.write(msgspec.json.encode(record).decode() + "\n")
        written += 1
    return written
