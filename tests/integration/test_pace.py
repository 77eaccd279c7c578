"""A campaign against a platform that keeps its own limits: nothing is refused once they are known.

Both sides have a clock that runs four times as fast as ours, so that minutes of limits take seconds of testing.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable

from wabotick_async import BulkSender, Limits, Rate, RateLimiter, SendTemplate, WabotickClient
from wabotick_async.sandbox import PHONE_NUMBER_IDS, Quotas, Sandbox
from wabotick_async.sandbox.seeds import GREETING

FASTER = 4.0
ONE, OTHER = PHONE_NUMBER_IDS[:2]
HOT = "919899999999"


def clock() -> float:
    return time.monotonic() * FASTER


def wall_clock() -> float:
    return 1_800_000_000 + clock()


def call_later(delay: float, wake: Callable[[], None]) -> asyncio.TimerHandle:
    return asyncio.get_running_loop().call_later(delay / FASTER, wake)


async def sleep(seconds: float) -> None:
    await asyncio.sleep(seconds / FASTER)


def message(number: int, phone_number: str) -> SendTemplate:
    return SendTemplate(
        phone_number=phone_number,
        template_id=str(GREETING),
        variables={"name": str(number), "order-code": "1"},
        phone_number_id=(ONE, ONE, OTHER)[number % 3],
    )


async def test_after_learning_nothing_is_refused() -> None:
    """The client is told all limits but the account's, which it learns from the headers.

    Of the pair it is told a little less: a busy machine's requests arrive unevenly, and every second counts four.
    """
    quotas = Quotas(account=30, number=15, pair=3.0, pair_burst=5, daily=1_000)
    limits = Limits(rate=60, number=Rate(15), pair=Rate(1, per=4.0, burst=4), headroom=0.05, concurrency=16)
    limiter = RateLimiter(limits=limits, clock=clock, wall_clock=wall_clock, call_later=call_later)
    people = [f"9198{number:08}" for number in range(300)]
    people[200:212] = [HOT] * 12  # of which three of one number have to wait for the recipient
    async with (
        Sandbox(quotas=quotas, clock=wall_clock) as sandbox,
        WabotickClient(
            sandbox.token,
            base_url=sandbox.base_url,
            phone_number_id=ONE,
            limits=limits,
            limiter=limiter,
            clock=clock,
            sleep=sleep,
        ) as client,
    ):
        sender = BulkSender(client, monotonic=clock, clock=clock, sleep=sleep)
        learning = await sender.run(message(number, who) for number, who in enumerate(people[:120]))
        refused = Counter(sandbox.throttle.refused)
        report = await BulkSender(client, monotonic=clock, clock=clock, sleep=sleep).run(
            message(number, who) for number, who in enumerate(people[120:], 120)
        )
        assert (learning.accepted, report.accepted) == (120, 180)
        assert sandbox.throttle.refused == refused, "refused after the learning phase"
        assert refused.total() <= 8, "learning costs at most what is in flight"
        assert sandbox.throttle.worst_second() <= 30 + refused["account"]
