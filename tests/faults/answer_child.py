"""A process that gets one plain answer, then another one: `answer_child.py BASE_URL LANE`.

It prints the outcome of the second send, and by how many KiB the largest size of the process grew with it.
"""

from __future__ import annotations

import asyncio
import sys
from typing import cast

from tests.faults.memory_child import largest
from tests.lanes import Lane
from wabotick_async import Limits, RetryPolicy, SendText, Timeout, WabotickClient
from wabotick_async.errors import WabotickError

MESSAGE = SendText(phone_number="919000000001", message="hello")


async def send_twice(base_url: str, lane: Lane) -> None:
    async with WabotickClient(
        "1|" + "a" * 40,
        base_url=base_url,
        phone_number_id="100000000000001",
        limits=Limits(keep_alive=False),
        retry=RetryPolicy(attempts=1),
        timeout=Timeout(total=20.0),
        lane=lane,
    ) as client:
        await client.send(MESSAGE)
        before = largest()
        try:
            await client.send(MESSAGE)
        except WabotickError as error:
            print(error.outcome.value, largest() - before)


if __name__ == "__main__":
    asyncio.run(send_twice(sys.argv[1], cast("Lane", sys.argv[2])))
