"""Every endpoint answers through both doors of the client, in both dialects, with the type that it declares."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final, get_args, get_origin

import msgspec
import pytest

from tests.contract.fixture_files import read_contract
from tests.contract.requests import PHONE, REQUESTS
from wabotick_async import Limits, Page, Request, Rows, SendTemplate, UpdateOrderStatus, WabotickClient
from wabotick_async.sandbox import Dialect, Sandbox

METHODS: Final = {endpoint["name"]: endpoint["method_name"] for endpoint in read_contract()}
# What the sandbox seeds, in place of what the sample requests name.
SEEDED: Final[dict[str, Request[Any]]] = {
    "send_template": SendTemplate(
        phone_number=PHONE, template_id="101", variables={"name": "Ada", "order-code": "A 1"}
    ),
    "update_order_status": UpdateOrderStatus(order_unique_id="172310467380123456789", cart_status="Approved"),
}


@pytest.fixture(params=list(Dialect), ids=str)
async def sandbox(request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    async with Sandbox(dialect=request.param) as sandbox:
        sandbox.add_subscriber(PHONE, "Ada")
        sandbox.open_window(PHONE)
        yield sandbox


@pytest.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[WabotickClient]:
    async with WabotickClient(
        sandbox.token,
        base_url=sandbox.base_url,
        phone_number_id=sandbox.phone_number_id,
        limits=Limits(rate=10_000.0, burst=100),
    ) as client:
        yield client


async def request_for(name: str, client: WabotickClient) -> Request[Any]:
    """Return a request that the sandbox accepts: some need the id of a message, or a subscriber who is not there."""
    request = SEEDED.get(name, REQUESTS[name])
    if name == "get_message_status":
        receipt = await client.send(SEEDED["send_template"])
        request = msgspec.structs.replace(request, message_id=receipt.message_id)
    elif name == "create_subscriber":
        request = msgspec.structs.replace(request, phone_number="8801700000999")
    return request


def is_answer(answer: object, answer_type: Any) -> bool:
    """Tell whether an answer is of the declared type, its rows included, and holds something."""
    origin, arguments = get_origin(answer_type), get_args(answer_type)
    if origin in {Rows, Page}:
        return isinstance(answer, Rows) and bool(answer) and all(isinstance(row, arguments[0]) for row in answer)
    return isinstance(answer, arguments[0] if arguments else answer_type)


@pytest.mark.parametrize("name", METHODS)
async def test_send_answers(name: str, client: WabotickClient, sandbox: Sandbox) -> None:
    request = await request_for(name, client)

    answer = await client.send(request)

    assert is_answer(answer, request.endpoint.answer_type)
    assert answer.response.status == 200
    assert not sandbox.oddities


@pytest.mark.parametrize("name", METHODS)
async def test_the_method_answers(name: str, client: WabotickClient, sandbox: Sandbox) -> None:
    request = await request_for(name, client)
    group, method = METHODS[name].split(".")
    fields = {field: getattr(request, field) for field in request.__struct_fields__}

    answer = await getattr(getattr(client, group), method)(**fields)

    assert is_answer(answer, request.endpoint.answer_type)
    assert not sandbox.oddities
