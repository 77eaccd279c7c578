"""Imports point down, and the outside world enters through its doors."""

from __future__ import annotations

import pytest

from tests.structure.layers import problems
from tests.structure.source import parse, read_modules

GOOD = {
    "__init__.py": "from .client import Client",
    "errors.py": "import enum",
    "wire/__init__.py": "from .decode import decode",
    "wire/decode.py": "import msgspec\nfrom ..errors import Error",
    "transport/__init__.py": "",
    "transport/retry.py": "import tenacity",
    "transport/pool.py": "import aiohttp\nfrom aiohttp import abc\nfrom ..wire import decode",
    "client.py": "from .transport.pool import Pool\nif TYPE_CHECKING:\n    import aiohttp",
    "bulk/__init__.py": "",
    "bulk/journal/__init__.py": "import sqlite3",
    "sandbox/__init__.py": "from ..errors import Error\nimport aiohttp.web",
    "cli/__init__.py": "from .. import Client\nfrom ..sandbox import Sandbox",
}
UPWARD = "wire.decode imports transport.pool, which lies above it"
BAD = {
    "upward, relative": ("wire/decode.py", "from ..transport.pool import Pool", UPWARD),
    "upward, a module as a name": ("wire/decode.py", "from ..transport import pool", UPWARD),
    "upward, absolute": ("wire/decode.py", "import wabotick_async.transport.pool", UPWARD),
    "upward, absolute from": ("wire/decode.py", "from wabotick_async.transport.pool import Pool", UPWARD),
    "upward, inside a function": ("wire/decode.py", "def f():\n    from ..transport import pool", UPWARD),
    "upward, for annotations": ("wire/decode.py", "if TYPE_CHECKING:\n    from ..transport import pool", UPWARD),
    "upward, from a package": (
        "wire/__init__.py",
        "from ..transport.pool import Pool",
        "wire imports transport.pool, which lies above it",
    ),
    "upward, the root": ("errors.py", "from . import Client", "errors imports the package root, which lies above it"),
    "a module without a layer": ("extras.py", "", "extras has no layer"),
    "aiohttp in the client": ("client.py", "import aiohttp", "client imports aiohttp; only transport and sandbox may"),
    "tenacity beside its door": (
        "transport/pool.py",
        "from tenacity import retry",
        "transport.pool imports tenacity; only transport.retry may",
    ),
    "sqlite3 in bulk": ("bulk/__init__.py", "import sqlite3", "bulk imports sqlite3; only bulk.journal may"),
    "asyncio in wire": ("wire/decode.py", "from asyncio import sleep", "wire.decode imports asyncio; only"),
    "no dependency": ("client.py", "import requests", "client imports requests, which is no dependency"),
    "the oracle mirrors": ("sandbox/__init__.py", "from ..wire.decode import x", "sandbox must not know wire.decode"),
    "the oracle calls": ("sandbox/__init__.py", "from ..client import Client", "sandbox must not know client"),
}


def test_the_package_keeps_its_layers() -> None:
    assert problems(read_modules()) == []


def test_the_package_is_seen() -> None:
    assert {"", "errors", "wire.decode", "transport.pool"} <= read_modules().keys()


def test_good_modules_pass() -> None:
    assert problems(parse(GOOD)) == []


@pytest.mark.parametrize(("path", "text", "expected"), BAD.values(), ids=BAD)
def test_a_bad_import_is_found(path: str, text: str, expected: str) -> None:
    assert any(line.startswith(expected) for line in problems(parse({**GOOD, path: text})))


@pytest.mark.parametrize(
    "files",
    [
        {"models/a.py": "from .b import B", "models/b.py": "from .a import A"},
        {"models/__init__.py": "from .a import A", "models/a.py": "from . import B"},
        {"models/a.py": "from ..values import V", "values.py": "def f():\n    from .models.a import A"},
    ],
    ids=["two modules", "a package and its part", "inside a function"],
)
def test_a_cycle_is_found(files: dict[str, str]) -> None:
    assert [line for line in problems(parse(files)) if line.startswith("a cycle: ")]
