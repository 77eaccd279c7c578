"""Every endpoint of the contract answers, in both dialects."""

import ast
from pathlib import Path

import pytest

from tests.sandbox.door import FORMS, PATHS, Door
from wabotick_async import sandbox
from wabotick_async.sandbox import refusals
from wabotick_async.sandbox.answers import ANSWERS
from wabotick_async.sandbox.contract import SENDS, contract


def test_every_endpoint_of_the_contract_has_an_answer() -> None:
    assert set(ANSWERS) == set(contract())


def test_the_paths_are_those_of_the_contract() -> None:
    assert {name: f"/api/v1{path}" for name, path in PATHS.items()} == {
        name: endpoint.path for name, endpoint in contract().items()
    }


def test_sends_are_unsafe_in_the_contract() -> None:
    assert {contract()[name].safety for name in SENDS} == {"UNSAFE"}


@pytest.mark.parametrize("endpoint", sorted(set(FORMS) - {"get_message_status"}))
async def test_a_correct_form_is_carried_out(door: Door, endpoint: str) -> None:
    got = await door.post(endpoint)
    assert (got.status, got.body["status"] in ("1", 1, True, "success")) == (200, True), got.text
    assert not door.sandbox.oddities


async def test_an_upload_is_carried_out(door: Door) -> None:
    assert (await door.upload()).body["media_id"] in door.sandbox.state.uploads


@pytest.mark.parametrize("endpoint", sorted(FORMS))
async def test_a_missing_required_field_is_named(vendor: Door, endpoint: str) -> None:
    required = contract()[endpoint].required
    got = await vendor.post(endpoint, *required)
    assert (got.status, set(got.body.get("errors", ()))) == (422 if required else 200, set(required))


@pytest.mark.parametrize("endpoint", sorted(name for name in FORMS if "phone_number_id" in FORMS[name]))
async def test_an_unknown_number_is_refused(door: Door, endpoint: str) -> None:
    got = await door.post(endpoint, phone_number_id="999")
    assert (got.status, got.message) == (200, "WhatsApp account not found.")


@pytest.mark.parametrize(
    "text",
    [refusals.WINDOW_CLOSED, refusals.LIMIT_REACHED, refusals.NO_ACCOUNT, refusals.NO_TEMPLATE, refusals.ALREADY_THERE],
)
def test_the_refusals_are_worded_as_in_the_contract(text: str) -> None:
    assert text in {error["message"] for endpoint in contract().values() for error in endpoint.error_examples}


def test_it_shares_no_code_with_the_client() -> None:
    folder = Path(sandbox.__file__).parent
    nodes = [node for path in folder.rglob("*.py") for node in ast.walk(ast.parse(path.read_text()))]
    reached = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and (node.level > 2 or not node.level)}
    reached |= {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    assert not {name for name in reached if name and name.startswith("wabotick_async")}


VENDOR_SHAPES = sorted(set(FORMS) - {"get_message_status"})


@pytest.mark.parametrize("endpoint", VENDOR_SHAPES)
async def test_the_vendor_dialect_has_the_keys_of_the_sample(vendor: Door, endpoint: str) -> None:
    sample = contract()[endpoint].sample()
    body = (await vendor.post(endpoint)).body
    assert list(body) == list(sample)
    assert type(body["status"]) is type(sample["status"])


async def test_a_second_field_of_the_same_name_is_refused(vendor: Door) -> None:
    url = f"{vendor.sandbox.base_url}/api/v1{PATHS['list_labels']}"
    form = f"apiToken={vendor.sandbox.token}&phone_number_id=100000000000001&phone_number_id=1".replace("|", "%7C")
    headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
    async with vendor.session.post(url, data=form, headers=headers) as answer:
        assert answer.status == 422


async def test_an_unknown_and_an_empty_field_are_noted(vendor: Door) -> None:
    await vendor.post("list_labels", nonsense="1", phone_number_id="")
    assert set(vendor.sandbox.oddities) == {
        "list_labels: unknown field nonsense",
        "list_labels: empty field phone_number_id",
    }
