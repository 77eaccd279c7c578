"""The reasons to stop a run, as its messages end one after the other."""

from __future__ import annotations

from typing import Any

import pytest

from tests.bulk.fakes import text
from wabotick_async.bulk.course import Course
from wabotick_async.bulk.delivery import Delivered, Job
from wabotick_async.bulk.settings import CampaignSettings
from wabotick_async.endpoints import registry
from wabotick_async.errors import Advice, APIError, OutcomeUnknownError
from wabotick_async.outcomes import Outcome

ACCEPTED = Delivered(outcome=Outcome.ACCEPTED)
REJECTED = Delivered(outcome=Outcome.REFUSED, error=APIError("missing", advice=Advice.REJECT_ROW, status=200))
UNKNOWN = Delivered(outcome=Outcome.UNKNOWN, error=OutcomeUnknownError("cut"))


@pytest.fixture
def course() -> Course:
    async def sleep(_: float) -> None: ...

    clock: dict[str, Any] = {"clock": lambda: 0.0, "monotonic": lambda: 0.0, "sleep": sleep}
    settings = CampaignSettings(concurrency=4, max_unknown=1, patience=9.0, registry=registry, **clock)
    return Course(settings, lambda: None)


def end(course: Course, *delivered: Delivered) -> None:
    """Let messages end whose results are not in the journal yet."""
    for number, one in enumerate(delivered):
        course.heed(Job(seq=number, request=text(number)), one)


def test_the_first_that_are_all_rejected_stop_the_run(course: Course) -> None:
    end(course, *[REJECTED] * 20)
    assert course.stopped is not None
    assert "all rejected" in course.stopped


def test_one_that_was_accepted_before_shows_that_messages_can_be(course: Course) -> None:
    end(course, ACCEPTED, *[REJECTED] * 40)
    assert course.stopped is None


def test_too_many_unknowns_stop_the_run_before_they_are_counted(course: Course) -> None:
    stopped: list[str | None] = []
    for _ in range(2):
        end(course, UNKNOWN)
        stopped.append(course.stopped)
    assert stopped == [None, "more than 1 messages have an unknown outcome"]
    assert course.counts == {}


def test_what_is_counted_is_in_the_journal(course: Course) -> None:
    for one in (ACCEPTED, REJECTED, Delivered(outcome=Outcome.NOT_SENT)):
        course.count(one)
    assert course.counts == {Outcome.ACCEPTED: 1, Outcome.REFUSED: 1}
