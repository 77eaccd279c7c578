"""One message with pywa's async client: `python -m benchmarks.first.with_pywa ADDRESS`."""

import asyncio
import sys
import time
from importlib import import_module

httpx, pywa = import_module("httpx"), import_module("pywa_async")


async def main(base_url: str) -> None:
    async with httpx.AsyncClient() as session:
        whatsapp = pywa.WhatsApp(phone_id="1", token="a" * 40, session=session)
        session.base_url = base_url + "/graph"
        await whatsapp.send_message(to="919000000000", text="Hello")
        print(time.monotonic(), time.process_time())


asyncio.run(main(sys.argv[1]))
