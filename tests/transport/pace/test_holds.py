"""A request in several narrow scopes at once gets its turn, and costs the others next to nothing."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wabotick_async import Limits, NotDueError, RateLimiter
from wabotick_async.config import Rate
from wabotick_async.outcomes import Outcome
from wabotick_async.testing import ManualClock
from wabotick_async.transport.pace import Scope, Scopes

NUMBER, TEMPLATE, RECIPIENT = Scope("number", "A"), Scope("template", "T"), Scope("recipient", "A:1")
IN_NUMBER, IN_TEMPLATE, IN_BOTH = Scopes(NUMBER), Scopes(template=TEMPLATE), Scopes(NUMBER, TEMPLATE)


class Crowds:
    """Crowds before one limiter: each sends one request after the other, so that its scopes are never idle."""

    def __init__(self, limits: Limits) -> None:
        self.clock = ManualClock()
        self.limiter = RateLimiter(limits=limits, clock=self.clock, call_later=self.clock.call_later)
        self.grants: Counter[str] = Counter()
        self.longest: dict[str, float] = {}
        self.tasks: list[asyncio.Task[None]] = []

    def add(self, name: str, scopes: Scopes, count: int, *, urgent: bool = False) -> None:
        self.longest[name] = 0.0
        for _ in range(count):
            self.tasks.append(asyncio.create_task(self._one(name, scopes, urgent)))

    async def _one(self, name: str, scopes: Scopes, urgent: bool) -> None:
        while True:
            waited = await self.limiter.acquire(scopes, urgent=urgent)
            self.grants[name] += 1
            self.longest[name] = max(self.longest[name], waited)
            self.limiter.release(elapsed=0.0, outcome=Outcome.ACCEPTED)

    async def run(self, seconds: float) -> None:
        await self.clock.advance(seconds)

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


@pytest.mark.parametrize(("number", "template"), [(10, 10), (10, 7), (7, 10), (20, 3), (1, 0.7)])
async def test_between_two_busy_crowds_one_in_both_scopes_gets_its_turn(number: float, template: float) -> None:
    crowds = Crowds(Limits(rate=1_000.0, headroom=0.0, number=Rate(number), template=Rate(template)))
    crowds.add("number", IN_NUMBER, 19)
    crowds.add("template", IN_TEMPLATE, 19)
    await crowds.run(0.05 / number)  # out of phase
    crowds.add("both", IN_BOTH, 1)
    seconds = 300.0 / min(number, template)
    await crowds.run(seconds)
    # Nineteen before it in each scope, one after the other at the worst.
    assert crowds.longest["both"] <= 21 / number + 21 / template
    assert crowds.grants["both"] >= seconds / (21 / number + 21 / template)
    # The scope that is kept loses at most an interval of the quicker one each time, and nothing where that is short.
    lost = 0.0 if max(number, template) >= 10 else crowds.grants["both"]
    used = {NUMBER: crowds.grants["number"], TEMPLATE: crowds.grants["template"]}
    assert used[NUMBER] + crowds.grants["both"] >= 0.98 * number * seconds - lost
    assert used[TEMPLATE] + crowds.grants["both"] >= 0.98 * template * seconds - lost
    await crowds.close()


async def test_an_urgent_crowd_does_not_starve_one_in_both_scopes() -> None:
    crowds = Crowds(Limits(rate=1_000.0, headroom=0.0, number=Rate(10), template=Rate(7)))
    crowds.add("number", IN_NUMBER, 9, urgent=True)
    crowds.add("template", IN_TEMPLATE, 9, urgent=True)
    await crowds.run(0.05)
    crowds.add("both", IN_BOTH, 1)
    await crowds.run(60.0)
    assert crowds.grants["both"] >= 10
    await crowds.close()


async def test_nobody_is_held_up_by_one_whose_other_scope_pauses() -> None:
    crowds = Crowds(Limits(rate=1_000.0, headroom=0.0, number=Rate(10), template=Rate(5)))
    crowds.limiter.pause(crowds.clock() + 60.0, NUMBER)
    crowds.add("both", IN_BOTH, 5)
    await crowds.run(0.1)
    crowds.add("template", IN_TEMPLATE, 2)
    await crowds.run(30.0)
    assert crowds.grants["template"] >= 149
    assert crowds.grants["both"] == 0
    await crowds.close()


async def test_a_pause_that_begins_meanwhile_frees_what_was_kept() -> None:
    crowds = Crowds(Limits(rate=1_000.0, headroom=0.0, number=Rate(2), template=Rate(1)))
    await crowds.limiter.acquire(IN_NUMBER)
    crowds.add("both", IN_BOTH, 1)  # the template is due and kept, the number is not for half a second
    await crowds.run(0.1)
    crowds.add("template", IN_TEMPLATE, 1)
    await crowds.run(0.2)
    assert crowds.grants == {}
    crowds.limiter.pause(crowds.clock() + 60.0, NUMBER)
    await crowds.run(10.0)
    assert crowds.grants["template"] >= 9
    await crowds.close()


async def test_what_was_kept_for_one_who_went_away_is_free_at_once() -> None:
    crowds = Crowds(Limits(rate=1_000.0, headroom=0.0, number=Rate(2), template=Rate(1)))
    await crowds.limiter.acquire(IN_NUMBER)
    crowds.add("both", IN_BOTH, 1)
    await crowds.run(0.1)
    crowds.add("template", IN_TEMPLATE, 1)
    await crowds.run(0.1)
    assert crowds.grants == {}
    crowds.tasks[0].cancel()
    await crowds.run(0.01)
    assert crowds.grants == {"template": 1}
    await crowds.close()


async def test_a_hot_recipient_keeps_its_order_and_costs_its_number_nothing() -> None:
    crowds = Crowds(Limits(rate=1_000.0, headroom=0.0, number=Rate(20), pair=Rate(1, per=6.0, burst=1)))
    crowds.add("number", IN_NUMBER, 39)
    crowds.add("pair", Scopes(NUMBER, recipient=RECIPIENT), 3)
    await crowds.run(120.0)
    # One in six seconds, and no more than the wait of one among forty others on top.
    assert crowds.grants["pair"] >= 120 / (6 + 0.1) - 1
    assert crowds.grants["pair"] + crowds.grants["number"] >= 0.98 * 20 * 120
    await crowds.close()


async def test_who_would_rather_come_again_is_turned_away_even_in_the_line() -> None:
    """He came when his recipient was due, and by the time of his turn another has had it."""
    crowds = Crowds(Limits(rate=2.0, headroom=0.0, pair=Rate(1, per=6.0, burst=1)))
    pair = Scopes(recipient=RECIPIENT)
    await crowds.limiter.acquire()
    first = asyncio.create_task(crowds.limiter.acquire(pair))
    second = asyncio.create_task(crowds.limiter.acquire(pair, park=True))
    await crowds.run(1.01)
    assert await first == pytest.approx(0.5)
    with pytest.raises(NotDueError) as caught:
        await second
    assert caught.value.retry_in == pytest.approx(6.0, abs=0.6)
    assert crowds.limiter.waiting == 0


async def test_what_was_kept_for_one_who_is_turned_away_is_free_at_once_in_both_lanes() -> None:
    crowds = Crowds(Limits(rate=1_000.0, headroom=0.0, number=Rate(3), template=Rate(1)))
    await crowds.limiter.acquire(IN_NUMBER)
    await crowds.run(0.1)
    both = asyncio.create_task(crowds.limiter.acquire(IN_BOTH, park=True))  # the template is kept for him
    await crowds.run(0.05)
    urgent = [asyncio.create_task(crowds.limiter.acquire(IN_NUMBER, urgent=True)) for _ in range(2)]
    template = asyncio.create_task(crowds.limiter.acquire(IN_TEMPLATE, urgent=True))
    await crowds.run(0.2)
    assert urgent[0].done()
    crowds.limiter.pause(crowds.clock() + 60.0, NUMBER)
    await crowds.run(0.02)
    assert isinstance(both.exception(), NotDueError)
    assert template.done()
    urgent[1].cancel()
    await asyncio.gather(urgent[1], return_exceptions=True)


async def test_one_who_would_rather_come_again_waits_for_his_turn_of_the_quicker_scope() -> None:
    """While the slower one is due: it would be taken by others until he comes again, whenever that is."""
    crowds = Crowds(Limits(rate=1_000.0, headroom=0.0, number=Rate(1), template=Rate(2)))
    await crowds.limiter.acquire(IN_TEMPLATE)
    both = asyncio.create_task(crowds.limiter.acquire(IN_BOTH, park=True))
    await crowds.run(0.01)
    with pytest.raises(NotDueError):  # it is not his turn of the quicker one
        await crowds.limiter.acquire(IN_BOTH, park=True)
    await crowds.run(0.5)
    assert await both == pytest.approx(0.5)
    with pytest.raises(NotDueError):  # the slower one is not due
        await crowds.limiter.acquire(IN_BOTH, park=True)


def _crowd(scopes: list[Scopes]) -> st.SearchStrategy[list[tuple[Scopes, int, bool]]]:
    return st.lists(st.tuples(st.sampled_from(scopes), st.integers(1, 6), st.just(False)), min_size=1, max_size=5)


_RATES = st.sampled_from([0.5, 1.0, 3.0, 7.0, 10.0, 13.0])
_SCOPES = [
    Scopes(number, template, recipient)
    for number in (None, NUMBER, Scope("number", "B"))
    for template in (None, TEMPLATE, Scope("template", "U"))
    for recipient in (None, RECIPIENT, Scope("recipient", "A:2"))
]


@settings(max_examples=40, deadline=None)
@given(_RATES, _RATES, st.integers(1, 3), _crowd(_SCOPES), st.integers(0, 30))
def test_nobody_starves_however_the_crowds_are_mixed(
    number: float, template: float, burst: int, mixture: list[tuple[Scopes, int, bool]], phase: int
) -> None:
    """Each waits at most for all who came before him, each for the slowest of the limits, and for one of his own."""

    async def run() -> None:
        pair = Rate(1, per=2.0, burst=2)
        limits = Limits(
            rate=50.0, headroom=0.0, number=Rate(number, burst=burst), template=Rate(template, burst=burst), pair=pair
        )
        crowds = Crowds(limits)
        for index, (scopes, count, urgent) in enumerate(mixture):
            crowds.add(str(index), scopes, count, urgent=urgent)
            await crowds.run(phase / 100.0)
        most = (sum(count for _, count, _ in mixture) + 3) * (1 / number + 1 / template + 2.0 + 1 / 50.0)
        await crowds.run(2 * most)
        for index in range(len(mixture)):
            assert crowds.grants[str(index)] >= 1, "starved"
            assert crowds.longest[str(index)] <= most
        assert not [one for one in crowds.tasks if one.done()]
        await crowds.close()

    asyncio.run(run())
