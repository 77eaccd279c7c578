"""Work is finished although whoever waits for it is cancelled, however often."""

from __future__ import annotations

import asyncio

import pytest

from wabotick_async.bulk.undisturbed import undisturbed


class Work:
    """Ends when it is told to."""

    def __init__(self) -> None:
        self.end: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.ended = False

    async def run(self) -> int:
        try:
            return await self.end
        finally:
            self.ended = True


async def test_it_returns_and_raises_what_the_work_does() -> None:
    good, bad = Work(), Work()
    good.end.set_result(7)
    bad.end.set_exception(ValueError("no"))
    assert await undisturbed(good.run()) == 7
    with pytest.raises(ValueError, match="no"):
        await undisturbed(bad.run())


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("fails", [False, True])
async def test_a_cancellation_waits_for_the_end(times: int, fails: bool) -> None:
    work = Work()
    waiting = asyncio.create_task(undisturbed(work.run()))
    for _ in range(times):
        await asyncio.sleep(0)
        waiting.cancel()
    await asyncio.sleep(0)
    assert not waiting.done()
    if fails:
        work.end.set_exception(ValueError("no"))
    else:
        work.end.set_result(7)
    with pytest.raises(asyncio.CancelledError) as caught:
        await waiting
    assert work.ended
    assert isinstance(caught.value.__cause__, ValueError) is fails


async def test_work_that_is_called_off_itself_ends() -> None:
    work = Work()
    waiting = asyncio.create_task(undisturbed(work.run()))
    await asyncio.sleep(0)
    work.end.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
