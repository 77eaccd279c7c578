"""The registry says what the contract says, in both directions: wire names, required fields, paths, encodings."""

from __future__ import annotations

from typing import Final

import pytest

from tests.contract.fixture_files import read_contract
from tests.contract.requests import REQUESTS
from wabotick_async import registry

CONTRACT: Final = {endpoint["name"]: endpoint for endpoint in read_contract()}
FAMILY: Final = "templateVariable-<name>-<position>"
# "Conditional" in the contract, but needed on the path that the contract chose (its notes on both).
NEEDED: Final = {("list_labels", "phone_number_id"), ("create_label", "phone_number_id")}


@pytest.mark.parametrize("name", CONTRACT)
def test_fields(name: str) -> None:
    fields = [field for field in registry[name].fields if not field.encoding.local]
    declared = {FAMILY if field.encoding.family else field.wire_name: field.required for field in fields}

    assert declared == {
        param["name"]: param["required"] is True or (name, param["name"]) in NEEDED
        for param in CONTRACT[name]["params"]
        if param["name"] != "apiToken"
    }


@pytest.mark.parametrize("name", CONTRACT)
def test_other_paths(name: str) -> None:
    wanted = [path.split(" ")[0] for path in CONTRACT[name]["alternative_paths"]]

    assert list(registry[name].alternative_paths) == wanted


@pytest.mark.parametrize("name", CONTRACT)
def test_encoding(name: str) -> None:
    assert registry[name].holds_file == CONTRACT[name]["encoding"].startswith("multipart/")


def test_everything_is_posted() -> None:
    assert {endpoint["method"] for endpoint in CONTRACT.values()} == {"POST"}


def test_the_tests_know_a_request_of_each_endpoint() -> None:
    assert REQUESTS.keys() == CONTRACT.keys()
