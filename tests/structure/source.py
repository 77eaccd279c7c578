"""The package as source text: its modules, and what each of them imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PACKAGE: Final = "wabotick_async"


@dataclass(frozen=True)
class Module:
    """One module of the package."""

    name: str
    """Name below the package: "wire.decode"; "" for the package itself."""
    tree: ast.Module
    is_package: bool

    @property
    def unit(self) -> str:
        """The layer's member that the module belongs to: "wire"."""
        return self.name.partition(".")[0]


def read_modules(package: Path = ROOT / PACKAGE) -> dict[str, Module]:
    """Return the modules of the package by name."""
    modules = (_module(path.relative_to(package), path.read_text()) for path in sorted(package.rglob("*.py")))
    return {module.name: module for module in modules}


def parse(files: Mapping[str, str]) -> dict[str, Module]:
    """Return made-up modules: `{"wire/decode.py": "import asyncio"}`."""
    modules = (_module(Path(path), text) for path, text in files.items())
    return {module.name: module for module in modules}


def _module(path: Path, text: str) -> Module:
    is_package = path.name == "__init__.py"
    parts = path.parent.parts if is_package else path.with_suffix("").parts
    return Module(".".join(parts), ast.parse(text), is_package)


def inner_imports(module: Module, modules: Mapping[str, Module]) -> set[str]:
    """Return the modules of the package that a module imports, wherever the import stands."""
    return {_owner(name.removeprefix(PACKAGE).lstrip("."), modules) for name in _imports(module) if _inner(name)}


def outer_imports(module: Module) -> set[str]:
    """Return the top-level names of the other packages that a module imports when it runs.

    What is imported for annotations alone opens no door: the client may name the session that it hands on.
    """
    return {name.partition(".")[0] for name in _imports(module, for_annotations=False) if not _inner(name)}


def _inner(name: str) -> bool:
    return name == PACKAGE or name.startswith(PACKAGE + ".")


def _imports(module: Module, *, for_annotations: bool = True) -> Iterator[str]:
    for node in _statements(module.tree, for_annotations=for_annotations):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _base(module, node)
            yield from (f"{base}.{alias.name}" if _inner(base) else base for alias in node.names)


def _statements(node: ast.AST, *, for_annotations: bool) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if for_annotations or not _is_for_annotations(child):
            yield child
            yield from _statements(child, for_annotations=for_annotations)


def _is_for_annotations(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and not node.orelse and ast.unparse(node.test).endswith("TYPE_CHECKING")


def _base(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = [PACKAGE, *filter(None, module.name.split("."))]
    up = node.level - module.is_package
    parts = parts[: len(parts) - up]
    return ".".join([*parts, *([node.module] if node.module else [])])


def _owner(name: str, modules: Mapping[str, Module]) -> str:
    """Return the module that a name is, or is found in."""
    while name and name not in modules:
        name = name.rpartition(".")[0]
    return name
