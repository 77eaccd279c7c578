"""The fixture files: vendor answers by endpoint and case. See tests/fixtures/README.md."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Final

FIXTURES: Final = Path(__file__).parents[1] / "fixtures"
ANY: Final = "_any"
"""Folder of the answers that any endpoint may get."""
KINDS: Final = {"success": "success_examples", "other": "other_success_shapes", "error": "error_examples"}
"""Kind of a fixture file, and where the contract keeps its samples."""

_OF_CONTRACT: Final = re.compile(rf"(?P<endpoint>\w+)/(?P<kind>{'|'.join(KINDS)})-(?P<number>\d+)\.json")


def read_contract() -> list[dict[str, Any]]:
    """Return the machine-readable contract, one object an endpoint."""
    text = resources.files("wabotick_async.sandbox").joinpath("wire-contract.json").read_bytes()
    contract: list[dict[str, Any]] = json.loads(text)
    return contract


def load_fixture(name: str) -> bytes:
    """Return the bytes of one answer, for example `load_fixture("send_template/success-1.json")`."""
    return (FIXTURES / name).read_bytes()


def fixture_names(endpoint: str = "*", kind: str = "*") -> list[str]:
    """Return the names of fixture files, sorted, for example of `fixture_names(kind="error")`."""
    return sorted(
        path.relative_to(FIXTURES).as_posix()
        for path in FIXTURES.glob(f"{endpoint}/{kind}-*.json")
        if path.parent.name != ANY
    )


def expected_files(contract: list[dict[str, Any]]) -> Mapping[str, bytes]:
    """Return name and content of every fixture file that the contract asks for."""
    return dict(_expected(contract))


def stray_files(expected: Mapping[str, bytes], folder: Path = FIXTURES) -> list[str]:
    """Return the files outside that folder that no sample of the contract stands behind."""
    names = (path.relative_to(folder).as_posix() for path in folder.glob("*/*") if path.parent.name != ANY)
    return sorted(name for name in names if name not in expected)


def endpoint_of(name: str) -> str:
    """Return the endpoint that a fixture file of the contract belongs to."""
    match = _OF_CONTRACT.fullmatch(name)
    if match is None:
        raise ValueError(f"expected <endpoint>/<kind>-<number>.json, got {name}")
    return match["endpoint"]


def _expected(contract: list[dict[str, Any]]) -> Iterator[tuple[str, bytes]]:
    for endpoint in contract:
        for kind, key in KINDS.items():
            for number, sample in enumerate(endpoint[key], start=1):
                body = sample["shape"] if kind == "other" else sample
                yield f"{endpoint['name']}/{kind}-{number}.json", _as_sent(body)


def _as_sent(body: object) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _write() -> None:
    expected = expected_files(read_contract())
    for name, content in expected.items():
        (FIXTURES / name).parent.mkdir(parents=True, exist_ok=True)
        (FIXTURES / name).write_bytes(content)
    for name in stray_files(expected):
        (FIXTURES / name).unlink()


if __name__ == "__main__":
    _write()
