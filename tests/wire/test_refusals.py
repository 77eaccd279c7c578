"""The taxonomy: every row of it, and what a user puts in front."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import pytest

from tests.wire.answers import answer, failure
from wabotick_async import (
    Advice,
    AlreadyExistsError,
    APIError,
    AuthenticationError,
    ConfigurationError,
    NotFoundError,
    Outcome,
    SessionWindowClosedError,
    SubscriberLimitError,
)
from wabotick_async.wire import DEFAULT_REFUSALS, RefusalRule, RefusalTable

CODES: Final[Mapping[Advice, str]] = {
    Advice.SLOW_NUMBER: "130429 132069",
    Advice.SLOW_PAIR: "131056",
    Advice.SLOW_ACCOUNT: "4 80007 613",
    Advice.DEFER_DAY: "131049",
    Advice.SKIP_RECIPIENT: "131026 131021 131030 130472 131062 137000 130497",
    Advice.SUPPRESS_RECIPIENT: "131050",
    Advice.USE_TEMPLATE: "131047",
    Advice.STOP_TEMPLATE: "132000 132001 132007 132015 132016 132068 131063",
    Advice.REJECT_ROW: "100 131008 131009 131051 132005 132008 132012 135000",
    Advice.REUPLOAD_MEDIA: "131052 131053",
    Advice.PAUSE_NUMBER: "131057",
    Advice.STOP_NUMBER: "131045 133000 133004 133999 131005 131037 33",
    Advice.PAUSE_CAMPAIGN: "131048 131064",
    Advice.STOP_ACCOUNT: "131031 368 131042 131044",
    Advice.FIX_CREDENTIALS: "0 3 10 190 200 250 299",
    Advice.UNKNOWN_OUTCOME: "1 2 131000 131016",
}
TEXTS: Final[Mapping[str, tuple[Advice | None, type[APIError]]]] = {
    "Sending message OUTSIDE 24 Hour Window is not allowed.": (Advice.USE_TEMPLATE, SessionWindowClosedError),
    "Message template not found.": (Advice.STOP_TEMPLATE, NotFoundError),
    "template name (a) does not exist in en_US": (Advice.STOP_TEMPLATE, NotFoundError),
    "WhatsApp account not found.": (Advice.STOP_NUMBER, NotFoundError),
    "Object with ID '1' does not exist, cannot be loaded due to missing permissions. Please read the Graph API "
    "documentation at https://developers.facebook.com/docs/graph-api": (Advice.STOP_NUMBER, APIError),
    "Subscriber limit has been exceeded.": (Advice.STOP_ACCOUNT, SubscriberLimitError),
    "Unauthenticated.": (Advice.FIX_CREDENTIALS, AuthenticationError),
    "Something went wrong or subscriber already exist.": (None, AlreadyExistsError),
    "Subscriber not found": (None, NotFoundError),
    "Something else": (None, APIError),
    "": (None, APIError),
    "تم رفض الرسالة": (None, APIError),
}


def rows() -> Iterator[tuple[int, Advice]]:
    for advice, codes in CODES.items():
        yield from ((int(code), advice) for code in codes.split())


def refusal(text: str, table: RefusalTable = DEFAULT_REFUSALS) -> APIError:
    error = failure({"status": "0", "message": text}, refusals=table)
    assert isinstance(error, APIError)
    return error


@pytest.mark.parametrize(("code", "advice"), list(rows()))
@pytest.mark.parametrize("form", ["Failed. (Error Code : {})", "(#{}) Failed", "failed (error code:{})", "{}", " {} "])
def test_a_code_in_a_text(code: int, advice: Advice, form: str) -> None:
    error = refusal(form.format(code))

    assert (error.code, error.advice) == (code, advice)
    assert error.outcome is (Outcome.UNKNOWN if advice is Advice.UNKNOWN_OUTCOME else Outcome.REFUSED)


def test_every_advice_has_a_code() -> None:
    assert CODES.keys() == set(Advice)


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text[:30])
def test_a_text(text: str) -> None:
    advice, kind = TEXTS[text]
    error = refusal(text)

    assert (type(error), error.advice, error.code) == (kind, advice, None)
    assert error.outcome is Outcome.REFUSED
    assert error.text == text


@pytest.mark.parametrize("code", [132001, 131047, 190])
def test_a_code_names_the_class_too(code: int) -> None:
    wanted = {132001: NotFoundError, 131047: SessionWindowClosedError, 190: AuthenticationError}

    assert type(refusal(f"(#{code}) no")) is wanted[code]


def test_a_code_decides_before_a_text() -> None:
    error = refusal("(#131049) outside 24 hour window")

    assert (type(error), error.advice) == (APIError, Advice.DEFER_DAY)


def test_an_unknown_code_leaves_the_text_to_decide() -> None:
    error = refusal("(#999999) outside 24 hour window")

    assert (error.code, error.advice) == (999999, Advice.USE_TEMPLATE)


@pytest.mark.parametrize(
    "text", ["131049 of 2", "call 131049", "(131049)", "#131049", "(#1310490000000)", "(Error Code : x)", "132999"]
)
def test_a_number_that_is_no_code_of_the_taxonomy_advises_nothing(text: str) -> None:
    assert refusal(text).advice is None


def test_a_user_s_rule_comes_first() -> None:
    table = DEFAULT_REFUSALS.extended(RefusalRule(advice=Advice.SKIP_RECIPIENT, texts=("subscriber limit",)))

    error = refusal("Subscriber limit has been exceeded.", table)
    assert (type(error), error.advice) == (APIError, Advice.SKIP_RECIPIENT)
    assert refusal("Subscriber limit has been exceeded.").advice is Advice.STOP_ACCOUNT


def test_a_user_s_rule_for_codes_and_ranges() -> None:
    table = DEFAULT_REFUSALS.extended(
        RefusalRule(advice=Advice.DEFER_DAY, codes=(131048,), ranges=((900000, 900009),), error="subscriber_limit")
    )

    assert refusal("(#131048) x", table).advice is Advice.DEFER_DAY
    assert type(refusal("(#900009) x", table)) is SubscriberLimitError
    assert refusal("(#900010) x", table).advice is None


def test_a_table_of_the_user_s_own() -> None:
    table = RefusalTable.from_json('{"version":1,"rules":[{"advice":"skip_recipient","texts":["BLOCKED"]}]}')

    assert refusal("number blocked", table).advice is Advice.SKIP_RECIPIENT
    assert refusal("outside 24 hour window", table).advice is None
    assert repr(table) == "RefusalTable(1 rules)"


@pytest.mark.parametrize(
    "document",
    [
        "",
        "[]",
        "{}",
        '{"version":1,"rules":[{"advice":"panic"}]}',
        '{"version":1,"rules":[{"error":"panic"}]}',
        '{"version":1,"rules":[{"code":[1]}]}',
        '{"version":1,"rules":[{"codes":["1"]}]}',
        b"\xff",
        "\ud83d",
        '{"version":1,"rules":' + "[" * 9_000,
    ],
)
def test_a_table_of_another_form_is_refused(document: str | bytes) -> None:
    with pytest.raises(ConfigurationError, match="refusal table: "):
        RefusalTable.from_json(document)


def test_a_subscriber_who_is_refused_as_unknown_is_none() -> None:
    body = {"status": "0", "message": "Subscriber not found"}

    assert answer(body, "get_subscriber") is None
    assert type(failure(body, "delete_subscriber")) is NotFoundError
    assert type(failure({"status": "0", "message": "WhatsApp account not found."}, "get_subscriber")) is NotFoundError
