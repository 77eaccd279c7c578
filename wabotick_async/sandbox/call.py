"""One call as a handler sees it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from .contract import Body, EndpointContract
from .records import Number, Subscriber
from .refusals import NO_ACCOUNT, NO_SUBSCRIBER, FieldsError, RefusalError
from .state import State
from .throttle import Throttle


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """Describe the file part of an upload after it was counted."""

    file_name: str
    content_type: str
    size: int
    sha256: str


@dataclass(slots=True)
class Call:
    """Hold an authenticated request whose required fields are there."""

    endpoint: EndpointContract
    fields: Mapping[str, str]
    state: State
    throttle: Throttle
    dialect: str
    turn: int
    """How often the endpoint was called before."""
    oddities: Counter[str]
    """Where to note what the platform would tolerate in silence, but the contract does not know."""
    file: ReceivedFile | None = None
    by_server: bool = False
    """True for the second run of a `duplicate` fault."""

    def odd(self, problem: str) -> None:
        """Note something that a correct client does not do."""
        self.oddities[f"{self.endpoint.name}: {problem}"] += 1

    def text(self, name: str) -> str:
        """Return a field, empty when it is absent."""
        return self.fields.get(name, "")

    def whole(self, name: str, default: int | None = None) -> int:
        """Return a field as a whole number.

        Raises:
            FieldsError: when it is not one, or absent without a default.
        """
        text = self.text(name)
        if not text and default is not None:
            return default
        if not (text.isascii() and text.isdigit()):
            raise FieldsError.of(name, "must be an integer.")
        return int(text)

    def id_list(self, name: str) -> list[int]:
        """Return the ids of a comma text; anything else in it is noted and dropped."""
        parts = self.text(name).split(",")
        if any(not (part.isascii() and part.isdigit()) for part in parts):
            self.odd(f"{name} is not comma text without blanks")
        return [int(part) for part in parts if part.strip().isascii() and part.strip().isdigit()]

    def json_object(self, name: str) -> Body:
        """Return the object in a field of JSON text.

        Raises:
            FieldsError: when it is no JSON object.
        """
        try:
            return msgspec.json.decode(self.text(name), type=dict[str, object])
        except msgspec.MsgspecError:
            raise FieldsError.of(name, "must be a valid JSON string.") from None

    @property
    def phone_number(self) -> str:
        """Return the recipient or subscriber, whatever the field is called on this endpoint."""
        return self.text("phone_number") or self.text("phoneNumber")

    @property
    def number(self) -> Number:
        """Return the sending number.

        Raises:
            RefusalError: when the account has no such number.
        """
        found = self.state.numbers.get(self.text("phone_number_id") or self.text("phoneNumberID"))
        if found is None:
            raise RefusalError(NO_ACCOUNT)
        return found

    def find_subscriber(self) -> Subscriber | None:
        """Return the subscriber that the request names, or None."""
        return self.state.subscriber(self.number.phone_number_id, self.phone_number)

    def subscriber(self) -> Subscriber:
        """Return the subscriber that the request names.

        Raises:
            RefusalError: when there is none.
        """
        found = self.find_subscriber()
        if found is None:
            raise RefusalError(NO_SUBSCRIBER)
        return found
