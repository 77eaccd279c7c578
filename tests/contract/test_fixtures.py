"""The fixture files and the contract say the same, in both directions."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract.fixture_files import (
    FIXTURES,
    endpoint_of,
    expected_files,
    fixture_names,
    load_fixture,
    read_contract,
    stray_files,
)

EXPECTED = expected_files(read_contract())


@pytest.mark.parametrize("name", EXPECTED)
def test_every_sample_of_the_contract_is_a_fixture_file(name: str) -> None:
    assert load_fixture(name) == EXPECTED[name]


def test_no_fixture_file_stands_without_a_sample() -> None:
    assert stray_files(EXPECTED) == []


def test_a_stray_file_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "send_text").mkdir()
    (tmp_path / "send_text" / "success-99.json").touch()

    assert stray_files(EXPECTED, tmp_path) == ["send_text/success-99.json"]


def test_every_endpoint_has_a_success() -> None:
    assert {endpoint_of(name) for name in fixture_names(kind="success")} == {one["name"] for one in read_contract()}


def test_a_name_outside_the_scheme_is_refused() -> None:
    with pytest.raises(ValueError, match="expected <endpoint>/<kind>"):
        endpoint_of("send_text/odd.json")


def test_the_readme_names_every_file_for_any_endpoint() -> None:
    text = (FIXTURES / "README.md").read_text()

    assert [path.name for path in (FIXTURES / "_any").iterdir() if f"`{path.name}`" not in text] == []
