"""Which rows a conversation settles: the table of what may be there."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from wabotick_async import ConversationRow, Finding
from wabotick_async.bulk.content import ExpectedTemplate, ExpectedText
from wabotick_async.bulk.matching import (
    ANY_CLOCK,
    Attempt,
    ClockDifference,
    Conversation,
    Verdict,
    difference_of,
    judge,
    seconds_of,
)

NOW = 1_700_000_000.0
HELLO = ExpectedText("hello")


def shown(message_id: str | None, at: float | None = 1.0, body: str = "hello", **fields: Any) -> ConversationRow:
    stamp = None if at is None else datetime.fromtimestamp(NOW + at, UTC).strftime("%Y-%m-%d %H:%M:%S")
    content = json.dumps({"type": "text", "text": {"body": body}})
    known = {"sender": "agent", "id": f"1{message_id}", **fields}
    return ConversationRow(raw_content=content, conversation_time=stamp, message_id=message_id, **known)


def attempt(seq: int, began: float = 0.0, expected: Any = HELLO) -> Attempt:
    return Attempt(seq=seq, expected=expected, began=NOW + began, ended=NOW + began + 2)


def verdicts(rows: list[ConversationRow], *unknown: Attempt, age: float = 0.0, **settings: Any) -> list[Verdict]:
    found = judge(
        Conversation(rows=rows, complete=settings.pop("complete", True)),
        unknown or [attempt(1)],
        slack=60.0,
        settle_after=600.0,
        now=NOW + age,
        **{"difference": ClockDifference(0.0, 0.0), **settings},
    )
    return sorted(found, key=lambda one: one.seq)


def findings(rows: list[ConversationRow], *unknown: Attempt, **settings: Any) -> list[str]:
    """Return for each row its message id, or else the finding."""
    return [one.message_id or one.finding.value for one in verdicts(rows, *unknown, **settings)]


@pytest.mark.parametrize(
    ("rows", "age", "expected"),
    [
        ([], 0, "too_early"),
        ([], 601, "too_early"),  # the attempt ended two seconds after it began
        ([], 602, "absent"),
        ([shown("a")], 0, "a"),
        ([shown("a"), shown("a")], 0, "a"),  # one message on two pages
        ([shown("a", -61)], 602, "absent"),
        ([shown("a", -60)], 602, "a"),
        ([shown("a", 62)], 602, "a"),
        ([shown("a", 63)], 602, "ambiguous"),  # like ours, but much later
        ([shown("a"), shown("b")], 0, "ambiguous"),
        ([shown("a", sender="user")], 602, "absent"),
        ([shown("a", sender="system")], 602, "absent"),
        ([shown("a", sender="bot")], 0, "a"),
        ([shown("a", body="other")], 602, "absent"),
        ([shown(None)], 602, "ambiguous"),  # a message without an id is no proof
        ([shown("a", None)], 602, "ambiguous"),  # nor is one without a time
        ([shown("owned")], 602, "absent"),
        ([shown("owned"), shown("a")], 602, "a"),
    ],
)
def test_one_row(rows: list[ConversationRow], age: float, expected: str) -> None:
    assert findings(rows, age=age, owned={"owned"}) == [expected]


@pytest.mark.parametrize(
    ("rows", "age", "expected"),
    [
        ([shown("a", 1), shown("b", 11)], 0, ["a", "b"]),
        ([shown("b", 11), shown("a", 1)], 0, ["a", "b"]),
        ([shown("a", 1)], 0, ["too_early", "too_early"]),
        ([shown("a", 1)], 700, ["ambiguous", "ambiguous"]),
        ([], 700, ["absent", "absent"]),
        ([shown("a"), shown("b"), shown("c")], 700, ["ambiguous", "ambiguous"]),
        ([shown("a", 1), shown("b", 500)], 700, ["ambiguous", "ambiguous"]),
    ],
)
def test_two_rows_of_one_content(rows: list[ConversationRow], age: float, expected: list[str]) -> None:
    assert findings(rows, attempt(1, 0), attempt(2, 10), age=age) == expected


def test_rows_of_different_contents_are_judged_apart() -> None:
    rows = [shown("b", body="bye"), shown("x", body="another campaign")]

    assert findings(rows, attempt(1), attempt(2, expected=ExpectedText("bye"))) == ["too_early", "b"]


@pytest.mark.parametrize(
    ("rows", "age", "expected"),
    [
        ([shown("a", -9), shown("b", 1)], 0, "accepted"),  # which id is whose, nobody can say
        ([shown("a", -9)], 700, "absent"),  # it is the other row's
        ([shown("a", 400)], 700, "ambiguous"),
        ([], 0, "too_early"),
        ([], 700, "ambiguous"),  # not even the other row's is there
        ([shown("a"), shown("b"), shown("c")], 700, "ambiguous"),
    ],
)
def test_beside_a_row_that_was_accepted_without_an_id(rows: list[ConversationRow], age: float, expected: str) -> None:
    assert findings(rows, attempt(2), unnamed=[attempt(1, -10)], age=age) == [expected]


@pytest.mark.parametrize(("rows", "expected"), [([shown("a")], "ambiguous"), ([], "absent")])
def test_beside_a_row_that_was_sent_twice(rows: list[ConversationRow], expected: str) -> None:
    assert findings(rows, attempt(2), rivals=[attempt(1, -100)], age=700) == [expected]


@pytest.mark.parametrize(
    ("rows", "expected"), [([], "absent"), ([shown("old", -500)], "ambiguous"), ([shown("old", -500), shown("a")], "a")]
)
def test_a_row_that_was_sent_before(rows: list[ConversationRow], expected: str) -> None:
    again = msgspec.structs.replace(attempt(1), repeated=True)

    assert findings(rows, again, age=700) == [expected]


@pytest.mark.parametrize("rows", [[], [shown("a")], [shown("a"), shown("b")]])
def test_a_conversation_that_was_not_read_whole_tells_nothing(rows: list[ConversationRow]) -> None:
    assert findings(rows, complete=False, age=700) == ["unread"]


@pytest.mark.parametrize(
    ("difference", "rows", "expected"),
    [
        (ClockDifference(19_800, 19_800), [shown("a", 19_801)], "a"),
        (ClockDifference(19_800, 19_830), [shown("a", 19_801)], "a"),
        (ClockDifference(19_800, 19_800), [shown("a", 1)], "absent"),
        (ClockDifference(-3600, 0), [shown("a", 1)], "ambiguous"),  # summer time ended in between
        (ANY_CLOCK, [shown("a", 1)], "no_clock"),
        (ANY_CLOCK, [shown("a", 1), shown("b", 2)], "no_clock"),
        (ANY_CLOCK, [shown("a", -13 * 3600)], "absent"),
        (ANY_CLOCK, [], "absent"),
    ],
)
def test_clocks_that_differ(difference: ClockDifference, rows: list[ConversationRow], expected: str) -> None:
    assert findings(rows, difference=difference, age=700) == [expected]


def template(code: str) -> ExpectedTemplate:
    return ExpectedTemplate(name="greeting", body="Code {{1}}.", values=((1, code),))


def bare(message_id: str, at: float) -> ConversationRow:
    content = json.dumps({"name": "greeting", "components": []})
    return msgspec.structs.replace(shown(message_id, at), raw_content=content)


def test_a_template_known_by_its_name_alone_says_so() -> None:
    [verdict] = verdicts([bare("a", 1)], attempt(1, expected=template("A")))

    assert (verdict.finding, verdict.message_id) == (Finding.ACCEPTED, "a")
    assert verdict.note == "found in the conversation, the row does not show all that was sent"


def test_two_templates_known_by_name_alone_get_no_id_that_may_be_wrong() -> None:
    two = (attempt(1, expected=template("A")), attempt(2, 5, expected=template("B")))

    found = verdicts([bare("a", 1), bare("b", 6)], *two)

    assert [(one.finding, one.message_id) for one in found] == [(Finding.ACCEPTED, None)] * 2


def test_the_note_has_the_status_and_the_number() -> None:
    found = verdicts([shown("a", status="failed"), shown("b", 2)], attempt(1), attempt(2, 1))

    assert found[0].note == "found in the conversation, one of 2 alike, status failed"


@pytest.mark.parametrize("text", [None, "", "yesterday", "2023-11-14", "2023-13-14 22:13:20"])
def test_a_text_that_is_no_time(text: str | None) -> None:
    assert seconds_of(text) is None


def test_a_time_is_read_as_utc() -> None:
    assert seconds_of("2023-11-14 22:13:20") == NOW


def test_the_difference_is_bounded_by_what_was_seen() -> None:
    assert difference_of([(0.0, 19_800.0), (10.0, 19_811.0)]) == ClockDifference(19_800.0, 19_801.0)
    assert difference_of([]) == ANY_CLOCK
    assert not ANY_CLOCK.known
