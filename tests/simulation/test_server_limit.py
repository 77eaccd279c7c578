"""The platform's limit changes, or is told on every answer: how much of it is used, and how often it refuses."""

from __future__ import annotations

import logging
from random import Random
from typing import Any

import pytest

from tests.simulation.scene import Scene, messages
from tests.simulation.server import Server
from tests.simulation.virtual_loop import run


def test_the_limit_falls_to_a_quarter_and_comes_back() -> None:
    """As 200 a second, 50, and 200 again, at a tenth of the rates."""

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


def test_the_limit_falls_from_200_to_50_and_comes_back() -> None:
    """The same at the true rates: more are in flight when the limit falls, and each of them is refused."""

    async def simulate() -> None:
        server = Server(limit=lambda now: 50 if 30 <= now < 90 else 200 + 1)  # the client's burst
        scene = Scene(server, rate=200, concurrency=64)
        report = await scene.campaign(messages(15_000))
        assert (report.accepted, report.unknown, report.refused) == (15_000, 0, 0)
        assert server.worst_second() <= 200 + 1
        assert server.count(429) == server.count(429, 30, 90) <= 50
        assert len(scene.pauses) <= 8
        assert server.count(200, 30, 90) >= 3_000 - 8 * 1.1 * 50
        assert 120 <= report.elapsed <= 120 * 1.07
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
        server = Server(
            limit=lambda now: 0 if 10 <= now < 10.5 else 1_000, retry_after=lambda _: 30, latency=lambda _: 0.5
        )
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


def test_refusals_that_arrive_one_after_the_other_are_one_pause(caplog: pytest.LogCaptureFixture) -> None:
    """Fifty leave within half a second, are refused at once, and hear of it in half a second to ten."""
    caplog.set_level(logging.INFO, logger="wabotick_async.transport")
    dice = Random(3)

    async def simulate() -> None:
        server = Server(
            limit=lambda now: 0 if 10 <= now < 10.5 else 1_000,
            retry_after=lambda _: 5,
            latency=lambda now: dice.uniform(0.5, 10.0) if 10 <= now < 10.5 else 0.5,
        )
        scene = Scene(server, rate=100, concurrency=50)
        report = await scene.campaign(messages(2_000))
        assert (report.accepted, report.unknown, report.refused) == (2_000, 0, 0)
        assert server.count(429) == 50
        # Most refusals arrive when the pause is over: all left before it began, for the same reason.
        assert [(one.scope, one.seconds) for one in scene.pauses] == [("account", 5.0)]
        assert len([one for one in caplog.messages if one.startswith("pause")]) == 1
        first = min(one.time for one in server.arrivals if one.time >= 11.1)
        assert server.count(200, 11.1, first) == 0
        assert 15.5 <= first <= 16.5
        # The rate was lowered once: it is back five seconds after the pause.
        assert server.count(200, 21, 25) >= 4 * 100 * 0.92
        # The ideal is 25.5 s; until 20.5 s some of the 50 places are held by those who wait for their refusal.
        assert report.elapsed <= 25.5 + 5

    run(simulate())


def test_a_late_refusal_that_asks_for_longer_is_obeyed_and_told() -> None:
    async def simulate() -> None:
        server = Server(
            limit=lambda now: 0 if 10 <= now < 10.5 else 1_000,
            retry_after=lambda now: 5 if now < 10.2 else 60,
            latency=lambda _: 0.5,
        )
        scene = Scene(server, rate=100, concurrency=50)
        report = await scene.campaign(messages(2_000))
        assert (report.accepted, report.unknown, report.refused) == (2_000, 0, 0)
        assert [one.seconds for one in scene.pauses] == [5.0, 60.0]
        # The first that asks for 60 s is known after 10.7 s.
        assert server.count(200, 10.6, 70.6) == 0
        assert report.elapsed <= 70.8 + 10 + 3

    run(simulate())


WINDOWS: dict[str, dict[str, Any]] = {"sliding": {}, "fixed": {"fixed": True}, "told": {"fixed": True, "reset": True}}


@pytest.mark.parametrize("kind", WINDOWS)
@pytest.mark.parametrize(
    ("limit", "window", "rate", "count"),
    [
        (600, 60.0, 50, 3_000),
        (60, 60.0, 10, 300),
        (100, 10.0, 50, 1_000),
        (30, 1.0, 60, 1_500),
        (1_000, 60.0, 200, 4_000),
    ],
)
def test_what_the_headers_tell_prevents_every_refusal(
    kind: str, limit: int, window: float, rate: int, count: int
) -> None:
    """From the first answer on, also where nobody says how long a window is."""

    async def simulate() -> None:
        server = Server(limit=lambda _: limit, window=window, headers=True, **WINDOWS[kind])
        scene = Scene(server, rate=rate)
        report = await scene.campaign(messages(count))
        assert (report.accepted, report.unknown) == (count, 0)
        assert server.count(429) == 0
        # Whole windows, the last one evenly; the length of a short one is known to about a tenth.
        slack = 1.04 if window >= 60 else 1.25 if window >= 10 else 1.18
        assert report.elapsed <= count / limit * window * slack

    run(simulate())


@pytest.mark.parametrize("kind", WINDOWS)
def test_the_first_window_is_used_up(kind: str) -> None:
    async def simulate() -> None:
        server = Server(limit=lambda _: 600, window=60.0, headers=True, **WINDOWS[kind])
        scene = Scene(server, rate=50)
        report = await scene.campaign(messages(3_000))
        assert (report.accepted, server.count(429)) == (3_000, 0)
        assert min(server.count(200, minute * 60, minute * 60 + 60) for minute in range(5)) >= 600 * 0.93
        # Nearly all of the first window at full speed.
        assert server.count(200, 0, 12) >= 600 * 0.88

    run(simulate())


@pytest.mark.parametrize("fixed", [False, True])
def test_answers_that_overtake_each_other_prevent_refusals_as_well(fixed: bool) -> None:
    """Up to 20 overtake one: the lowest count of the last answers is the true one."""
    dice = Random(3)

    async def simulate() -> None:
        server = Server(
            limit=lambda _: 600, window=60.0, headers=True, fixed=fixed, latency=lambda _: dice.uniform(0.02, 0.4)
        )
        scene = Scene(server, rate=50)
        report = await scene.campaign(messages(1_800))
        assert (report.accepted, server.count(429)) == (1_800, 0)
        assert report.elapsed <= 180 * 1.05

    run(simulate())


def test_a_window_of_more_than_a_minute_costs_one_refusal() -> None:
    """Nobody can know that it is longer until somebody asks, and one is enough."""

    async def simulate() -> None:
        server = Server(limit=lambda _: 600, window=120.0, headers=True, fixed=True)
        scene = Scene(server, rate=50)
        report = await scene.campaign(messages(1_800))
        assert (report.accepted, server.count(429), len(scene.pauses)) == (1_800, 1, 1)

    run(simulate())


def test_what_the_headers_do_to_the_pace_is_told_like_any_pause(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="wabotick_async.transport")

    async def simulate() -> None:
        server = Server(limit=lambda _: 600, window=60.0, headers=True, fixed=True, reset=True)
        scene = Scene(server, rate=50)
        await scene.campaign(messages(1_200))
        assert [(one.scope, one.why) for one in scene.pauses] == [
            ("account", "the platform has no requests left in its window")
        ]
        assert 47 <= scene.pauses[0].seconds <= 49
        assert len([one for one in caplog.messages if one.startswith("pause")]) == 1
        assert server.count(200, 12.1, 60.0) == 0

    run(simulate())
