"""Every public name is exported from the root once, and documented."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections import Counter
from collections.abc import Iterator
from types import ModuleType
from typing import Final

import pytest

import wabotick_async
from tests.structure.source import PACKAGE, Module, parse, read_modules

MODULES = read_modules()

PUBLIC_PLACES: Final = (
    "errors",
    "outcomes",
    "config",
    "values",
    "models",
    "endpoints",
    "transport",
    "client",
    "bulk",
    "bulk.journal",
)
"""Where public names come from. The other members are for the package itself, or imported by their own name."""

KEPT_INSIDE: Final = {
    "values": {"clean_api_token", "clean_base_url"},
    # Parts of the client, for those who take it apart; they are not held stable.
    "transport": {"BeforeSending", "Exchange", "Observers", "Prepared", "Retry", "RetryBudget"},
    # What a journal's author needs, found where journals are.
    "bulk.journal": {
        "KEY_LENGTH",
        "Added",
        "Advanced",
        "BlockJournal",
        "Counts",
        "Finish",
        "Inspection",
        "NewRow",
        "Opened",
        "Requeue",
        "Row",
        "Stored",
    },
}
"""Names of those places that the root does not export, on purpose."""


def exports(module: Module) -> list[str]:
    """Return what a module lists in `__all__`; without a list, its public classes and functions."""
    listed = _assigned(module, "__all__")
    return list(ast.literal_eval(listed)) if listed is not None else list(public_definitions(module))


def public_definitions(module: Module) -> Iterator[str]:
    """Yield the classes and functions of a module that no underscore hides."""
    for node in module.tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            yield node.name


def documented_values(module: Module) -> Iterator[str]:
    """Yield the names of a module whose assignment is followed by a docstring."""
    for node, following in zip(module.tree.body, module.tree.body[1:], strict=False):
        if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            yield from (target.id for target in targets if isinstance(target, ast.Name))


def is_documented(namespace: ModuleType, name: str, values: set[str]) -> bool:
    """Tell whether a class or function has a docstring of its own, and any other value one below it."""
    value = getattr(namespace, name)
    if inspect.isclass(value):
        return bool(vars(value).get("__doc__"))
    return bool(value.__doc__) if inspect.isfunction(value) else name in values


def sort_key(name: str) -> tuple[int, str]:
    """Sort constants, classes, then the rest."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


def _assigned(module: Module, name: str) -> ast.expr | None:
    for node in module.tree.body:
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == [name]:
            return node.value
    return None


VALUES = {name for module in MODULES.values() for name in documented_values(module)}


@pytest.mark.parametrize("name", wabotick_async.__all__)
def test_an_exported_name_is_there_and_documented(name: str) -> None:
    assert is_documented(wabotick_async, name, VALUES)


def test_the_list_is_sorted_without_repeats() -> None:
    assert wabotick_async.__all__ == sorted(set(wabotick_async.__all__), key=sort_key)


def test_the_root_holds_nothing_else() -> None:
    names = {name for name, value in vars(wabotick_async).items() if not isinstance(value, ModuleType)}

    assert {name for name in names if not name.startswith("_")} == set(wabotick_async.__all__)


def test_no_thing_has_two_names() -> None:
    values = [getattr(wabotick_async, name) for name in wabotick_async.__all__]
    ids = Counter(id(value) for value in values if inspect.isclass(value) or inspect.isfunction(value))

    assert max(ids.values()) == 1


def test_no_name_is_two_things() -> None:
    public = set(wabotick_async.__all__)  # the sandbox has its own accounts and templates, as a server sees them
    places = Counter(
        node.name
        for module in MODULES.values()
        for node in module.tree.body
        if module.unit != "sandbox" and isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name in public
    )

    assert [name for name, count in places.items() if count > 1] == []


@pytest.mark.parametrize("place", PUBLIC_PLACES)
def test_what_a_place_exports_the_root_exports(place: str) -> None:
    assert set(exports(MODULES[place])) - set(wabotick_async.__all__) == KEPT_INSIDE.get(place, set())


@pytest.mark.parametrize("name", [name for name in MODULES if _assigned(MODULES[name], "__all__") is not None])
def test_a_module_lists_all_its_public_definitions(name: str) -> None:
    assert set(public_definitions(MODULES[name])) - set(exports(MODULES[name])) == set()


@pytest.mark.parametrize("name", [name for name in MODULES if not name.endswith("__main__")])
def test_a_module_has_what_it_lists(name: str) -> None:
    namespace = importlib.import_module(f"{PACKAGE}.{name}".rstrip("."))

    assert [one for one in exports(MODULES[name]) if not hasattr(namespace, one)] == []


def test_a_missing_docstring_is_found() -> None:
    namespace = ModuleType("made_up")

    class Bare(wabotick_async.WabotickError):
        pass

    vars(namespace).update(Bare=Bare, bare=lambda: None, BARE=1)

    assert not any(is_documented(namespace, name, {"OTHER"}) for name in ("Bare", "bare", "BARE"))


def test_a_name_that_nobody_lists_is_found() -> None:
    (module,) = parse({"config.py": "__all__ = ['A']\nclass A: ...\nclass B: ...\nclass _C: ..."}).values()

    assert set(public_definitions(module)) - set(exports(module)) == {"B"}
