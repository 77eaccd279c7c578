"""Refusals for pace over HTTP, as a client understands them, and what the back door tells of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.sandbox.conftest import Clock, Opened
from tests.sandbox.door import FORMS, PHONE, Door
from wabotick_async import (
    Advice,
    APIError,
    Limits,
    RateLimitedError,
    RetryPolicy,
    SendTemplate,
    WabotickClient,
)
from wabotick_async.sandbox import Quotas

NEW = "919000000077"
TURNS = [("vendor", 1), *(("sibling", turn) for turn in range(1, 5))]


@asynccontextmanager
async def client_of(door: Door) -> AsyncIterator[WabotickClient]:
    """Open a client that does not hold back and does not try twice."""
    async with WabotickClient(
        door.sandbox.token,
        base_url=door.sandbox.base_url,
        phone_number_id=door.sandbox.phone_number_id,
        limits=Limits(rate=1000, burst=100, pair=None),
        retry=RetryPolicy(attempts=1),
    ) as client:
        yield client


async def refusal(door: Door, turns: int, recipient: str) -> APIError:
    """Use a quota of one up, let the siblings go through their shapes, and return what a client then gets."""
    for _ in range(turns):
        await door.post("send_template")
    accepted = door.sandbox.ledger.total()
    request = SendTemplate(phone_number=recipient, template_id="101", variables={"name": "Ada", "order-code": "A 1"})
    async with client_of(door) as client:
        with pytest.raises(APIError) as caught:
            await client.send(request)
    assert door.sandbox.ledger.total() == accepted
    return caught.value


@pytest.mark.parametrize("turn", TURNS, ids=lambda turn: f"{turn[0]}-{turn[1]}")
@pytest.mark.parametrize(
    ("quotas", "recipient", "meant"),
    [
        (Quotas(number=1), NEW, (130429, Advice.SLOW_NUMBER)),
        (Quotas(pair=6, pair_burst=1), PHONE, (131056, Advice.SLOW_PAIR)),
        (Quotas(daily=1), NEW, (131049, Advice.DEFER_DAY)),
    ],
    ids=["number", "pair", "daily"],
)
async def test_a_refusal_in_words_has_its_code_and_advice(
    opened: Opened, turn: tuple[str, int], quotas: Quotas, recipient: str, meant: tuple[int, Advice]
) -> None:
    dialect, turns = turn
    async with opened(dialect=dialect, quotas=quotas) as door:
        error = await refusal(door, turns, recipient)
        assert (error.status, error.code, error.advice) == (200, *meant)


@pytest.mark.parametrize("dialect", ["vendor", "sibling"])
async def test_a_refusal_of_the_account_is_429(opened: Opened, dialect: str) -> None:
    async with opened(dialect=dialect, quotas=Quotas(account=1, account_seconds=7)) as door:
        error = await refusal(door, 1, NEW)
        assert isinstance(error, RateLimitedError)
        assert (error.status, error.advice, error.retry_after) == (429, Advice.SLOW_NUMBER, 7.0)
        assert {name.lower(): value for name, value in error.headers.items() if name.lower().startswith("x-rate")} == {
            "x-ratelimit-limit": "1",
            "x-ratelimit-remaining": "0",
            "x-ratelimit-reset": "1700000007",
        }


async def test_every_reply_has_the_headers_while_there_is_a_limit(opened: Opened) -> None:
    async with opened(quotas=Quotas(account=9)) as door:
        replies = [
            await door.post("list_labels"),
            await door.post("list_labels", "phone_number_id"),
            await door.post("send_template", template_id="9"),
            await door.form("list_labels", {"apiToken": door.sandbox.token}, headers={}),
            await door.post("list_labels", apiToken="2|wrong"),
        ]
        assert [(reply.status, reply.headers["X-RateLimit-Remaining"]) for reply in replies] == [
            (200, "8"),
            (422, "7"),
            (200, "6"),
            (302, "5"),
            (401, "8"),
        ]
        door.sandbox.throttle.quotas = Quotas()
        assert "X-RateLimit-Limit" not in (await door.post("list_labels")).headers


async def test_template_text_and_media_share_the_limits(opened: Opened) -> None:
    async with opened(quotas=Quotas(number=2, pair=6, pair_burst=2, daily=1), auto_window=True) as door:
        replies = [await door.post(send) for send in ("send_template", "send_text", "send_media")]
        assert [reply.body["status"] for reply in replies] == ["success", "1", "0"]


async def test_only_messages_that_would_be_accepted_count(opened: Opened) -> None:
    async with opened(quotas=Quotas(number=1, pair=6, pair_burst=1, daily=1)) as door:
        for call in FORMS:
            if not call.startswith("send_"):
                await door.post(call)
        await door.post("send_template", template_id="9")
        await door.post("send_text", phone_number=NEW)
        assert (await door.post("send_template")).body["status"] == "success"
        assert not door.sandbox.throttle.refused


async def test_a_refused_recipient_does_not_become_a_subscriber(opened: Opened) -> None:
    async with opened(quotas=Quotas(number=1)) as door:
        await door.post("send_template")
        await door.post("send_template", phone_number=NEW)
        assert [number for _, number in door.sandbox.state.subscribers] == [PHONE]


async def test_quotas_are_read_and_changed_from_outside(opened: Opened, clock: Clock) -> None:
    async with opened(quotas=Quotas(account=1, daily=5)) as door:
        before = (await door.admin("quotas")).body
        after = (await door.admin("quotas", {"account": 2})).body
        assert [before["account"], before["daily"], after["account"], after["daily"]] == [1, 5, 2, None]
        assert [(await door.post("list_labels")).status for _ in range(3)] == [200, 200, 429]


@pytest.mark.parametrize("body", [{"account": 0}, {"rate": 5}, {"number": "many"}])
async def test_impossible_quotas_change_nothing(opened: Opened, body: object) -> None:
    async with opened(quotas=Quotas(number=3)) as door:
        got = await door.admin("quotas", body)
        assert (got.status, door.sandbox.throttle.quotas) == (400, Quotas(number=3))


async def test_the_ledger_tells_what_was_refused_and_the_worst_seconds(opened: Opened) -> None:
    async with opened(quotas=Quotas(account=4, number=3, pair=6, pair_burst=1, daily=1)) as door:
        for phone_number in (PHONE, PHONE, NEW, PHONE, PHONE):
            await door.post("send_template", phone_number=phone_number)
        ledger = (await door.admin("ledger?entries=0")).body
        assert (ledger["total"], ledger["pace"]) == (
            1,
            {
                "refused": {"account": 1, "number": 0, "pair": 2, "daily": 1},
                "worst_second": {"account": 5, "numbers": {"100000000000001": 4, "100000000000002": 0}},
            },
        )
