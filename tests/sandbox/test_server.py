"""Starting, stopping, limits and the back door."""

import asyncio

import pytest

from tests.sandbox.conftest import Clock, Opened
from tests.sandbox.door import PHONE, Door
from wabotick_async.sandbox import Dialect, Quotas, Sandbox


async def test_it_listens_on_loopback_only() -> None:
    with pytest.raises(ValueError, match="loopback"):
        await Sandbox().start("0.0.0.0")


async def test_it_has_no_address_before_it_is_started() -> None:
    with pytest.raises(RuntimeError, match="not started"):
        _ = Sandbox().base_url


async def test_it_is_started_once(vendor: Door) -> None:
    with pytest.raises(RuntimeError, match="once"):
        await vendor.sandbox.start()


async def test_closing_without_starting_is_fine() -> None:
    await Sandbox().close()


@pytest.mark.parametrize(("settings", "problem"), [({"dialect": "x"}, "x"), ({"phone_number_ids": ()}, "empty")])
def test_impossible_settings_are_refused(settings: dict[str, str], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Sandbox(**settings)  # type: ignore[arg-type]  # wrong on purpose


async def test_it_can_have_other_numbers_and_another_token(opened: Opened) -> None:
    async with opened(phone_number_ids=["7"], token="5|other", dialect="sibling") as door:
        assert (door.sandbox.phone_number_id, door.sandbox.dialect) == ("7", Dialect.SIBLING)
        assert (await door.post("list_labels", phone_number_id="7")).status == 200


async def test_the_seeded_template_has_two_variables(vendor: Door) -> None:
    assert vendor.sandbox.state.templates[int(vendor.sandbox.template_id)].variables == ("name", "order-code")


async def test_the_limit_answers_429_with_headers(opened: Opened, clock: Clock) -> None:
    async with opened(quotas=Quotas(account=2, account_seconds=10)) as door:
        got = [await door.post("list_labels") for _ in range(3)]
        assert [(one.status, one.headers["X-RateLimit-Remaining"]) for one in got] == [
            (200, "1"),
            (200, "0"),
            (429, "0"),
        ]
        assert (got[2].headers["Retry-After"], got[2].headers["X-RateLimit-Limit"]) == ("10", "2")
        clock.now += 10
        assert (await door.post("list_labels")).status == 200


async def test_the_limit_is_for_each_token(opened: Opened) -> None:
    async with opened(quotas=Quotas(account=1)) as door:
        await door.post("list_labels")
        assert (await door.form("list_labels", {"apiToken": "9|other"})).status == 401


async def test_requests_in_flight_are_counted(vendor: Door) -> None:
    await asyncio.gather(*(vendor.post("list_labels") for _ in range(5)))
    requests = vendor.sandbox.requests
    assert (requests.open, 1 <= requests.most_open <= 5, requests.total("list_labels")) == (0, True, 5)
    assert requests.worst_second() == 5


async def test_the_ledger_is_served(vendor: Door) -> None:
    await vendor.post("send_template")
    await vendor.post("send_template")
    got = (await vendor.admin("ledger")).body
    assert (got["total"], got["recipients"], got["worst_second"], len(got["entries"])) == (2, 1, 2, 2)
    assert (got["repeated"][0]["count"], got["endpoints"]) == (2, {"send_template": 2})


async def test_the_ledger_summary_leaves_the_entries_out(vendor: Door) -> None:
    assert "entries" not in (await vendor.admin("ledger?entries=0")).body


async def test_faults_are_scripted_from_outside(vendor: Door) -> None:
    await vendor.admin("faults", {"kind": "server_error", "status": 502})
    assert (await vendor.admin("faults", [{"kind": "html"}])).body == {"faults_waiting": 2}
    assert [(await vendor.post("list_labels")).status for _ in range(3)] == [502, 200, 200]


async def test_a_window_is_opened_from_outside(vendor: Door) -> None:
    await vendor.admin("open-window", {"phone_number": "919000000077"})
    assert (await vendor.post("send_text", phone_number="919000000077")).body["status"] == "1"


async def test_state_and_requests_are_served(vendor: Door) -> None:
    await vendor.post("list_labels", nonsense="1")
    state, requests = (await vendor.admin("state")).body, (await vendor.admin("requests")).body
    assert [row["phone_number"] for row in state["subscribers"]] == [PHONE]
    assert state["oddities"] == {"list_labels: unknown field nonsense": 1}
    assert (requests["total"], requests["statuses"]) == (1, {"200": 1})


@pytest.mark.parametrize(
    ("call", "body", "status"),
    [
        ("faults", {"kind": "nonsense"}, 400),
        ("open-window", {}, 400),
        ("receive", {"phone_number": "1", "phone_number_id": "9"}, 400),
        ("nothing", None, 404),
    ],
)
async def test_a_bad_admin_call_is_refused(vendor: Door, call: str, body: object, status: int) -> None:
    got = await vendor.admin(call, body)
    assert (got.status, "error" in got.body) == (status, True)
