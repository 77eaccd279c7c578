"""docs/faults.md names every fault once, and every test that it names is there."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.structure.source import ROOT

TABLE: Final = ROOT / "docs" / "faults.md"
FAULTS: Final = [*(f"F{number:02}" for number in range(1, 48)), "F53", "F54"]
"""F48 to F52 concern workers on several machines, which this package does not have."""
_TEST: Final = re.compile(r"`([\w/]+\.py)::(\w+)`")


class Row(NamedTuple):
    """One line of the table."""

    id: str
    fault: str
    expected: str
    tests: list[tuple[str, str]]


def read_table(text: str) -> list[Row]:
    """Return the rows whose first cell is the id of a fault."""
    rows = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if re.fullmatch(r"F\d+", cells[0]) and len(cells) == 4:
            rows.append(Row(cells[0], cells[1], cells[2], _TEST.findall(cells[3])))
    return rows


def find_faults_of(rows: list[Row], tests_of: dict[str, set[str]]) -> list[str]:
    """Return what is wrong with a table, given the tests in each file."""
    ids = [row.id for row in rows]
    wrong = [f"{one} is missing" for one in FAULTS if one not in ids]
    wrong += [f"{one} is no fault" for one in ids if one not in FAULTS]
    wrong += [f"{one} is there twice" for one in {one for one in ids if ids.count(one) > 1}]
    for row in rows:
        if not (row.fault and row.expected and row.tests):
            wrong.append(f"{row.id} has an empty cell")
        for file, name in row.tests:
            if name not in tests_of.get(file, set()):
                wrong.append(f"{row.id}: there is no {file}::{name}")
    return wrong


@functools.cache
def names_of_tests(path: Path) -> set[str]:
    """Return the names of the tests that a file defines."""
    defined = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    names = (node.name for node in defined if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return {name for name in names if name.startswith("test_")}


def test_the_table_is_complete_and_every_test_is_there() -> None:
    rows = read_table(TABLE.read_text(encoding="utf-8"))
    files = {file for row in rows for file, _ in row.tests if (ROOT / file).is_file()}
    assert find_faults_of(rows, {file: names_of_tests(ROOT / file) for file in files}) == []


def test_every_test_of_a_fault_is_in_its_row() -> None:
    """A test here that begins with the ids of faults is named in their rows."""
    rows = {row.id: {name for _, name in row.tests} for row in read_table(TABLE.read_text(encoding="utf-8"))}
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        for name in names_of_tests(path):
            ids = re.match(r"test((?:_f\d\d)+)_(?:to_(f\d\d)_)?", name)
            if ids is None:
                continue
            first, *others = [int(one) for one in re.findall(r"\d\d", ids[0])]
            numbers = range(first, others[-1] + 1) if "_to_" in ids[0] else [first, *others]
            unnamed = [number for number in numbers if name not in rows[f"F{number:02}"]]
            assert unnamed == [], f"{path.name}::{name}"


LINE = "| F01 | a fault | what is expected | `a.py::test_a` |"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "F01 is missing"),
        (LINE.replace("F01", "F48"), "F48 is no fault"),
        (LINE + "\n" + LINE, "F01 is there twice"),
        ("| F01 | a fault |  | `a.py::test_a` |", "F01 has an empty cell"),
        ("| F01 | a fault | expected | somewhere |", "F01 has an empty cell"),
        (LINE.replace("test_a", "test_b"), "F01: there is no a.py::test_b"),
        (LINE.replace("a.py", "b.py"), "F01: there is no b.py::test_a"),
    ],
)
def test_a_rotten_table_is_found(text: str, complaint: str) -> None:
    assert complaint in find_faults_of(read_table(text), {"a.py": {"test_a"}})


def test_a_good_line_is_no_complaint() -> None:
    assert [one for one in find_faults_of(read_table(LINE), {"a.py": {"test_a"}}) if "F01" in one] == []
