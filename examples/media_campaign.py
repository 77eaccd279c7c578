"""Upload a picture once, and send it by its id to people who wrote within the last 24 hours.

python examples/media_campaign.py menu.png "Today's menu" < phone_numbers.txt
"""

import asyncio
import sys
from collections.abc import Iterator

from wabotick_async import BulkMessage, BulkSender, Outcome, SendMedia, WabotickClient


def messages(media_id: str, caption: str) -> Iterator[BulkMessage]:
    for line in filter(None, map(str.strip, sys.stdin)):
        request = SendMedia(phone_number=line, media_id=media_id, media_type="image", caption=caption)
        # Each run uploads anew and gets another media id. With a key of its own, a message stays the same message, so
        # a second run does not send it again.
        yield BulkMessage(request=request, key=request.phone_number)


async def main(picture: str, caption: str) -> None:
    async with WabotickClient.from_env() as client:
        upload = await client.messages.upload_media(file=picture)
        sender = BulkSender(client, journal=f"{picture}.journal", campaign=caption)
        async for result in sender.stream(messages(upload.media_id, caption)):
            if result.outcome is not Outcome.ACCEPTED:
                print(f"row {result.row}: {result.outcome}, {result.error or result.note}")
    print(sender.report)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
