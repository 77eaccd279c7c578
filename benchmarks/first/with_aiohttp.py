"""One message with aiohttp alone: `python -m benchmarks.first.with_aiohttp ADDRESS`."""

import asyncio
import sys
import time

import aiohttp


async def main(base_url: str) -> None:
    form = {"apiToken": "1|" + "a" * 40, "phone_number_id": "1", "phone_number": "919000000000", "template_id": "101"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(base_url + "/api/v1/whatsapp/send/template", data=form) as response,
    ):
        await response.json()
        print(time.monotonic(), time.process_time())


asyncio.run(main(sys.argv[1]))
