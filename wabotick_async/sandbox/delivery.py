"""What happens to a message after it was accepted, and the numbers that make something special happen."""

import enum
import time
from typing import NamedTuple

DELIVERED_AFTER = 2.0
"""Seconds from acceptance to `delivered`."""
READ_AFTER = 10.0
"""Seconds from acceptance to `read`."""
WINDOW = 24 * 3600.0
"""Seconds in which text and media may follow the subscriber's last message."""


class Special(enum.StrEnum):
    """Name the endings of a phone number that trigger a behaviour.

    Six digits, so that a test which counts its recipients upwards does not hit one by chance.
    """

    DELIVERY_FAILS = "990001"
    """Accepted, then `failed` with `(Error Code : 131026)`."""
    REFUSED = "990002"
    """Every send is refused with `(Error Code : 131026)`."""
    NO_MESSAGE_ID = "990003"
    """A template send is accepted without a message id."""
    STAYS_SENT = "990004"
    """Accepted, never delivered."""
    NEVER_READ = "990005"
    """Delivered, never read."""
    WINDOW_CLOSED = "990006"
    """Text and media are refused, whatever was received before."""
    LIMIT_REACHED = "990007"
    """Every send is refused with the subscriber limit text."""
    PAIR_LIMIT = "990008"
    """Every send is refused with `(#131056)`."""
    NOT_TODAY = "990009"
    """Every send is refused with `(Error Code : 131049)`."""

    def fits(self, phone_number: str) -> bool:
        """Tell whether the number has this ending."""
        return phone_number.endswith(self.value)


class Delivery(NamedTuple):
    """Hold where a message is, with times in seconds of the sandbox's clock."""

    status: str
    updated: float
    read: float | None = None
    failed: float | None = None
    reason: str = ""


def delivery(phone_number: str, accepted: float, now: float) -> Delivery:
    """Return where a message is at the time `now`."""
    age = now - accepted
    if age < DELIVERED_AFTER or Special.STAYS_SENT.fits(phone_number):
        return Delivery("sent", accepted)
    delivered = accepted + DELIVERED_AFTER
    if Special.DELIVERY_FAILS.fits(phone_number):
        return Delivery("failed", delivered, failed=delivered, reason="Message undeliverable. (Error Code : 131026)")
    if age < READ_AFTER or Special.NEVER_READ.fits(phone_number):
        return Delivery("delivered", delivered)
    return Delivery("read", delivered, read=accepted + READ_AFTER)


def stamp(moment: float) -> str:
    """Return a time as the platform prints it: `YYYY-MM-DD HH:MM:SS`, no zone (here UTC)."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(moment))


def stamp_or_none(moment: float | None) -> str | None:
    """Return a time as the platform prints it, or nothing."""
    return None if moment is None else stamp(moment)
