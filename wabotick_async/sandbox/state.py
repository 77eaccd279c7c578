"""The state of the emulated account."""

import base64
import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from .contract import Body
from .delivery import WINDOW, Special
from .ledger import Ledger, LedgerEntry, digest, public
from .records import Catalog, Message, Number, Order, Subscriber, Template, Upload


class State:
    """Hold everything the platform would keep in its database."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        clock: Callable[[], float],
        phone_number_ids: Sequence[str],
        seed: int = 0,
        auto_window: bool = False,
        subscriber_limit: int | None = None,
        show_after: float = 0.0,
    ) -> None:
        self.ledger = ledger
        self.clock = clock
        self.auto_window = auto_window
        self.subscriber_limit = subscriber_limit
        self.show_after = show_after
        self.numbers = {
            number_id: Number(number_id, bot_id=23 + index, business_account_id=f"2000000000000{index:02d}")
            for index, number_id in enumerate(phone_number_ids)
        }
        self.connected: list[str] = []
        """Business account ids that were connected, without their tokens."""
        self.subscribers: dict[tuple[str, str], Subscriber] = {}
        self.conversations: defaultdict[tuple[str, str], list[Message]] = defaultdict(list)
        self.templates: dict[int, Template] = {}
        self.labels: dict[int, str] = {}
        self.sequences: dict[int, str] = {}
        self.custom_fields: dict[int, tuple[str, str]] = {}
        """Id -> (name, reply type)."""
        self.catalogs: dict[str, Catalog] = {}
        self.orders: dict[str, Order] = {}
        self.uploads: dict[str, Upload] = {}
        self.postbacks: list[Body] = []
        self.flows: list[str] = []
        self._seed = seed
        # A ledger taken over from a file has used up these message ids already.
        self._messages = len(ledger)
        self._counter = 1000

    def next_id(self) -> int:
        """Return a new id, unique over all kinds of things."""
        self._counter += 1
        return self._counter

    def subscriber(self, phone_number_id: str, phone_number: str) -> Subscriber | None:
        """Return a subscriber of a number."""
        return self.subscribers.get((phone_number_id, phone_number))

    @property
    def full(self) -> bool:
        """Tell whether the plan has no room for another subscriber."""
        return self.subscriber_limit is not None and len(self.subscribers) >= self.subscriber_limit

    def add_subscriber(self, phone_number_id: str, phone_number: str, name: str = "") -> Subscriber:
        """Return the subscriber, created when needed."""
        key = (phone_number_id, phone_number)
        found = self.subscribers.get(key)
        if found is None:
            first, _, last = name.strip().partition(" ")
            found = Subscriber(
                self.next_id(), phone_number_id, phone_number, self.clock(), first_name=first, last_name=last
            )
            self.subscribers[key] = found
        return found

    def delete_subscriber(self, subscriber: Subscriber) -> None:
        """Remove a subscriber and the conversation with it."""
        key = (subscriber.phone_number_id, subscriber.phone_number)
        self.subscribers.pop(key, None)
        self.conversations.pop(key, None)

    def window_open(self, subscriber: Subscriber | None, phone_number: str) -> bool:
        """Tell whether text and media may be sent to this person now."""
        if Special.WINDOW_CLOSED.fits(phone_number):
            return False
        if self.auto_window:
            return True
        if subscriber is None or subscriber.last_inbound is None:
            return False
        return self.clock() - subscriber.last_inbound < WINDOW

    def receive(self, phone_number_id: str, phone_number: str, text: str) -> Message:
        """Take in a message of a person, as the webhook would bring it."""
        subscriber = self.add_subscriber(phone_number_id, phone_number)
        subscriber.last_inbound = self.clock()
        message_id = self.new_message_id()
        inbound: Body = {"from": phone_number, "id": message_id, "type": "text", "text": {"body": text}}
        value: Body = {
            "messaging_product": "whatsapp",
            "metadata": {"phone_number_id": phone_number_id},
            "messages": [inbound],
        }
        envelope: Body = {
            "object": "whatsapp_business_account",
            "entry": [{"changes": [{"field": "messages", "value": value}]}],
        }
        return self.record(subscriber, "user", envelope, message_id=message_id)

    def record(
        self,
        subscriber: Subscriber,
        sender: str,
        content: Body | str,
        *,
        message_id: str | None = None,
        template: Template | None = None,
        values: tuple[str, ...] = (),
    ) -> Message:
        """Append a row to a conversation."""
        now = self.clock()
        subscriber.last_message = now
        message = Message(self.next_id(), sender, content, now, message_id, template, values)
        self.conversations[subscriber.phone_number_id, subscriber.phone_number].append(message)
        return message

    def visible(self, phone_number_id: str, phone_number: str) -> list[Message]:
        """Return the rows of a conversation that it shows by now, oldest first."""
        latest = self.clock() - self.show_after
        return [row for row in self.conversations.get((phone_number_id, phone_number), ()) if row.time <= latest]

    def new_message_id(self) -> str:
        """Return a new wamid: text that ends in `==`, different for every message."""
        self._messages += 1
        # 31 bytes make base64 end in "==", as real ids do; it must survive the percent-encoding of the client.
        noise = hashlib.sha256(f"{self._seed}:{self._messages}".encode()).digest()[:31]
        return "wamid." + base64.b64encode(noise).decode()

    def write_down(
        self,
        endpoint: str,
        fields: Mapping[str, str],
        *,
        message_id: str | None,
        by_server: bool,
    ) -> None:
        """Enter an accepted send in the ledger, before anything is answered."""
        entry = LedgerEntry(
            time=self.clock(),
            endpoint=endpoint,
            phone_number_id=fields.get("phone_number_id", ""),
            phone_number=fields.get("phone_number", ""),
            message_id=message_id,
            digest=digest(endpoint, fields),
            fields=public(fields),
            by_server=by_server,
        )
        self.ledger.append(entry)
