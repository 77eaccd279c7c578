"""Different recipients in 24 hours: never more than allowed in any of them, over all runs of a journal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bulk.fakes import FakeClient, FakeTime, Step, counts, make_sender, phone, phones, text, texts
from wabotick_async.bulk import Journal
from wabotick_async.bulk.quota import DAY, DailyRecipients
from wabotick_async.config import Limits
from wabotick_async.errors import APIError, OutcomeUnknownError, RequestInvalidError

HOUR = 3600.0


@pytest.fixture
def client() -> FakeClient:
    client = FakeClient()
    client.limits = Limits(concurrency=4, daily_recipients=3)
    return client


async def test_recipients_beyond_the_quota_stay_queued(client: FakeClient, journal: Journal, time: FakeTime) -> None:
    report = await make_sender(client, journal, time).run([*texts(5), *(text(number, "again") for number in (1, 2, 3))])
    assert counts(report) == {"accepted": 6, "not_sent": 2}
    assert report.stopped == "3 recipients a day have their message; the next may in 24.0 h"
    assert sorted(set(client.wire)) == phones([1, 2, 3])
    assert sorted(set(client.asked)) == phones([1, 2, 3])
    assert time.slept == []


@pytest.mark.parametrize(("later", "sent"), [(HOUR, 3), (DAY - 600, 3), (DAY + 1, 6)])
async def test_a_later_run_knows(client: FakeClient, journal: Journal, time: FakeTime, later: float, sent: int) -> None:
    await make_sender(client, journal, time).run(texts(9))
    time.now += later
    report = await make_sender(client, journal, time).resume()
    assert (report.accepted, report.not_sent) == (sent, 9 - sent)
    assert len(set(client.wire)) == sent


async def test_the_window_moves(client: FakeClient, journal: Journal, time: FakeTime) -> None:
    await make_sender(client, journal, time).run(texts(1))
    time.now += 12 * HOUR
    await make_sender(client, journal, time).run(texts(3))
    time.now += 12 * HOUR
    report = await make_sender(client, journal, time).run(texts(6))
    assert client.wire == phones([1, 2, 3, 4])
    assert report.not_sent == 2
    assert str(report.stopped).endswith("the next may in 12.0 h")


async def test_a_run_waits_where_that_is_not_long(client: FakeClient, journal: Journal, time: FakeTime) -> None:
    await make_sender(client, journal, time).run(texts(3))
    time.now += DAY - 200.0
    report = await make_sender(client, journal, time).run(texts(5))
    assert (counts(report), report.stopped) == ({"accepted": 5}, None)
    assert client.wire == phones([1, 2, 3, 4, 5])
    assert sum(time.slept) == pytest.approx(200.0, abs=10.0)


@pytest.mark.parametrize(
    ("step", "taken"),
    [
        (Step(APIError("no", status=200)), False),
        (Step(RequestInvalidError("bad"), early=True), False),
        (Step(OutcomeUnknownError("cut")), True),
    ],
    ids=["refused", "skipped", "unknown"],
)
async def test_who_may_have_got_a_message_counts(
    client: FakeClient, journal: Journal, time: FakeTime, step: Step, taken: bool
) -> None:
    client.plan(1, step)
    sender = make_sender(client, journal, time, concurrency=1)
    await sender.run(texts(1))
    report = await make_sender(client, journal, time, concurrency=1).run(texts(9))
    assert report.accepted == (2 if taken else 3)
    assert phone(1 + 3) in client.wire or taken


async def test_a_refusal_in_the_same_run_frees_the_place(client: FakeClient, journal: Journal, time: FakeTime) -> None:
    for number in range(1, 30):
        client.plan(number, APIError("no", status=200))
    report = await make_sender(client, journal, time).run(texts(40))
    assert counts(report) == {"refused": 29, "accepted": 3, "not_sent": 8}


async def test_without_a_quota_the_journal_is_not_searched(journal: Journal) -> None:
    async def search(since: float, limit: int) -> list[tuple[str, float]]:
        raise AssertionError("nobody asked for it")

    journal.recent_receivers = search  # type: ignore[method-assign]  # a journal that is not to be asked
    assert (await make_sender(FakeClient(), journal).run(texts(5))).accepted == 5


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


STEPS = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from([0.0, HOUR, 7 * HOUR, 23 * HOUR]), st.booleans()), max_size=60
)


@given(STEPS, st.integers(1, 4), st.integers(0, 3))
def test_no_window_of_a_day_has_more(steps: list[tuple[int, float, bool]], limit: int, delay: int) -> None:
    clock = Clock()
    quota = DailyRecipients(limit, clock=clock)
    on_the_way: list[tuple[str, bool]] = []
    left: list[tuple[float, str]] = []
    for number, seconds, written in steps:
        clock.now += seconds
        if quota.admit(str(number)) == 0.0:
            on_the_way.append((str(number), written))
            if written:
                left.append((clock.now, str(number)))
        while len(on_the_way) > delay:
            recipient, had_it = on_the_way.pop(0)
            quota.release(recipient, written=had_it)
    for end, _ in left:
        assert len({recipient for time, recipient in left if end - DAY < time <= end}) <= limit
    while on_the_way:
        recipient, had_it = on_the_way.pop()
        quota.release(recipient, written=had_it)
    assert quota._new == 0
    assert len(quota._written) <= limit
    assert not quota._on_the_way


def test_it_says_how_long_and_lets_go_then() -> None:
    clock = Clock()
    quota = DailyRecipients(2, clock=clock)
    quota.remember([("1", -3 * HOUR), ("2", 5 * HOUR)])
    assert (quota.wait_for("1"), quota.wait_for("3")) == (0.0, 21 * HOUR)
    clock.now += 21 * HOUR
    assert quota.admit("3") == 0.0
    assert quota.wait_for("1") == float("inf")  # the third is on its way, and may be refused yet
    quota.release("3", written=False)
    assert quota.wait_for("1") == 0.0
