"""One message with this client: `python -m benchmarks.first.with_wabotick ADDRESS [NAME=VALUE...]`."""

import asyncio
import sys
import time

from wabotick_async import SendTemplate, WabotickClient


async def main(base_url: str, *settings: str) -> None:
    named = dict(setting.split("=", 1) for setting in settings)
    token = "1|" + "a" * 40
    async with WabotickClient.from_env({"WABOTICK_API_TOKEN": token}, base_url=base_url, **named) as client:
        await client.send(SendTemplate(phone_number="919000000000", template_id="101", phone_number_id="1"))
        print(time.monotonic(), time.process_time())


asyncio.run(main(*sys.argv[1:]))
