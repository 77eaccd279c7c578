"""One recipient, or one number, has no room: everybody else goes on as if nothing were."""

from __future__ import annotations

import pytest

from tests.simulation.scene import NUMBER, Scene, message
from tests.simulation.server import Server
from tests.simulation.virtual_loop import run
from wabotick_async import Rate, SendTemplate
from wabotick_async.transport import Scope

OTHER = "100000000000002"


def hot(count: int) -> int:
    """Simulate a campaign in which every fiftieth of the first 3,000 messages goes to one recipient."""
    texts = [str(number) for number in range(count)]

    async def simulate() -> int:
        server = Server(pair=(6.0, 45))
        scene = Scene(server, rate=50)
        source = [
            message(0 if number < 3_000 and number % 50 == 0 else number + 1, text=text)
            for number, text in enumerate(texts)
        ]
        report = await scene.campaign(source)
        assert (report.accepted, report.refused, report.unknown, report.not_sent) == (count, 0, 0, 0)
        assert len(server.arrivals) == count, "the server refused some for the pair's pace"
        times = [one.time for one in server.arrivals if one.recipient == source[0].phone_number]
        others = [one.time for one in server.arrivals if one.recipient != source[0].phone_number]
        assert len(times) == 60
        # 45 on credit, one in 6 seconds: the 60th cannot come before 15 * 6 s.
        assert 90.0 <= times[-1] <= 90.0 * 1.01
        # The ideal of the others is the account's rate: those of the hot one who wait use none of it.
        assert others[-1] <= count / 50 * 1.01
        return count

    return run(simulate())


def test_one_hot_recipient_holds_up_nobody() -> None:
    assert hot(3_000) == 3_000


def test_one_hot_recipient_in_ten_thousand() -> None:
    assert hot(10_000) == 10_000


def test_a_paused_number_leaves_the_other_its_rate() -> None:
    async def simulate() -> None:
        server = Server()
        scene = Scene(server, rate=50, number=Rate(10.0))
        scene.limiter.pause(scene.limiter.clock() + 60.0, Scope("number", NUMBER))
        report = await scene.campaign(message(one, NUMBER if one % 2 else OTHER) for one in range(600))
        assert (report.accepted, report.refused, report.unknown, report.not_sent) == (600, 0, 0, 0)
        paused = [one.time for one in server.arrivals if one.number == NUMBER]
        other = [one.time for one in server.arrivals if one.number == OTHER]
        assert len(paused) == len(other) == 300
        # 300 at 10 a second are 30 s, from now on and from the pause's end.
        assert 29.9 <= other[-1] + 1e-6 <= 30.0 * 1.02
        assert paused[0] + 1e-6 >= 60.0
        assert 89.9 <= paused[-1] + 1e-6 <= 90.0 * 1.02

    run(simulate())


@pytest.mark.parametrize(
    ("number", "template"), [(1.0, 2.0), (1.0, 3.0), (2.0, 1.5), (0.3, 1.0), (1.0, 0.3), (10.0, 7.0)]
)
def test_a_message_in_two_slow_scopes_comes_in_its_turn(number: float, template: float) -> None:
    """Half of the others want its number, half its template, so that neither is ever idle when it comes."""

    async def simulate() -> None:
        server = Server()
        scene = Scene(server, rate=100, number=Rate(number), template=Rate(template), pair=None)
        source = [
            SendTemplate(
                phone_number=f"9190{one:08}",
                phone_number_id=NUMBER if one % 2 or one % 50 == 20 else f"2{one:014}",
                template_id="7" if one % 2 == 0 else f"{1_000 + one}",
            )
            for one in range(200)
        ]
        report = await scene.campaign(source)
        assert (report.accepted, report.refused, report.unknown, report.not_sent) == (200, 0, 0, 0)
        came = {one.recipient: one.time for one in server.arrivals}
        for one in range(20, 200, 50):
            before = max(one / 2 / number, one / 2 / template)
            # Two intervals of the slower scope, and what a place for it takes, above all who came before.
            assert came[source[one].phone_number] <= before * 1.1 + 3 / min(number, template)
        assert report.elapsed <= 104 / min(number, template) * 1.02

    run(simulate())
