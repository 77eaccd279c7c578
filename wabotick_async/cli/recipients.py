"""A CSV file of recipients, read row by row."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Final

from .exits import CommandError, FileError

__all__ = ["RecipientFile", "RecipientRow", "RowError"]

_BOM: Final = b"\xef\xbb\xbf"
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
_LONGEST_LINE: Final = 1 << 20


class RowError(ValueError):
    """One cell of one row is not as expected."""

    def __init__(self, row: int, column: str | None, expected: str) -> None:
        where = f"row {row}" if column is None else f"row {row}: {column}"
        super().__init__(f"{where}: {expected}")


class RecipientRow:
    """One row below the header. `number` counts as a spreadsheet does: the header is row 1."""

    __slots__ = ("_cells", "_columns", "number")

    def __init__(self, number: int, columns: Mapping[str, int], cells: Sequence[str]) -> None:
        self.number = number
        self._columns = columns
        self._cells = cells

    def check(self) -> None:
        """Check that the row has a cell a column.

        Raises:
            RowError: it has fewer or more.
        """
        if not any(cell.strip() for cell in self._cells):
            raise RowError(self.number, None, "expected a recipient, the row is empty")
        if len(self._cells) != len(self._columns):
            expected = f"expected {len(self._columns)} cells as in the header, got {len(self._cells)}"
            raise RowError(self.number, None, expected)

    def __getitem__(self, column: str) -> str:
        return self._cells[self._columns[column]].strip()

    def require(self, column: str, meaning: str) -> str:
        """Return a cell that must not be empty.

        Args:
            column: name in the header.
            meaning: what the cell is for, for the complaint.

        Raises:
            RowError: it is empty.
        """
        if text := self[column]:
            return text
        raise RowError(self.number, column, f"expected {meaning}, the cell is empty")


class RecipientFile:
    """A CSV file in UTF-8 whose first row names the columns. It is read in a stream, as often as wanted.

    Args:
        path: where it is.
        delimiter: what separates cells.

    Raises:
        FileError: the file cannot be read, or its header is not usable.
    """

    def __init__(self, path: Path, *, delimiter: str = ",") -> None:
        self.path = path
        self.name = path.name
        if len(delimiter) != 1 or delimiter in '"\r\n':
            raise CommandError(f"--delimiter: expected one character, got {delimiter!r}")
        self._delimiter = delimiter
        self._columns: dict[str, int] = {}
        self.digest = ""
        """SHA-256 of the content, known after `rows` came to its end."""
        for header in self._records():
            self._columns = self._check_header(header[1])
            break
        if not self._columns:
            raise self.problem("expected a header row, the file is empty")

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the names in the header."""
        return tuple(self._columns)

    def problem(self, text: str) -> FileError:
        """Return an error about this file."""
        return FileError(f"{self.name}: {text}")

    def require_column(self, column: str, option: str) -> None:
        """Check that an option names a column of this file.

        Raises:
            FileError: there is none of this name.
        """
        if column not in self._columns:
            raise self.problem(f"row 1: {option}: no column {column!r}, the header has: {', '.join(self._columns)}")

    def rows(self) -> Iterator[RecipientRow]:
        """Read the rows below the header; empty lines at the end are no rows.

        Raises:
            FileError: the file is not CSV in UTF-8.
        """
        records = self._records()
        next(records, None)
        empty: list[int] = []
        for number, cells in records:
            if not cells:
                empty.append(number)
                continue
            for skipped in empty[:1]:
                yield RecipientRow(skipped, self._columns, ())
            empty.clear()
            yield RecipientRow(number, self._columns, cells)

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        digest = hashlib.sha256()
        try:
            with self.path.open("rb") as file:
                reader = csv.reader(self._lines(file, digest), delimiter=self._delimiter, strict=True)
                try:
                    yield from enumerate(reader, 1)
                except csv.Error as error:
                    raise self.problem(f"line {reader.line_num}: expected CSV: {error}") from None
        except OSError as error:
            raise self.problem(f"expected a readable file: {error.strerror}") from None
        self.digest = digest.hexdigest()

    def _lines(self, file: BinaryIO, digest: hashlib._Hash) -> Iterator[str]:
        number = 0
        while raw := file.readline(_LONGEST_LINE):
            number += 1
            digest.update(raw)
            # One line at a time, so that a complaint can name the line, and no line end is inside a character.
            marks = len(_BOM) if number == 1 and raw.startswith(_BOM) else 0
            if len(raw) == _LONGEST_LINE:
                raise self.problem(f"line {number}: expected a line shorter than {_LONGEST_LINE:,} bytes")
            try:
                text = raw[marks:].decode()
            except UnicodeDecodeError as error:
                raise self._not_utf_8(number, raw, error.start + marks) from None
            if "\0" in text:
                raise self._not_utf_8(number, raw, raw.index(b"\0"))
            yield text

    def _not_utf_8(self, line: int, raw: bytes, place: int) -> FileError:
        hint = "; it looks like UTF-16" if line == 1 and (raw.startswith(_UTF_16) or b"\0" in raw) else ""
        found = f"the byte 0x{raw[place]:02x} at place {place + 1}"
        return self.problem(f"line {line}: expected UTF-8, got {found}{hint}. Save the file as 'CSV UTF-8'")

    def _check_header(self, cells: Sequence[str]) -> dict[str, int]:
        names = [cell.strip() for cell in cells]
        if not any(names):
            raise self.problem("row 1: expected a header row with the names of the columns, it is empty")
        if "" in names:
            raise self.problem(f"row 1: expected a name for each column, column {names.index('') + 1} has none")
        repeated = [name for name, times in Counter(names).items() if times > 1]
        if repeated:
            raise self.problem(f"row 1: expected each column once, got {repeated[0]!r} twice")
        if len(names) == 1 and (other := [mark for mark in ";\t" if mark in names[0]]):
            hint = "$'\\t'" if other[0] == "\t" else f"'{other[0]}'"
            raise self.problem(f"row 1: expected cells separated by {self._delimiter!r}; is it --delimiter {hint}?")
        return {name: place for place, name in enumerate(names)}
