"""What the server has left, as its headers tell: granted and no more, until another answer."""

from __future__ import annotations

import pytest

from tests.transport.pace.test_bucket import drain
from wabotick_async.transport.pace.bucket import Bucket


def test_what_the_server_has_left_is_granted_and_no_more() -> None:
    bucket = Bucket(10.0)
    bucket.leave_to(3, 0.0, 50.0)
    assert len(drain(bucket, 0.0, 49.9)) == 3
    assert bucket.due == 50.0
    assert bucket.waits_for_server
    assert len(drain(bucket, 49.9, 60.0)) == pytest.approx(100, abs=1)
    assert not bucket.waits_for_server


def test_the_next_answer_says_anew_what_is_left() -> None:
    bucket = Bucket(10.0)
    bucket.leave_to(0, 0.0, 50.0)
    assert bucket.due == 50.0
    bucket.leave_to(5, 2.0, 50.0)
    assert drain(bucket, 0.0, 2.05) == [2.0]
    bucket.leave_to(100, 0.0, 50.0)
    assert bucket.due == pytest.approx(2.1)


def test_what_did_not_leave_is_left_to_another() -> None:
    bucket = Bucket(10.0)
    bucket.unused()
    bucket.leave_to(1, 0.0, 50.0)
    drain(bucket, 0.0, 1.0)
    assert bucket.due == 50.0
    bucket.unused()
    assert bucket.due == pytest.approx(0.1)


def test_a_refusal_says_more_than_what_was_left() -> None:
    bucket = Bucket(10.0)
    bucket.leave_to(0, 0.0, 50.0)
    bucket.throttled(3.0, "", 2.0, 0.1)
    assert bucket.due == 3.0


def test_the_grant_behind_others_is_reckoned_without_waiting_for_answers() -> None:
    bucket = Bucket(10.0)
    bucket.leave_to(0, 3.0, 50.0)
    assert bucket.due_behind(2, 0.0) == pytest.approx(3.2)
