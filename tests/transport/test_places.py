"""Places go to those who came first, and none is ever lost."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wabotick_async import NotSentError
from wabotick_async.transport.places import Places


async def waiting(places: Places, count: int) -> list[asyncio.Task[None]]:
    tasks = [asyncio.create_task(places.wait()) for _ in range(count)]
    await asyncio.sleep(0)
    return tasks


async def test_first_come_first_served() -> None:
    places = Places(1)
    assert [places.take(), places.take()] == [True, False]
    first, second = await waiting(places, 2)
    places.give_back()
    assert not places.take(), "overtaken"
    await first
    assert not second.done()
    places.give_back()
    await second
    places.give_back()
    assert places.take()


@pytest.mark.parametrize("given", [False, True], ids=["before", "as it is given"])
async def test_one_who_leaves_the_line_takes_no_place_along(given: bool) -> None:
    places = Places(1)
    places.take()
    first, second = await waiting(places, 2)
    if given:
        places.give_back()
    first.cancel()
    if not given:
        places.give_back()
    await second
    assert first.cancelled() or first.cancelling()
    places.give_back()
    assert places.take()


async def test_the_end_sends_everybody_away() -> None:
    places = Places(1)
    places.take()
    (one,) = await waiting(places, 1)
    places.close(lambda: NotSentError("closed", fatal=True))
    with pytest.raises(NotSentError, match="closed") as caught:
        await one
    assert caught.value.fatal


async def test_more_may_be_taken_than_there_are_and_have_to_come_back_first() -> None:
    places = Places(1)
    places.take_anyway(1)
    places.take_anyway(1)
    (waiter,) = await waiting(places, 1)
    places.give_back()
    await asyncio.sleep(0)
    assert not waiter.done()
    places.give_back()
    await asyncio.wait_for(waiter, 1)


async def test_it_is_told_when_one_is_free_that_nobody_waits_for() -> None:
    told: list[int] = []
    places = Places(0, lambda: told.append(places.free))
    (waiter,) = await waiting(places, 1)
    places.give_back()
    assert told == []
    await asyncio.wait_for(waiter, 1)
    places.give_back()
    assert told == [1]


@given(st.lists(st.sampled_from(["take", "leave", "cancel"]), max_size=40))
def test_there_are_never_more_or_fewer(deeds: list[str]) -> None:
    async def play() -> None:
        places, inside, line = Places(2), 0, list[asyncio.Task[None]]()
        for deed in deeds:
            if deed == "take":
                if places.take():
                    inside += 1
                else:
                    line += await waiting(places, 1)
            elif deed == "leave" and inside:
                inside -= 1
                places.give_back()
            elif deed == "cancel" and line:
                line.pop().cancel()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            inside += len([one for one in line if one.done()])
            line = [one for one in line if not one.done()]
            assert inside <= 2
            assert not line or inside == 2
        for one in line:
            one.cancel()

    asyncio.run(play())
