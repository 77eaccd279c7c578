"""A campaign against a platform that keeps its own limits: nothing is refused once they are known.

Client, rate limiter and sandbox share one event loop whose seconds cost nothing, and real sockets between them. So both
sides see the same time, and what is told of a limit may be the limit itself.
"""

from __future__ import annotations

from collections import Counter
from typing import Final, NamedTuple

import pytest

from tests.lanes import LANES, Lane
from tests.simulation.virtual_loop import run, running_loop, watch_threads_of
from wabotick_async import (
    BulkReport,
    BulkSender,
    Limits,
    MemoryJournal,
    Rate,
    RateLimiter,
    SendTemplate,
    WabotickClient,
)
from wabotick_async.bulk.journal import writer
from wabotick_async.sandbox import PHONE_NUMBER_IDS, Quotas, Sandbox
from wabotick_async.sandbox.seeds import GREETING

ONE, OTHER = PHONE_NUMBER_IDS[:2]
HOT = "919899999999"
LEARNING, ROWS = 300, 1_500
QUOTAS: Final = Quotas(account=20, number=15, pair=3.0, pair_burst=5, daily=1_500)
LIMITS: Final = Limits(
    rate=60, number=Rate(15), pair=Rate(1, per=3.0, burst=5), headroom=0.05, concurrency=16, daily_recipients=1_500
)
"""All limits as they are but the account's, which is to be learnt from the headers."""


class Story(NamedTuple):
    """What a campaign in two runs left behind."""

    learning: BulkReport
    report: BulkReport
    refused_while_learning: Counter[str]
    sandbox: Sandbox


def message(number: int) -> SendTemplate:
    hot = LEARNING <= number < LEARNING + 24  # of whom eight from one number have to wait for the recipient
    return SendTemplate(
        phone_number=HOT if hot else f"9198{number:08}",
        template_id=str(GREETING),
        variables={"name": str(number), "order-code": "1"},
        phone_number_id=(ONE, ONE, OTHER)[number % 3],
    )


async def campaign(lane: Lane) -> Story:
    clock = running_loop().time
    limiter = RateLimiter(limits=LIMITS, clock=clock, wall_clock=clock)
    async with (
        Sandbox(quotas=QUOTAS, clock=clock) as sandbox,
        WabotickClient(
            sandbox.token, base_url=sandbox.base_url, limits=LIMITS, limiter=limiter, clock=clock, lane=lane
        ) as client,
    ):

        async def send(numbers: range) -> BulkReport:
            sender = BulkSender(client, journal=MemoryJournal(clock=clock), monotonic=clock, clock=clock)
            return await sender.run(map(message, numbers))

        learning = await send(range(LEARNING))
        refused = Counter(sandbox.throttle.refused)
        return Story(learning, await send(range(LEARNING, ROWS)), refused, sandbox)


@pytest.fixture(scope="module", params=LANES)
def story(request: pytest.FixtureRequest) -> Story:
    with pytest.MonkeyPatch.context() as patch:
        watch_threads_of(writer, patch)
        return run(campaign(request.param))


def test_every_message_is_accepted(story: Story) -> None:
    assert (story.learning.accepted, story.report.accepted) == (LEARNING, ROWS - LEARNING)


def test_after_learning_nothing_is_refused(story: Story) -> None:
    assert story.sandbox.throttle.refused == story.refused_while_learning


def test_learning_costs_at_most_what_is_in_flight(story: Story) -> None:
    assert set(story.refused_while_learning) <= {"account"}
    assert story.refused_while_learning.total() <= LIMITS.concurrency


def test_the_server_never_sees_more_than_its_limit_and_what_it_refused(story: Story) -> None:
    throttle = story.sandbox.throttle
    assert throttle.worst_second() <= 20 + throttle.refused["account"]
    assert throttle.worst_second(ONE) <= 15


def test_the_learnt_limit_is_used_up(story: Story) -> None:
    """The account's is the narrowest; one number of the two comes near its own."""
    ideal = (ROWS - LEARNING) / 20
    assert ideal * (1 + LIMITS.headroom) <= story.report.elapsed <= ideal * 1.2
