"""The platform is away."""

from __future__ import annotations

from tests.simulation.scene import Scene, messages
from tests.simulation.server import Server
from tests.simulation.virtual_loop import run


def test_an_outage_of_two_minutes() -> None:
    async def simulate() -> None:
        server = Server(down=lambda now: 20 <= now < 140)
        scene = Scene(server, rate=20)
        report = await scene.campaign(messages(1_000))
        assert (report.accepted, report.unknown, report.refused, report.not_sent) == (1_000, 0, 0, 0)
        assert len(server.arrivals) == 1_000
        # 2,400 messages would have tried in the outage.
        # Those that were permitted before the breaker opened, about 42, and one probe at a time, ever later.
        assert server.refused_connections <= 64
        assert server.worst_second() <= 20 + 1
        # The ideal is 50 s + 120 s. Probes are at most 30 s apart, so the end of the outage is seen so late at worst.
        assert 170 <= report.elapsed <= 170 + 31

    run(simulate())
