"""How near the rate comes to a limit that only refusals tell, and how many refusals that takes.

Each refusal costs a pause of a second at least, and the way of the answer: about 1.1 s of whatever the limit is. So
there is a price for learning soon that a limit has risen, and both cannot be had.
"""

from __future__ import annotations

from statistics import mean
from typing import Any

import pytest

from tests.simulation.crowd import Door, Story, tell

SERVERS: dict[str, tuple[dict[str, Any], dict[str, Any], float, float]] = {
    # what the door does; what the way does; seconds for what 300 s would do; pauses a minute when a minute has passed
    "sliding": ({}, {}, 1.06, 2.7),
    "near": ({}, {"latency": 0.05}, 1.06, 2.7),
    "far": ({}, {"latency": 0.5}, 1.05, 2.5),
    "very-far": ({}, {"latency": 2.0}, 1.06, 2.7),
    "uneven": ({}, {"jitter": 0.2}, 1.11, 3.4),
    "by-the-second": ({"fixed": True}, {}, 1.10, 4.6),
    "uneven-by-the-second": ({"fixed": True}, {"jitter": 0.5}, 1.20, 7.5),
    "asks-three-seconds": ({"retry_after": 3.0}, {}, 1.10, 1.9),
    # A tenth of a second more or less on either way, so what leaves in 1 s may come in 0.8 s: the ideal is 1.25.
    "wild": ({}, {"jitter": 1.0, "latency": 0.2}, 1.28, 3.8),
}


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("rate", [20, 200])
@pytest.mark.parametrize("server", SERVERS)
def test_a_steady_limit(server: str, rate: int, share: float) -> None:
    """Between probes next to nothing is lost, and there are ever fewer probes.

    In the first minute a limit of a quarter is probed every 10 s, then after 15 % of its age: 11 probes in 300 s, which
    are 12 s or 4 % at 1.1 s each. The second before the first refusal, and what it takes to be refused, are the rest.
    """
    door, way, most, pauses = SERVERS[server]
    limit = int(rate * share)
    story = tell(limit * 300, rate, Door(lambda _: limit, **door), **way)
    assert 295 <= story.ended <= 300 * most
    assert story.pauses(since=60.0) / (story.ended - 60.0) * 60.0 <= pauses


@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 0.9])
def test_a_limit_of_a_minute(share: float, fixed: bool) -> None:
    """A server that counts in minutes asks to wait for the rest of one. Ideal are five, and the last at full speed."""
    limit = int(20 * share * 60)
    story = tell(limit * 6, 20, Door(lambda _: limit, window=60.0, fixed=fixed))
    ideal = 300 + limit / 20
    assert ideal <= story.ended + 0.2 <= ideal * 1.07
    assert story.pauses() <= 6


def low_for(seconds: float, rate: int) -> tuple[float, Story]:
    """Simulate a limit that falls to a quarter for so long; return the seconds above the ideal."""
    door = Door(lambda now: rate / 4 if 30 <= now < 30 + seconds else rate)
    story = tell(int(rate * 60 + rate / 4 * seconds), rate, door)
    return story.ended - 60 - seconds, story


@pytest.mark.parametrize("rate", [20, 200])
def test_a_limit_that_falls_to_a_quarter_and_comes_back(rate: int) -> None:
    """As 200 a second, 50, and 200 again, whenever it comes back.

    What is lost, in seconds at the full rate: at the fall two refusals, half a second. Each probe in vain 1.1 s at a
    quarter. When the limit rises, half the time between two probes, at three quarters. With a probe every T seconds
    that is 0.5 + 60 / T * 0.28 + T / 2 * 0.75 for a minute, at best 5.6 s for T of 6.6, which are nine pauses a minute.
    With T of 10 it is 5.9 s, and from the probe to the full rate 1.5 s more.
    """
    lost = [low_for(50.0 + step, rate)[0] for step in range(21)]
    assert mean(lost) <= 7.6
    assert max(lost) <= 12.0
    extra, story = low_for(60.0, rate)
    assert extra <= 0.05 * 120
    assert story.pauses() <= 7


def test_what_rises_a_little_is_found_too() -> None:
    door = Door(lambda now: 10 if now < 60 else 13)
    story = tell(600 + 13 * 120, 40, door)
    assert story.ended <= 180 * 1.08


def test_a_rate_without_end_finds_the_limit_as_well() -> None:
    story = tell(50 * 120, float("inf"), Door(lambda _: 50), latency=0.01)
    assert story.ended <= 120 * 1.1
