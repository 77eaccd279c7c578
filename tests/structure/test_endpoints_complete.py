"""An endpoint of the contract has a registry entry, a method, an answer of the sandbox, a fixture and a README row.

And the other way round: nothing has an endpoint that the contract does not know.
"""

from __future__ import annotations

import inspect
import re
from typing import Final

import pytest

from tests.contract.fixture_files import endpoint_of, fixture_names, read_contract
from tests.structure.source import PACKAGE, ROOT
from wabotick_async import Endpoint, WabotickClient, registry
from wabotick_async.resources import Resource
from wabotick_async.sandbox.answers import ANSWERS

CONTRACT: Final = {endpoint["name"]: endpoint for endpoint in read_contract()}
# The registry of this process may also hold endpoints that other tests declare.
ENDPOINTS: Final[dict[str, Endpoint]] = {
    name: one for name, one in registry.items() if one.request_type.__module__.startswith(PACKAGE + ".")
}
CLIENT: Final = WabotickClient("1|" + "a" * 40)


def methods() -> dict[str, str]:
    """Return the endpoint of each method of the client: `{"messages.send_text": "send_text"}`."""
    groups = {name: value for name, value in vars(CLIENT).items() if isinstance(value, Resource)}
    return {
        f"{group}.{name}": value.__name__
        for group, resource in groups.items()
        for name, value in inspect.getmembers(resource, inspect.iscoroutinefunction)
    }


def documented_methods() -> dict[str, str]:
    """Return the methods that have a row in a table of the README, and the row."""
    rows = [line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith("|")]
    return {match: row for row in rows for match in re.findall(r"`(?:client\.)?(\w+\.\w+)\b", row)}


def test_registry_and_contract_name_the_same_endpoints() -> None:
    assert list(ENDPOINTS.keys() ^ CONTRACT.keys()) == []


@pytest.mark.parametrize("name", CONTRACT)
def test_struct_path_and_class_are_those_of_the_contract(name: str) -> None:
    endpoint, wanted = ENDPOINTS[name], CONTRACT[name]

    assert (endpoint.request_type.__name__, endpoint.path, endpoint.safety.name) == (
        wanted["request_struct"],
        wanted["path"],
        wanted["class"],
    )


def test_methods_and_contract_are_the_same() -> None:
    assert methods() == {endpoint["method_name"]: name for name, endpoint in CONTRACT.items()}


def test_sandbox_and_contract_answer_the_same_endpoints() -> None:
    assert list(ANSWERS.keys() ^ CONTRACT.keys()) == []


def test_fixtures_and_contract_know_the_same_endpoints() -> None:
    assert {endpoint_of(name) for name in fixture_names()} == CONTRACT.keys()


@pytest.mark.parametrize("name", CONTRACT)
def test_the_readme_has_a_row(name: str) -> None:
    row = documented_methods().get(CONTRACT[name]["method_name"], "")

    assert CONTRACT[name]["request_struct"] in row


def test_the_readme_names_no_method_that_is_not_there() -> None:
    groups = {name.partition(".")[0] for name in methods()}
    called = set(re.findall(r"\bclient\.(\w+)\.(\w+)", (ROOT / "README.md").read_text()))

    assert [f"{a}.{b}" for a, b in called if a not in groups or not hasattr(getattr(CLIENT, a), b)] == []
