"""Any scripts of outcomes, any moments to stop, cancel or abort: no row vanishes and none is sent twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bulk.fakes import FakeClient, FakeTime, Step, counts, make_sender, phone, texts
from wabotick_async.bulk import BulkSender, MemoryJournal
from wabotick_async.endpoints import Request
from wabotick_async.errors import (
    Advice,
    APIError,
    CampaignAbortedError,
    NotDueError,
    NotSentError,
    OutcomeUnknownError,
    RateLimitedError,
    RequestInvalidError,
)
from wabotick_async.outcomes import BulkReport

ROWS = 12
# What may be asked for again, and what may not.
AGAIN = {
    "not sent": lambda: Step(NotSentError("down")),
    "not sent, early": lambda: Step(NotSentError("down"), early=True),
    "not due": lambda: Step(NotDueError("later", retry_in=2.0, scope="recipient 1"), early=True),
    "number not due": lambda: Step(NotDueError("later", retry_in=2.0, scope="number 1"), early=True),
    "pair too fast": lambda: Step(APIError("slow", status=200, advice=Advice.SLOW_PAIR)),
    "too fast": lambda: Step(RateLimitedError("slow", status=429, retry_after=3.0)),
}
FINAL: dict[str, Callable[[], Step]] = {
    "accepted": Step,
    "refused": lambda: Step(APIError("no", status=200)),
    "unknown": lambda: Step(OutcomeUnknownError("cut")),
    "invalid": lambda: Step(RequestInvalidError("bad"), early=True),
    "broken": lambda: Step(ZeroDivisionError()),
}
SCRIPT = st.tuples(st.lists(st.sampled_from(sorted(AGAIN)), max_size=3), st.sampled_from(sorted(FINAL)))
END = st.tuples(st.sampled_from(["stop", "cancel"]), st.integers(1, 20))


async def play(scripts: list[tuple[list[str], str]], ends: list[tuple[str, int]], concurrency: int) -> None:
    client, time = FakeClient(concurrency=concurrency), FakeTime()
    client.last_step_stays = True
    for number, (again, final) in enumerate(scripts, start=1):
        client.plan(number, *(AGAIN[name]() for name in again), FINAL[final]())
    journal = MemoryJournal(clock=time)
    for way, after in ends:
        await run_until(client, make_sender(client, journal, time, max_unknown=99), way, after)
    report = await finish(client, journal, time)
    assert report.rows == ROWS + 2
    assert (report.complete, report.causes.get("duplicate")) == (True, 2)
    check(client, report, dict(enumerate(scripts, start=1)))


async def run_until(client: FakeClient, sender: BulkSender, way: str, after: int) -> None:
    """Run until so many requests left."""
    task: asyncio.Task[BulkReport] = asyncio.create_task(sender.run(messages()))
    left = after

    def count(_: Request[Any]) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            sender.stop() if way == "stop" else task.cancel()

    client.on_wire = count
    await asyncio.gather(task, return_exceptions=True)
    client.on_wire = lambda _: None
    error = None if task.cancelled() else task.exception()
    assert error is None or isinstance(error, CampaignAbortedError)


async def finish(client: FakeClient, journal: MemoryJournal, time: FakeTime) -> BulkReport:
    """Go on until nothing is left, as a person would after each abort."""
    for _ in range(ROWS + 1):
        try:
            return await make_sender(client, journal, time, max_unknown=99).run(messages())
        except CampaignAbortedError:
            continue
    raise AssertionError("every client error ends one run, and there cannot be more of them than rows")


def messages() -> list[Any]:
    return [*texts(ROWS), *texts(2)]


def check(client: FakeClient, report: BulkReport, scripts: dict[int, tuple[list[str], str]]) -> None:
    left = Counter(client.wire)
    for number in range(1, ROWS + 1):
        again, final = scripts.get(number, ([], "accepted"))
        # Each request that the server refused for pace left, and one more at most.
        refused = again.count("too fast") + again.count("pair too fast")
        assert left[phone(number)] <= refused + (final != "invalid")
    accepted = sum(scripts.get(number, ([], "accepted"))[1] == "accepted" for number in range(1, ROWS + 1))
    found = counts(report)
    assert found.get("accepted", 0) <= accepted
    assert found.get("accepted", 0) + found.get("unknown", 0) >= accepted
    assert found.get("skipped", 0) >= 2


@given(
    st.lists(SCRIPT, max_size=ROWS),
    st.lists(END, max_size=3),
    st.integers(1, 5),
)
@settings(max_examples=150)
def test_no_row_vanishes_and_none_is_sent_twice(
    scripts: list[tuple[list[str], str]], ends: list[tuple[str, int]], concurrency: int
) -> None:
    asyncio.run(play(scripts, ends, concurrency))
