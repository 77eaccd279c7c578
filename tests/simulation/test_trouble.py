"""The platform is away."""

from __future__ import annotations

import pytest

from tests.simulation.scene import Scene, messages
from tests.simulation.server import Server
from tests.simulation.virtual_loop import run


@pytest.mark.parametrize("seconds", [10, 120, 600])
def test_an_outage(seconds: int) -> None:
    async def simulate() -> None:
        server = Server(down=lambda now: 20 <= now < 20 + seconds)
        scene = Scene(server, rate=20)
        report = await scene.campaign(messages(1_000))
        assert (report.accepted, report.unknown, report.refused, report.not_sent) == (1_000, 0, 0, 0)
        assert len(server.arrivals) == 1_000
        # 20 messages a second would have tried. Those did that were permitted before the breaker opened, about 42, and
        # one probe at a time: with one to two seconds between them for 40 s, then 2.5 to 5 % of it.
        assert server.refused_connections <= {10: 42 + 12, 120: 42 + 66, 600: 42 + 120}[seconds]
        assert server.worst_second() <= 20 + 1
        # The ideal is 50 s and the outage. Its end is seen within 5 % of it, or two seconds.
        assert 50 + seconds <= report.elapsed <= 50 + seconds + max(3.0, 0.05 * seconds + 1.0)

    run(simulate())


def test_an_outage_in_which_messages_may_arrive_costs_few_unknowns() -> None:
    """No answer comes, so each probe leaves an unknown: better late by up to half a minute than a person's time."""

    async def simulate() -> None:
        server = Server(latency=lambda now: 1_000.0 if 20 <= now < 140 else 0.1)
        scene = Scene(server, rate=20, concurrency=20)
        report = await scene.campaign(messages(1_000))
        assert report.accepted + report.unknown == 1_000
        assert report.unknown <= 20 + 10 + 4  # what was in flight, what left until then, and the probes
        assert report.elapsed <= 170 + 30 + 31

    run(simulate())
