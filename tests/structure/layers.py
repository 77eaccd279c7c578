"""The layers of the package, and what breaks them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Final

from tests.structure.source import Module, inner_imports, outer_imports

LAYERS: Final = (
    ("errors", "outcomes", "redaction"),
    ("config", "models", "values"),
    ("endpoints",),
    ("wire",),
    ("transport",),
    ("checks", "client", "resources"),
    ("bulk",),
    ("",),  # the package root exports what lies below it
    ("cli", "sandbox"),
    ("testing",),
    ("__main__",),
)
"""Members of the package, lowest first. Imports point down or stay on their layer."""

DOORS: Final[Mapping[str, tuple[str, ...]]] = {
    "aiohttp": ("transport", "sandbox"),
    "multidict": ("transport", "sandbox"),
    "yarl": ("transport", "sandbox"),
    "tenacity": ("transport.retry",),
    "sqlite3": ("bulk.journal",),
    "rich": ("cli",),
    "typer": ("cli",),
    "uvloop": ("cli",),
    "pytest": ("testing",),
    "anyio": ("bulk", "cli", "client", "resources", "sandbox", "testing", "transport"),
    "asyncio": ("bulk", "cli", "client", "resources", "sandbox", "testing", "transport"),
    "msgspec": ("",),
}
"""Who may import a package; "" stands for everybody. What is neither here nor in the standard library is refused."""

BLIND: Final[Mapping[str, tuple[str, ...]]] = {
    # An oracle that used the client's encoder would agree with the client's mistakes.
    "sandbox": ("wire.encode", "wire.decode", "transport", "client", "resources", "bulk", "", "cli", "testing"),
}
"""What a member must not import although the layers would let it."""

_RANKS: Final = {member: rank for rank, members in enumerate(LAYERS) for member in members}


def problems(modules: Mapping[str, Module]) -> list[str]:
    """Return everything that breaks the layers, one line each."""
    return [*_homeless(modules), *_upward(modules), *_blind(modules), *_doors(modules), *_cycles(modules)]


def within(name: str, place: str) -> bool:
    """Tell whether a module is a place or lies in it."""
    return name == place or name.startswith(place + ".")


def _homeless(modules: Mapping[str, Module]) -> Iterator[str]:
    for name, module in modules.items():
        if module.unit not in _RANKS:
            yield f"{name} has no layer"


def _upward(modules: Mapping[str, Module]) -> Iterator[str]:
    for name, module in modules.items():
        for target in sorted(inner_imports(module, modules)):
            if _RANKS.get(modules[target].unit, 0) > _RANKS.get(module.unit, 0):
                yield f"{name} imports {target or 'the package root'}, which lies above it"


def _blind(modules: Mapping[str, Module]) -> Iterator[str]:
    for name, module in modules.items():
        for target in sorted(inner_imports(module, modules)):
            if any(target == place or (place and within(target, place)) for place in BLIND.get(module.unit, ())):
                yield f"{name} must not know {target or 'the package root'}"


def _doors(modules: Mapping[str, Module]) -> Iterator[str]:
    for name, module in modules.items():
        for package in sorted(outer_imports(module)):
            if package not in DOORS and package not in sys.stdlib_module_names:
                yield f"{name} imports {package}, which is no dependency"
            elif not any(not place or within(name, place) for place in DOORS.get(package, ("",))):
                yield f"{name} imports {package}; only {' and '.join(DOORS[package])} may"


def _cycles(modules: Mapping[str, Module]) -> Iterator[str]:
    try:
        TopologicalSorter({name: inner_imports(module, modules) for name, module in modules.items()}).prepare()
    except CycleError as error:
        yield "a cycle: " + " imports ".join(reversed(error.args[1]))
