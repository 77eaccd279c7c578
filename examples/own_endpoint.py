"""Declare an endpoint that is not among the 31, and call it through the same client.

The list of bot flows is known from sibling brands only; whether your platform has it, it tells you.
"""

import asyncio

from wabotick_async import Answer, NumberRequest, Rows, Safety, WabotickClient, endpoint


class BotFlow(Answer, frozen=True, kw_only=True, dict=True):
    """One bot flow; fields that are not named here are in `extra`."""

    id: str
    name: str | None = None


@endpoint("list_bot_flows", "/whatsapp/get/bot-flow-list", Safety.SAFE)
class ListBotFlows(NumberRequest[Rows[BotFlow]], frozen=True, kw_only=True):
    """List the bot flows of a sending number."""


async def main() -> None:
    async with WabotickClient.from_env() as client:
        flows = await client.send(ListBotFlows())
        for flow in flows:
            print(flow.id, flow.name, dict(flow.extra))
        print(f"{len(flows)} flows, HTTP {flows.response.status if flows.response else '?'}")


if __name__ == "__main__":
    asyncio.run(main())
