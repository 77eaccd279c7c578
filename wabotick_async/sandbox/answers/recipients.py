"""Who may get a message: the checks that all sends share."""

import re

from ..call import Call
from ..delivery import Special
from ..records import Subscriber
from ..refusals import (
    BAD_NUMBER,
    DAY_LIMIT,
    LIMIT_REACHED,
    NOT_TODAY,
    NUMBER_LIMIT,
    PAIR_LIMIT,
    UNDELIVERABLE,
    WINDOW_CLOSED,
    RefusalError,
)
from ..throttle import MessageScope

# Digits, or one day a business-scoped id (contract README, "Types"). A number without country code passes: the platform
# takes it for another person (contract, `send_text`).
_RECIPIENT = re.compile(r"[0-9]{5,15}|[A-Z]{2}\.[A-Za-z0-9]{1,128}", re.ASCII)

_REFUSED = {
    Special.REFUSED: UNDELIVERABLE,
    Special.LIMIT_REACHED: LIMIT_REACHED,
    Special.PAIR_LIMIT: PAIR_LIMIT,
    Special.NOT_TODAY: NOT_TODAY,
}
_TOO_FAST: dict[MessageScope, str] = {"number": NUMBER_LIMIT, "pair": PAIR_LIMIT, "daily": DAY_LIMIT}


def check(call: Call) -> None:
    """Refuse an impossible recipient.

    Raises:
        RefusalError: number unknown to the account, bad recipient, or a special ending.
    """
    _ = call.number
    if not _RECIPIENT.fullmatch(call.phone_number):
        raise RefusalError(BAD_NUMBER)
    for special, text in _REFUSED.items():
        if special.fits(call.phone_number):
            raise RefusalError(text)


def template_recipient(call: Call) -> Subscriber:
    """Return the subscriber of a template message, created when there is none.

    Raises:
        RefusalError: when the plan has no room for a new one, or a limit of pace has none for another message.
    """
    found, number_id = call.find_subscriber(), call.number.phone_number_id
    if found is None and call.state.full:
        raise RefusalError(LIMIT_REACHED)
    # Last of all checks: only what would be accepted counts.
    too_fast = call.throttle.take_message(number_id, call.phone_number)
    if too_fast is not None:
        raise RefusalError(_TOO_FAST[too_fast])
    return found or call.state.add_subscriber(number_id, call.phone_number)


def session_recipient(call: Call) -> Subscriber:
    """Return the subscriber of a text or media message.

    Raises:
        RefusalError: when the person did not write within 24 hours, or never did.
    """
    if not call.state.window_open(call.find_subscriber(), call.phone_number):
        raise RefusalError(WINDOW_CLOSED)
    return template_recipient(call)
