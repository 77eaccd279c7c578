"""Tasks that carry one request after another: none is lost on the way, whoever breaks it off."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from wabotick_async.transport.carriers import Carriers
from wabotick_async.wire.http import HTTPAnswer

ANSWER = HTTPAnswer(status=200, headers={}, body=b"{}")
CALLED_OFF = "called off"


class Bell:
    """In place of the loop: rings when it is told to."""

    def __init__(self) -> None:
        self.rings: list[Callable[[], None]] = []

    def call_later(self, _seconds: float, ring: Callable[[], None]) -> asyncio.TimerHandle:
        self.rings.append(ring)
        return asyncio.get_running_loop().call_later(3600.0, lambda: None)

    def ring(self) -> None:
        self.rings.pop()()


class Parcel:
    """A load that arrives when it is told to."""

    def __init__(self) -> None:
        self.way: asyncio.Future[HTTPAnswer] = asyncio.get_running_loop().create_future()
        self.told: list[Any] = []
        self.carrier: asyncio.Task[Any] | None = None

    async def carry(self) -> HTTPAnswer:
        self.carrier = asyncio.current_task()
        return await self.way

    def ended(self, what: HTTPAnswer | Exception | None) -> None:
        self.told.append(CALLED_OFF if what is None else what)


@pytest.fixture
def bell() -> Bell:
    return Bell()


@pytest.fixture
def carriers(bell: Bell) -> Carriers:
    return Carriers(bell)  # type: ignore[arg-type]  # it has the one method that is called


async def turns(count: int = 3) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def carried(carriers: Carriers, count: int = 1) -> list[Parcel]:
    """Carry parcels at the same time."""
    parcels = [Parcel() for _ in range(count)]
    for parcel in parcels:
        carriers.carry(parcel)
    await turns()
    for parcel in parcels:
        parcel.way.set_result(ANSWER)
    await turns()
    return parcels


async def test_one_carries_one_after_another(carriers: Carriers) -> None:
    first, second = await carried(carriers), await carried(carriers)
    assert (first[0].told, second[0].told) == ([ANSWER], [ANSWER])
    assert first[0].carrier is second[0].carrier
    await carriers.close()


async def test_as_many_carry_as_there_is_to_carry(carriers: Carriers) -> None:
    parcels = await carried(carriers, 3)
    assert len({parcel.carrier for parcel in parcels}) == len(carriers) == 3
    await carriers.close()
    await turns()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_an_error_arrives_and_the_carrier_goes_on(carriers: Carriers) -> None:
    failed = Parcel()
    carriers.carry(failed)
    failed.way.set_exception(error := ValueError("no"))
    await turns()
    assert failed.told == [error]
    assert (await carried(carriers))[0].carrier is failed.carrier
    await carriers.close()


async def test_those_that_were_not_needed_end(carriers: Carriers, bell: Bell) -> None:
    await carried(carriers, 3)
    bell.ring()  # all three have worked since they were made
    await carried(carriers, 2)
    assert len(carriers) == 3
    bell.ring()
    await turns()
    assert len(carriers) == len(asyncio.all_tasks()) - 1 == 2
    bell.ring()
    await turns()
    assert len(carriers) == len(asyncio.all_tasks()) - 1 == 0
    assert bell.rings == []
    await carried(carriers)
    assert len(bell.rings) == 1
    await carriers.close()


@pytest.mark.parametrize("when", ["before it begins", "on its way"])
async def test_a_way_that_is_called_off_is_told_when_it_has_ended(carriers: Carriers, when: str) -> None:
    parcel = Parcel()
    carrier = carriers.carry(parcel)
    if when == "on its way":
        await turns()
    assert carriers.call_off(carrier, parcel)
    assert parcel.told == []
    await carriers.close()
    assert parcel.told == [CALLED_OFF]
    assert len(carriers) == 0


async def test_one_that_rested_is_called_off_before_it_goes_on(carriers: Carriers) -> None:
    await carried(carriers)
    parcel = Parcel()
    assert carriers.call_off(carriers.carry(parcel), parcel)
    await carriers.close()
    assert (parcel.told, parcel.carrier) == ([CALLED_OFF], None)


async def test_what_has_ended_cannot_be_called_off(carriers: Carriers) -> None:
    parcel = Parcel()
    carrier = carriers.carry(parcel)
    parcel.way.set_result(ANSWER)
    await turns()
    assert not carriers.call_off(carrier, parcel)
    assert (await carried(carriers))[0].told == [ANSWER]
    await carriers.close()


async def test_who_was_cancelled_at_rest_carries_nothing_more(carriers: Carriers) -> None:
    (former,) = await carried(carriers)
    assert former.carrier is not None
    former.carrier.cancel()
    parcel = Parcel()
    carriers.carry(parcel)  # in the same turn, before the task has ended
    parcel.way.set_result(ANSWER)
    await turns()
    assert parcel.told == [ANSWER]
    assert parcel.carrier is not former.carrier
    assert len(carriers) == 1
    await carriers.close()


async def test_after_the_end_nobody_rests(carriers: Carriers) -> None:
    parcel = Parcel()
    carriers.carry(parcel)
    await turns()
    await carriers.close()
    parcel.way.set_result(ANSWER)
    await turns()
    assert parcel.told == [ANSWER]
    assert asyncio.all_tasks() == {asyncio.current_task()}
