"""F19, F20, F24: the server asks to slow down, or a person must act."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from tests.faults.stage import Stage, messages, phones
from wabotick_async.bulk.journal import Counts
from wabotick_async.sandbox import Fault, FaultKind

pytestmark = pytest.mark.usefixtures("bulk_way")


def refused_at(stage: Stage) -> list[float]:
    return [one.time for one in stage.sandbox.requests.entries if one.status == 429]


def accepted_after(stage: Stage, moment: float) -> float:
    """Return the seconds from a moment to the first request that came later and was accepted."""
    return min(one.time for one in stage.sandbox.requests.entries if one.status == 200 and one.time > moment) - moment


def too_many(retry_after: str | None, times: int = 1, nth: int = 5) -> Fault:
    return Fault(FaultKind.TOO_MANY_REQUESTS, retry_after=retry_after, nth=nth, times=times)


def in_seconds(seconds: int) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


ASKED: dict[str, tuple[str | None, float, float]] = {
    "seconds": ("20", 20.0, 40.0),
    "date": ("in 90 s", 30.0, 120.0),
    "absent": (None, 60.0, 90.0),
    "nonsense": ("soon", 60.0, 90.0),
    "negative": ("-5", 0.0, 60.0),
    "without end": ("1000000000", 300.0, 900.0),
}
"""What is asked, and the seconds in which nothing may leave and in which something must."""


@pytest.mark.parametrize("name", ASKED)
async def test_f19_the_whole_key_pauses_as_long_as_asked(stage: Stage, name: str) -> None:
    asked, least, most = ASKED[name]
    if name == "date":
        asked = in_seconds(90)  # from now, not from when this file was read
    stage.sandbox.script(too_many(asked))
    await stage.run(messages(20), client={"concurrency": 1})
    assert await stage.judge(phones(20)) == Counts(accepted=20)
    [refused] = refused_at(stage)
    assert least <= accepted_after(stage, refused) < most


async def test_f19_the_pause_holds_every_worker(stage: Stage) -> None:
    stage.sandbox.script(too_many("30", nth=20))
    await stage.run(messages(100), client={"concurrency": 8})
    assert await stage.judge(phones(100)) == Counts(accepted=100)
    [refused] = refused_at(stage)
    early = [one for one in stage.sandbox.requests.entries if 10.0 < one.time - refused < 30.0]
    assert early == []


async def test_f20_a_storm_with_50_in_flight_is_one_pause(stage: Stage) -> None:
    stage.sandbox.script(too_many("30", times=50, nth=50))
    report = await stage.run(messages(400), client={"concurrency": 50})
    assert (report.unknown, report.refused) == (0, 0)
    assert await stage.judge(phones(400)) == Counts(accepted=400)
    refused = refused_at(stage)
    assert len(refused) == 50
    assert len(stage.sandbox.requests) == 450
    # Fifty pauses one behind the other would last 1,500 seconds. A busy machine's seconds count a hundredfold here.
    assert report.elapsed < 1_000.0


async def test_f20_a_server_that_always_says_429_ends_nothing(stage: Stage) -> None:
    stage.sandbox.script(too_many("5", times=30))
    report = await stage.run(messages(20), client={"concurrency": 4})
    assert report.stopped is None
    assert await stage.judge(phones(20)) == Counts(accepted=20)


NEEDS_A_PERSON: dict[str, str] = {
    "bad token": '{"status":"0","message":"Unauthenticated."}',
    "no credit": '{"status":"0","message":"(Error Code : 131042) Business eligibility payment issue"}',
    "locked account": '{"status":"0","message":"(Error Code : 131031) Account has been locked"}',
    "spam block": '{"status":"0","message":"(#131048) Spam rate limit hit"}',
}


@pytest.mark.parametrize("name", NEEDS_A_PERSON)
async def test_f24_in_the_middle_of_1000_a_person_must_act(stage: Stage, name: str) -> None:
    refusal = Fault(FaultKind.HTML, nth=500, times=1_000, body=NEEDS_A_PERSON[name], accepted=False)
    stage.sandbox.script(refusal)
    report = await stage.run(messages(1_000), client={"concurrency": 16})
    assert stage.failure is not None
    assert report.stopped
    assert (report.accepted, report.unknown) == (499, 0), "what was in flight was not drained"
    assert len(stage.sandbox.requests) <= 499 + 16, "went on after the refusal"
    counts = await stage.judge(phones(report.rows))
    assert counts.queued == report.rows - 499 - report.refused > 0


async def test_f24_after_the_repair_every_row_arrives(stage: Stage) -> None:
    body = NEEDS_A_PERSON["bad token"]
    stage.sandbox.script(Fault(FaultKind.HTML, nth=50, times=4, body=body, accepted=False))
    first = await stage.run(messages(100), client={"concurrency": 4})
    assert stage.failure is not None
    await stage.judge(phones(first.rows))
    second = await stage.run(messages(100), client={"concurrency": 4})
    if stage.failure is not None:  # those that were in flight left a refusal in the script
        second = await stage.run(messages(100), client={"concurrency": 4})
    assert (second.accepted, second.not_sent, second.unknown) == (100, 0, 0)
    assert await stage.judge(phones(100)) == Counts(accepted=100)


async def test_f24_a_bad_recipient_is_no_such_reason(stage: Stage) -> None:
    """The refusal of one recipient is no reason to stop the others."""
    stage.sandbox.script(
        Fault(FaultKind.HTML, nth=5, body='{"status":"0","message":"(Error Code : 131026)"}', accepted=False)
    )
    await stage.run(messages(40))
    counts = await stage.judge(phones(40))
    assert (counts.accepted, counts.refused + counts.skipped) == (39, 1)
