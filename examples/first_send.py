"""Send one template message and ask how far it came.

python examples/first_send.py 919800000000 101 name=Ada order-code=A-17
"""

import asyncio
import sys

from wabotick_async import Outcome, WabotickClient, WabotickError


async def main(phone_number: str, template_id: str, *variables: str) -> int:
    async with WabotickClient.from_env() as client:
        try:
            receipt = await client.messages.send_template(
                phone_number=phone_number,
                template_id=template_id,
                variables=dict(variable.split("=", 1) for variable in variables),  # in the order of their positions
            )
        except WabotickError as error:
            print(f"{error.outcome}: {error}", file=sys.stderr)
            if error.outcome is Outcome.UNKNOWN:
                print("It may have gone out: look into the conversation before you send it again.", file=sys.stderr)
            return 1
        print("accepted:", receipt.message_id or "without a message id")
        if receipt.message_id is not None:
            status = await client.messages.status(message_id=receipt.message_id)
            print("status:", status.status)
        return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:])))
