"""Connecting a business account."""

from collections.abc import Callable, Mapping

from ..call import Call
from ..contract import Body
from ..dialect import done
from ..refusals import META_SAYS_NO, RefusalError

BAD_TOKEN_START = "EAAINVALID"  # noqa: S105  # made up
"""A Meta token that begins so is refused as Meta would."""


def connect_account(call: Call) -> Body:
    """Link a business account; the same one again changes nothing."""
    call.whole("user_id")
    if call.text("access_token").startswith(BAD_TOKEN_START):
        raise RefusalError(META_SAYS_NO)
    business_account_id = call.text("whatsapp_business_account_id")
    if business_account_id not in call.state.connected:
        call.state.connected.append(business_account_id)
    return done(call)


ANSWERS: Mapping[str, Callable[[Call], Body]] = {"connect_account": connect_account}
