"""The test kit: test your own code without network, waiting or a token.

A client that answers what you queue:

```python
async def test_the_greeting() -> None:
    transport = FakeTransport(SendReceipt(message_id="wamid.1"))
    client = fake_client(transport)

    await greet(client, "919800000000")

    assert transport.requests[0].form["template_id"] == "48"
```

A client and a sandbox as fixtures, for tests that want the real HTTP way: put
`pytest_plugins = ["wabotick_async.testing.pytest_plugin"]` into your topmost `conftest.py`, and ask for
`wabotick_client` or `wabotick_sandbox`.

Time stands still in a `ManualClock`, which the client, its rate limiter and its retries take in place of the real one.
"""

from .fakes import FakeRequest, FakeTransport, NoLimit, QueuedAnswer, fake_client
from .manual_clock import ManualClock

__all__ = ["FakeRequest", "FakeTransport", "ManualClock", "NoLimit", "QueuedAnswer", "fake_client"]
