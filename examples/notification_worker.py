"""A worker in an asyncio application: orders arrive as lines `phone_number code`; SIGTERM ends it gracefully."""

import asyncio
import signal
import sys

from wabotick_async import Outcome, SendTemplate, WabotickClient, WabotickError


async def read(orders: asyncio.Queue[str]) -> None:
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async for line in lines:
        await orders.put(line.decode())


async def tell_customers(client: WabotickClient, orders: asyncio.Queue[str]) -> None:
    while order := await orders.get():
        phone, code = order.split()
        try:
            notice = SendTemplate(phone_number=phone, template_id="101", variables={"name": "you", "order-code": code})
            await client.send(notice, deadline=60)
            print(f"{code}: accepted", flush=True)
        except WabotickError as error:  # what was not sent may be queued again; what is unknown must not
            advice = " - a person looks into the chat" if error.outcome is Outcome.UNKNOWN else ""
            print(f"{code}: {error.outcome}{advice}: {error}", flush=True)


async def main() -> None:
    orders = asyncio.Queue[str](maxsize=100)
    async with WabotickClient.from_env() as client, asyncio.TaskGroup() as group:
        reading = group.create_task(read(orders))
        workers = [group.create_task(tell_customers(client, orders)) for _ in range(4)]
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, reading.cancel)
        await asyncio.wait([reading])
        await asyncio.gather(*(orders.put("") for _ in workers))  # the end, behind what is queued


asyncio.run(main())
