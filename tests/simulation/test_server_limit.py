"""The platform's limit changes, or is told on every answer: how much of it is used, and how often it refuses."""

from __future__ import annotations

import logging

import pytest

from tests.simulation.scene import Scene, messages
from tests.simulation.server import Server
from tests.simulation.virtual_loop import run


def test_the_limit_falls_to_a_quarter_and_comes_back() -> None:
    """As 200 a second, 50, and 200 again, at a tenth of the rates; at the true ones in test_finding_the_limit.py."""

    async def simulate() -> None:
        server = Server(limit=lambda now: 5 if 30 <= now < 90 else 20)
        scene = Scene(server, rate=20)
        report = await scene.campaign(messages(1_500))
        assert (report.accepted, report.unknown, report.refused) == (1_500, 0, 0)
        assert server.worst_second() <= 20 + 1
        # Nothing is refused but in the 60 s of the low limit: at the fall two that were in flight and one at 14 a
        # second, which tells the limit; from then on one probe in 10 s.
        assert server.count(429) == server.count(429, 30, 90) <= 9
        assert len(scene.pauses) <= 6
        # 300 would be taken. Each of six pauses costs 5 a second for 1.1 s.
        assert server.count(200, 30, 90) >= 300 - 6 * 1.1 * 5
        # The ideal is 120 s. The six pauses are 33 messages, or 1.7 s at the full rate. The rest is the time until a
        # probe sees that the limit has risen; it depends on when that happens, see the mean over many such moments.
        assert 120 <= report.elapsed <= 120 * 1.05
        assert scene.limiter.rate == scene.limiter.ceiling

    run(simulate())


def test_a_limit_of_half_the_rate_is_found_and_used() -> None:
    async def simulate() -> None:
        server = Server(limit=lambda _: 10)
        scene = Scene(server, rate=20)
        report = await scene.campaign(messages(2_000))
        assert (report.accepted, report.unknown) == (2_000, 0)
        assert server.count(429) <= 8
        # The ideal is 200 s; 6 refusals with a pause of one second, and 0.1 s on the way, are 6.6 s.
        assert 200 <= report.elapsed <= 200 * 1.035

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
        # The ideal is 20 s + 0.5 s + 30 s; going on at 70 %, and up to 97 % in 5 s, costs 1 s;
        # 97 % of the rate for the rest, and the fifty that come again, half a second each.
        assert 50.5 <= report.elapsed <= 50.5 + 3

    run(simulate())


def test_a_window_of_a_second_is_used_whatever_pause_came_first() -> None:
    """30 a second, at 60: the first refusal's pause must not pass for the length of a window."""

    async def simulate() -> None:
        server = Server(limit=lambda _: 30, window=1.0, headers=True, latency=lambda _: 0.1)
        scene = Scene(server, rate=60)
        report = await scene.campaign(messages(1_500))
        assert (report.accepted, report.unknown) == (1_500, 0)
        assert server.count(429) <= 30
        # The ideal is 50 s. The pauses of finding it, a rate that is too low until a window has shown to be shorter,
        # and the slow way up from there cost a quarter; for ever too low, it would be 87 s.
        assert 50 <= report.elapsed <= 50 * 1.3

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
