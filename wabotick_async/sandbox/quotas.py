"""How much a sandbox takes before it refuses for pace."""

import msgspec


class Quotas(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limit what is taken; None means no limit.

    The account limit counts every request and refuses with HTTP 429. The others count template, text and media messages
    that were accepted, and refuse in words with HTTP 200 and one of Meta's codes. A refused message uses nothing up.
    The copy of a `duplicate` fault counts like any other.

    Raises:
        ValueError: for a limit that would take nothing at all.
    """

    account: int | None = None
    """Requests of one token in any `account_seconds`."""
    account_seconds: float = 1.0
    """Seconds."""
    number: int | None = None
    """Messages of one sending number in any second; more are refused with 130429."""
    pair: float | None = None
    """Seconds in which a number repays one message to the same recipient; beyond the debt allowed: 131056."""
    pair_burst: int = 45
    """Messages that a number may owe to one recipient."""
    daily: int | None = None
    """Different recipients of one sending number in any 24 hours, each counted from the last message to it.

    A further one is refused with 131049, an assumption: no code of this limit is documented. Its advice `defer_day`
    fits, for tomorrow the recipient can be reached and today everybody who was reached before. 131048 would not: its
    advice `pause_campaign` stops those too, until a human looks.
    """

    def __post_init__(self) -> None:
        for field in self.__struct_fields__:
            value = getattr(self, field)
            if value is not None and value <= 0:
                raise ValueError(f"{field} must be above 0, not {value}")
