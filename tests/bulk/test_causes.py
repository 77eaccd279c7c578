"""Stopping by cause: each advice acts on as much as it concerns, and no more."""

from __future__ import annotations

import pytest

from tests.bulk.fakes import FakeClient, FakeTime, counts, make_sender, phone, rows_of, text, texts
from wabotick_async import Advice, APIError, CampaignAbortedError, NotSentError, Outcome, Scope, SendTemplate, SendText
from wabotick_async.bulk import BulkMessage, Journal
from wabotick_async.bulk.journal import State
from wabotick_async.bulk.policy import CAMPAIGN, stops, wait_before_retry


def refusal(advice: Advice, text: str = "no") -> APIError:
    return APIError(text, status=200, advice=advice)


def template(number: int, template_id: str) -> SendTemplate:
    return SendTemplate(phone_number=phone(number), template_id=template_id)


async def test_a_stopped_template_leaves_the_others_alone(client: FakeClient, journal: Journal) -> None:
    client.plan(1, refusal(Advice.STOP_TEMPLATE, "template not found"))
    client.last_step_stays = True
    messages = [template(number, "48" if number % 2 else "49") for number in range(1, 41)]
    with pytest.raises(CampaignAbortedError, match=r"template 48 is stopped: .*template not found") as caught:
        await make_sender(client, journal, concurrency=1).run(messages)
    assert caught.value.report is not None
    assert counts(caught.value.report) == {"accepted": 20, "not_sent": 20}
    assert [one for one in client.wire if one != phone(1)] == [phone(number) for number in range(2, 41, 2)]


async def test_a_stopped_number_leaves_the_others_alone(client: FakeClient, journal: Journal) -> None:
    client.plan(1, refusal(Advice.STOP_NUMBER))
    numbers = {1: "100", 0: "200"}
    messages = [
        SendText(phone_number=phone(number), message="hi", phone_number_id=numbers[number % 2])
        for number in range(1, 21)
    ]
    with pytest.raises(CampaignAbortedError, match="number 100 is stopped") as caught:
        await make_sender(client, journal, concurrency=1).run(messages)
    assert caught.value.report is not None
    assert counts(caught.value.report) == {"accepted": 10, "not_sent": 10}


async def test_what_was_refused_for_the_account_is_sent_after_the_repair(client: FakeClient, journal: Journal) -> None:
    client.plan(3, refusal(Advice.FIX_CREDENTIALS))
    with pytest.raises(CampaignAbortedError):
        await make_sender(client, journal).run(texts(20))
    assert counts(await make_sender(client, journal).run(texts(20))) == {"accepted": 20}


async def test_a_day_later_is_not_this_run(client: FakeClient, journal: Journal, time: FakeTime) -> None:
    client.plan(2, refusal(Advice.DEFER_DAY))
    report = await make_sender(client, journal, time).run(texts(3))
    assert (counts(report), report.complete, report.stopped) == ({"accepted": 2, "not_sent": 1}, False, None)
    assert (await rows_of(journal))[phone(2)].not_before == pytest.approx(time.now + 86_400, abs=60)
    assert counts(await make_sender(client, journal, time).resume()) == {"accepted": 2, "not_sent": 1}
    time.now += 86_500
    assert counts(await make_sender(client, journal, time).resume()) == {"accepted": 3}


async def test_a_suppressed_recipient_gets_nothing_more(client: FakeClient, journal: Journal) -> None:
    client.plan(1, refusal(Advice.SUPPRESS_RECIPIENT))
    messages = [BulkMessage(request=text(1), key=str(number)) for number in range(3)]
    report = await make_sender(client, journal, concurrency=1).run(messages)
    assert counts(report) == {"refused": 1, "skipped": 2}
    again: list[BulkMessage | SendText] = [BulkMessage(request=text(1), key="another"), text(2)]
    assert counts(await make_sender(client, journal).run(again)) == {"accepted": 1, "refused": 1, "skipped": 3}
    assert client.wire.count(phone(1)) == 1


async def test_rejected_parameters_of_the_first_rows_are_a_hint(client: FakeClient, journal: Journal) -> None:
    for number in range(1, 100):
        client.plan(number, refusal(Advice.REJECT_ROW))
    with pytest.raises(CampaignAbortedError, match="the first 20 messages were all rejected"):
        await make_sender(client, journal, concurrency=1).run(texts(99))
    assert len(client.wire) == 20


async def test_rejected_rows_among_good_ones_stop_nothing(client: FakeClient, journal: Journal) -> None:
    for number in range(2, 60):
        client.plan(number, refusal(Advice.REJECT_ROW))
    report = await make_sender(client, journal, concurrency=1).run(texts(59))
    assert counts(report) == {"accepted": 1, "refused": 58}


async def test_a_slow_pair_waits_longer_each_time_and_then_for_a_later_run(
    client: FakeClient, journal: Journal, time: FakeTime
) -> None:
    client.plan(1, *(refusal(Advice.SLOW_PAIR) for _ in range(50)))
    report = await make_sender(client, journal, time).run([text(1), text(2)])
    assert counts(report) == {"accepted": 1, "not_sent": 1}
    assert client.wire.count(phone(1)) == 6  # after 1, 4, 16, 64 and 256 s; 1,024 s are for a later run


@pytest.mark.parametrize(
    ("advice", "waits"),
    [
        (Advice.SLOW_PAIR, [1.0, 4.0, 16.0]),
        (Advice.PAUSE_NUMBER, [60.0, 60.0, 60.0]),
        (Advice.SLOW_NUMBER, [0.5, 1.0, 2.0]),
        (Advice.DEFER_DAY, [86_400.0] * 3),
    ],
)
def test_waits(advice: Advice, waits: list[float]) -> None:
    assert [wait_before_retry(refusal(advice), returns) for returns in range(3)] == waits


def test_a_stop_without_its_object_concerns_the_campaign() -> None:
    assert stops(refusal(Advice.STOP_TEMPLATE), text(1)) == CAMPAIGN
    assert stops(refusal(Advice.STOP_TEMPLATE), template(1, "48")) == Scope("template", "48")


async def test_an_outage_costs_a_handful_of_requests_and_no_row(journal: Journal, time: FakeTime) -> None:
    client, outage_ends = FakeClient(concurrency=8), time.now + 120.0

    async def unplugged(recipient: str) -> None:
        if time.now < outage_ends:
            raise NotSentError("refused")

    client.connect = unplugged
    report = await make_sender(client, journal, time).run(texts(200))
    assert counts(report) == {"accepted": 200}
    assert len(client.asked) - 200 < 40


async def test_an_unknown_counts_against_the_reach_too(journal: Journal, time: FakeTime) -> None:
    client = FakeClient(concurrency=4)
    for number in range(1, 13):
        client.plan(number, APIError("?", status=200, outcome=Outcome.UNKNOWN))
    report = await make_sender(client, journal, time).run(texts(40))
    assert counts(report) == {"accepted": 28, "unknown": 12}
    assert sum(time.slept) > 0.2  # the breaker was open


async def test_rows_of_a_refused_message_keep_their_state(client: FakeClient, journal: Journal) -> None:
    client.plan(1, refusal(Advice.USE_TEMPLATE))
    await make_sender(client, journal).run([text(1)])
    assert (await rows_of(journal))[phone(1)].state is State.REFUSED
