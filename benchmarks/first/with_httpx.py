"""One message with httpx alone: `python -m benchmarks.first.with_httpx ADDRESS`."""

import asyncio
import sys
import time
from importlib import import_module

httpx = import_module("httpx")


async def main(base_url: str) -> None:
    form = {"apiToken": "1|" + "a" * 40, "phone_number_id": "1", "phone_number": "919000000000", "template_id": "101"}
    async with httpx.AsyncClient() as client:
        (await client.post(base_url + "/api/v1/whatsapp/send/template", data=form)).json()
        print(time.monotonic(), time.process_time())


asyncio.run(main(sys.argv[1]))
