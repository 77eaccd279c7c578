"""Send a template to everybody in a CSV file. Run it again, after a crash or Ctrl-C, to send what is left.

python examples/campaign_from_csv.py people.csv 101     # columns: phone_number, then the variables in their order
"""

import asyncio
import csv
import signal
import sys
from collections.abc import Iterator

from wabotick_async import BulkMessage, BulkSender, CampaignError, SendTemplate, SQLiteJournal, State, WabotickClient


def messages(csv_path: str, template_id: str) -> Iterator[BulkMessage]:
    with open(csv_path, newline="", encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            request = SendTemplate(phone_number=row.pop("phone_number"), template_id=template_id, variables=row)
            yield BulkMessage(request=request, key=request.phone_number)  # once, whatever is edited between two runs


async def main(csv_path: str, template_id: str) -> None:
    total = sum(1 for _ in messages(csv_path, template_id))  # a bad row is found before anything is sent
    journal = f"{csv_path}.journal"
    async with WabotickClient.from_env() as client:
        sender = BulkSender(client, journal=journal, campaign=f"template {template_id}")
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, sender.stop)
        try:
            await sender.run(messages(csv_path, template_id))
        except CampaignError as error:
            print("stopped:", error, file=sys.stderr)
    print(f"{total} rows:", sender.report)
    for row in SQLiteJournal.read_rows(journal, State.UNKNOWN):
        print(f"unknown: row {row.seq}, {row.receiver}: {row.note or row.code or 'the process ended first'}")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
