"""The platform is away, or slow."""

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


def test_in_flight_follows_the_latency() -> None:
    async def simulate() -> None:
        server = Server(latency=lambda now: 3.0 if 30 <= now < 90 else 0.1)
        scene = Scene(server, rate=50, concurrency=64)
        report = await scene.campaign(messages(3_000))
        assert (report.accepted, report.unknown, report.refused) == (3_000, 0, 0)
        # 50 a second with 0.1 s each are 5; with one that leaves as another ends, 6.
        before = [server.most_in_flight[second] for second in range(5, 30)]
        assert set(before) <= {5, 6}
        # Slow answers narrow it, once a round trip, by 0.7 from 10 to 3.
        assert min(count for second, count in server.most_in_flight.items() if 30 <= second < 45 and count) == 3
        # When they stay slow that is how long answers take, and it widens again, by one a round trip of 3 s.
        assert 17 <= server.most_in_flight[87] <= 19
        # And when answers are quick again, it grows back to what the rate needs.
        end = int(report.elapsed)
        assert max(server.most_in_flight[second] for second in range(end - 10, end)) == 5
        # The ideal is 60 s for 3,000; in the slow minute little leaves.
        assert report.elapsed <= 60 + 60

    run(simulate())
