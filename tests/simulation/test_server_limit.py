"""The platform's limit changes, or is told on every answer: how much of it is used, and how often it refuses."""

from __future__ import annotations

import logging

import pytest

from tests.simulation.scene import Scene, messages
from tests.simulation.server import Server
from tests.simulation.virtual_loop import run


def test_the_limit_falls_to_a_quarter_and_comes_back() -> None:
    """As 200 a second, 50, and 200 again, at a tenth of the rates: the controller knows only shares of the ceiling."""

    async def simulate() -> None:
        server = Server(limit=lambda now: 5 if 30 <= now < 90 else 20)
        scene = Scene(server, rate=20)
        report = await scene.campaign(messages(1_500))
        assert (report.accepted, report.unknown, report.refused) == (1_500, 0, 0)
        assert server.worst_second() <= 20 + 1
        # Nothing is refused but in the 60 s of the low limit, once or twice in 5 s: that is how the limit is found.
        assert server.count(429) == server.count(429, 30, 90) <= 25
        # 300 would be taken. Each refusal costs the second that it asks for, and the rate stays below what was refused.
        assert server.count(200, 30, 90) >= 300 * 0.6
        # The ideal is 120 s. Growing from 5 to 20 by 2 % of 20 a second takes 38 s, at half the rate: 19 s more.
        assert 120 <= report.elapsed <= 120 + 19 + 10
        assert scene.limiter.rate == scene.limiter.ceiling

    run(simulate())


def test_a_limit_of_half_the_rate_is_found_and_used() -> None:
    async def simulate() -> None:
        server = Server(limit=lambda _: 10)
        scene = Scene(server, rate=20)
        report = await scene.campaign(messages(2_000))
        assert (report.accepted, report.unknown) == (2_000, 0)
        assert server.count(429) <= 20
        # The ideal is 200 s; 16 refusals with a pause of one second each cost 8 %.
        assert 200 <= report.elapsed <= 200 * 1.12

    run(simulate())


def test_fifty_in_flight_are_refused_at_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="wabotick_async.transport")

    async def simulate() -> None:
        # 100 a second with 0.5 s each are 50 in flight: what comes in the half second from 10 on is refused.
        server = Server(limit=lambda now: 0 if 10 <= now < 10.5 else 1_000, retry_after=30, latency=lambda _: 0.5)
        scene = Scene(server, rate=100, concurrency=50)
        report = await scene.campaign(messages(2_000))
        assert (report.accepted, report.unknown, report.refused) == (2_000, 0, 0)
        assert server.count(429) == 50
        assert [(one.scope, one.seconds) for one in scene.pauses] == [("account", 30.0)]
        assert [one for one in caplog.messages if one.startswith("pause")] == [
            "pause scope=account seconds=30.0 why=Too Many Attempts."
        ]
        # The first refusal is known after 10.5 s. What leaves in that very moment may still be on its way.
        assert server.count(200, 10.6, 40.4) == 0
        assert len(server.arrivals) == 2_050
        # The ideal is 20 s + 0.5 s + 30 s; going on at 70 %, and slowly up to 100 %, costs a further 8 s.
        assert 50.5 <= report.elapsed <= 50.5 + 9

    run(simulate())


def test_what_the_headers_tell_prevents_refusals() -> None:
    """600 in 60 s, at 50 a second: only when the first is used up does the server say how long a window is."""

    async def simulate() -> None:
        server = Server(limit=lambda _: 600, window=60.0, headers=True)
        scene = Scene(server, rate=50)
        report = await scene.campaign(messages(3_000))
        assert (report.accepted, report.unknown) == (3_000, 0)
        # While it learns what a window is: what was in flight when the first and the second were used up.
        assert server.count(429, 0, 120) <= 10
        assert server.count(429, 120) == 0
        # 600 would be taken in each minute.
        assert min(server.count(200, minute * 60, minute * 60 + 60) for minute in range(5)) >= 600 * 0.93
        # The ideal is 240 s for four windows, and the fifth goes at 9.8 a second: 60 s more.
        assert 240 <= report.elapsed <= 300 * 1.04

    run(simulate())
