"""How many are in flight: as many as rate and latency ask for, and fewer where answers are slow because of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

from tests.simulation.scene import Scene, messages
from tests.simulation.server import Server
from tests.simulation.virtual_loop import run


def most(server: Server, since: int, until: int) -> int:
    """Return the most requests in flight in a span of seconds."""
    return max(server.most_in_flight.get(second, 0) for second in range(since, until))


def fewest(server: Server, since: int, until: int) -> int:
    """Return the fewest of the seconds' most, where anything came."""
    return min(count for second, count in server.most_in_flight.items() if since <= second < until)


def test_a_steady_latency_is_no_congestion() -> None:
    async def simulate() -> None:
        server = Server(latency=lambda _: 3.0)
        scene = Scene(server, rate=20, concurrency=100)
        report = await scene.campaign(messages(1_500))
        assert (report.accepted, report.unknown, report.refused) == (1_500, 0, 0)
        # Twice as many with each round trip, until 20 a second with 3 s each are 60.
        assert [server.most_in_flight[second] for second in (0, 3, 7, 12)] == [10, 20, 40, 60]
        assert most(server, 15, 70) <= 61
        # The ideal is 75 s, and 3 s for the last answers. 50, 40 and 20 fewer than the 60 in the first three
        # round trips are 5.5 s.
        assert 78 - 0.1 <= report.elapsed <= 78 + 5.5 + 0.5

    run(simulate())


def test_answers_that_stay_slow_are_slow_for_another_reason() -> None:
    async def simulate() -> None:
        server = Server(latency=lambda now: 3.0 if 30 <= now < 90 else 0.1)
        scene = Scene(server, rate=50, concurrency=64)
        report = await scene.campaign(messages(3_000))
        assert (report.accepted, report.unknown, report.refused) == (3_000, 0, 0)
        # 50 a second with 0.1 s each are 5; with one that leaves as another ends, 6.
        assert {server.most_in_flight[second] for second in range(5, 30)} <= {5, 6}
        # Slow answers narrow it, once a round trip, by 0.7 from 10 down to 2.
        assert fewest(server, 33, 45) == 2
        # They are as slow with two in flight, so it doubles with each round trip of 3 s.
        assert most(server, 60, 90) == 64
        # And when answers are quick again, there are as few as the rate needs.
        end = int(report.elapsed)
        assert most(server, end - 5, end) <= 6
        # With 64 in flight the slow minute would take 1,280 messages, so the ideal is 60 + (1,220 - 1,280 + 1,500) / 50
        # or 90 + 4.4 s. To narrow, to find out and to widen again takes about 30 s of it, at a third of the rate.
        assert report.elapsed <= 94.4 + 12

    run(simulate())


def test_some_slow_answers_among_others_are_no_congestion() -> None:
    """One in ten takes 1.5 s, and others anything between: what counts is what most of them take."""
    dice = Random(7)

    async def simulate(latency: Callable[[], float], ideal: float) -> None:
        server = Server(latency=lambda _: latency())
        scene = Scene(server, rate=50, concurrency=64)
        report = await scene.campaign(messages(1_500))
        assert (report.accepted, report.unknown, report.refused) == (1_500, 0, 0)
        assert ideal <= report.elapsed <= ideal * 1.1

    run(simulate(lambda: 1.5 if dice.random() < 0.1 else 0.3, 30.0))
    run(simulate(lambda: dice.lognormvariate(math.log(0.5), 0.6), 30.0))


def test_a_server_that_cannot_keep_up_is_not_flooded() -> None:
    """From 30 to 90 s it has time for 5 a second, so that each request in flight makes all others later by 0.2 s."""

    async def simulate() -> None:
        server = Server(latency=lambda now: max(0.2, server.in_flight / (5.0 if 30 <= now < 90 else 100.0)))
        scene = Scene(server, rate=20, concurrency=64)
        report = await scene.campaign(messages(1_500))
        assert (report.accepted, report.unknown, report.refused) == (1_500, 0, 0)
        # In flight are so few that an answer takes about a second, and never nobody.
        assert [most(server, second, second + 2) for second in range(36, 88, 2)] == [
            within for second in range(36, 88, 2) if 3 <= (within := most(server, second, second + 2)) <= 7
        ]
        # The ideal is 600 in 30 s, 300 in 60 s, and 600 in 30 s: few in flight are enough for it.
        assert 120 <= report.elapsed <= 120 * 1.01

    run(simulate())


def test_a_server_that_is_too_slow_for_good_does_not_get_slower_and_slower() -> None:
    async def simulate() -> None:
        server = Server(latency=lambda _: max(0.2, server.in_flight / 15.0))
        scene = Scene(server, rate=20, concurrency=100)
        report = await scene.campaign(messages(1_500))
        assert (report.accepted, report.unknown, report.refused) == (1_500, 0, 0)
        # 15 in flight take a second each; more is slow. It is no less so after a minute and a half.
        assert most(server, 10, 100) <= 18
        # The ideal is 15 a second.
        assert 100 <= report.elapsed <= 100 * 1.02

    run(simulate())


def test_a_latency_that_climbs_narrows_it() -> None:
    """From 0.2 to 4 s in a minute, whatever is in flight."""

    async def simulate() -> None:
        server = Server(latency=lambda now: 0.2 if now < 30 else min(4.0, 0.2 + 3.8 * (now - 30) / 60))
        scene = Scene(server, rate=20, concurrency=64)
        report = await scene.campaign(messages(1_200))
        assert (report.accepted, report.unknown, report.refused) == (1_200, 0, 0)
        # Up to a second per answer they are as many as the rate asks for, then two within six seconds.
        assert 19 <= most(server, 36, 44) <= 22
        assert fewest(server, 44, 52) == 2
        # That they are few does not help, so it is as wide as the rate asks for some round trips later.
        assert most(server, 64, 72) >= 46
        # The ideal is 60 s, and 3 s for the last answers. From 44 to 60 s about half of the rate is lost.
        assert report.elapsed <= 63 + 12

    run(simulate())
