"""Emulate the platform on loopback, with state, faults and a ledger of what was accepted.

```python
async with Sandbox() as sandbox:
    sandbox.script(Fault(FaultKind.RESET_AFTER, endpoint="send_template"))
    ...  # point a client at sandbox.base_url with sandbox.token and sandbox.phone_number_id
    assert not sandbox.ledger.repeated()
```

Phone numbers with these endings behave specially:

| ending | what happens |
|---|---|
| 990001 | accepted, then `failed` with `(Error Code : 131026)` |
| 990002 | every send is refused with `(Error Code : 131026)` |
| 990003 | a template send is accepted without a message id |
| 990004 | accepted, stays `sent` |
| 990005 | delivered, never read |
| 990006 | the 24-hour window never opens |
| 990007 | every send is refused with the subscriber limit text |
| 990008 | every send is refused with `(#131056)`: too many to this recipient |
| 990009 | every send is refused with `(Error Code : 131049)`: not today |

A Meta token that begins with `EAAINVALID` is refused by `connect_account`. A message is `delivered` 2 seconds and
`read` 10 seconds after it was accepted, by the sandbox's clock.

With `Quotas` it refuses for pace, and they can be changed under way: `sandbox.throttle.quotas = Quotas(account=50)`.
`sandbox.throttle.refused["account"]` (`number`, `pair`, `daily`) counts what was refused, and
`sandbox.throttle.worst_second()` tells how fast the account was used, with a phone number id that number.

Other processes use `/_sandbox/`: GET `ledger` (`?entries=0` for the summary; `pace` has what was refused and the worst
seconds), GET `state`, GET `requests`, GET and POST `quotas` (all of them: what is left out is off), POST `faults` (a
fault or a list of them as JSON), POST `open-window` and `receive` (JSON with `phone_number`, `text`).
"""

from .delivery import DELIVERED_AFTER, READ_AFTER, Special
from .dialect import Dialect
from .faults import Fault, FaultKind, Faults
from .ledger import Ledger, LedgerEntry
from .quotas import Quotas
from .server import PHONE_NUMBER_IDS, TOKEN, Sandbox
from .throttle import Throttle
from .traffic import Received, Traffic

__all__ = [
    "DELIVERED_AFTER",
    "PHONE_NUMBER_IDS",
    "READ_AFTER",
    "TOKEN",
    "Dialect",
    "Fault",
    "FaultKind",
    "Faults",
    "Ledger",
    "LedgerEntry",
    "Quotas",
    "Received",
    "Sandbox",
    "Special",
    "Throttle",
    "Traffic",
]
