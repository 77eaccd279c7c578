"""The list of security rows names tests that exist, and every test of this folder that guards a row."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Final

import pytest

from tests.security.rows import SECURITY_ROWS

TESTS: Final = Path(__file__).parents[1]


def _names_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in tree.body if isinstance(node, kinds) and node.name.startswith("test_")}


@pytest.mark.parametrize("row", SECURITY_ROWS)
def test_the_tests_of_a_row_exist(row: str) -> None:
    assert SECURITY_ROWS[row]
    for reference in SECURITY_ROWS[row]:
        file, _, name = reference.partition("::")
        assert name in _names_in(TESTS / file), reference


def test_every_file_of_this_folder_shows_a_row() -> None:
    named = {reference.partition("::")[0] for references in SECURITY_ROWS.values() for reference in references}
    files = {f"security/{path.name}" for path in Path(__file__).parent.glob("test_*.py")}
    assert files - {"security/test_rows.py"} <= named
