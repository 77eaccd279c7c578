"""Names say what a thing is, not that it does things."""

from __future__ import annotations

import ast
import re

import pytest

from tests.structure.source import Module, parse, read_modules

EMPTY_WORD = re.compile(r"(?:^|_)(?:manager|handler|processor|utils?|common|helpers?)(?:$|_)")
WORD_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def empty_words(module: Module) -> list[str]:
    """Return the names of a module and its classes that hold an empty word."""
    classes = [node.name for node in ast.walk(module.tree) if isinstance(node, ast.ClassDef)]
    names = [*module.name.split("."), *classes]
    return [name for name in names if EMPTY_WORD.search(WORD_BOUNDARY.sub("_", name).lower())]


@pytest.mark.parametrize("module", read_modules().values(), ids=lambda module: module.name or "root")
def test_no_empty_word_in_a_name(module: Module) -> None:
    assert empty_words(module) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("wire/utils.py", ""),
        ("helpers/__init__.py", ""),
        ("client.py", "class SessionManager: ..."),
        ("client.py", "class HandlerOfErrors: ..."),
        ("client.py", "class A:\n    class _CommonThings: ..."),
    ],
)
def test_an_empty_word_is_found(path: str, text: str) -> None:
    (module,) = parse({path: text}).values()

    assert len(empty_words(module)) == 1


def test_a_word_inside_a_word_is_fine() -> None:
    (module,) = parse({"utility_bills.py": "class Uncommon: ..."}).values()

    assert empty_words(module) == []
