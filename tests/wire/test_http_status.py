"""The HTTP status never means success; what it means else, by kind of body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pytest

from tests.wire.answers import answer, failure
from wabotick_async import (
    Advice,
    APIError,
    AuthenticationError,
    DecodeError,
    NotFoundError,
    Outcome,
    RateLimitedError,
    ResponseError,
    SendReceipt,
    SendText,
    ServerError,
    SubscriberLimitError,
    UnexpectedPageError,
    ValidationError,
)
from wabotick_async.wire import HTTPAnswer, decode

REFUSED: Final = Outcome.REFUSED
UNKNOWN: Final = Outcome.UNKNOWN
BODIES: Final = {"json": '{"message":"no"}', "html": "<html>no</html>", "empty": ""}

Expected = tuple[type[ResponseError], Outcome]
NO_ANSWER: Final = (
    (DecodeError, UNKNOWN),
    (UnexpectedPageError, UNKNOWN),
    (DecodeError, UNKNOWN),
)
REDIRECT: Final = ((UnexpectedPageError, UNKNOWN),) * 3
UNDECIDED: Final = ((ResponseError, UNKNOWN),) * 3
BROKEN: Final = ((ServerError, UNKNOWN),) * 3


def said_no(by_words: type[APIError]) -> tuple[Expected, Expected, Expected]:
    page = (UnexpectedPageError, REFUSED)
    return ((by_words, REFUSED), page, page)


# Status -> what JSON, HTML and nothing at all mean with it.
TABLE: Final[Mapping[int, tuple[Expected, ...]]] = {
    200: NO_ANSWER,
    201: NO_ANSWER,
    204: NO_ANSWER,
    301: REDIRECT,
    302: REDIRECT,
    307: REDIRECT,
    400: said_no(APIError),
    401: said_no(AuthenticationError),
    403: said_no(AuthenticationError),
    404: said_no(NotFoundError),
    405: said_no(APIError),
    408: UNDECIDED,
    413: said_no(APIError),
    419: said_no(APIError),
    422: said_no(ValidationError),
    425: UNDECIDED,
    429: ((RateLimitedError, REFUSED),) * 3,
    499: UNDECIDED,
    500: BROKEN,
    502: BROKEN,
    503: BROKEN,
    504: BROKEN,
    520: BROKEN,
    600: BROKEN,
    100: UNDECIDED,
    0: UNDECIDED,
}


@pytest.mark.parametrize("status", TABLE)
@pytest.mark.parametrize("kind", BODIES)
def test_class_and_outcome(status: int, kind: str) -> None:
    error = failure(BODIES[kind], status=status, headers={"x": "y"})

    assert (type(error), error.outcome) == TABLE[status][list(BODIES).index(kind)]
    assert (error.status, error.headers) == (status, {"x": "y"})


@pytest.mark.parametrize("status", [200, 201, 299])
def test_success_is_what_the_body_says(status: int) -> None:
    assert isinstance(answer({"status": "1"}, status=status), SendReceipt)


@pytest.mark.parametrize("status", [one for one in TABLE if not 200 <= one < 300])
def test_a_body_alone_is_no_success(status: int) -> None:
    assert failure({"status": "1"}, status=status).outcome is not Outcome.ACCEPTED


@pytest.mark.parametrize("status", [400, 401, 404, 419, 422, 429])
def test_a_refusal_that_says_success_decides_nothing(status: int) -> None:
    error = failure({"status": "1", "message": "sent"}, status=status)

    assert (type(error), error.outcome) == (DecodeError, UNKNOWN)


@pytest.mark.parametrize("status", [200, 401, 403, 422])
def test_words_tell_more_than_the_status(status: int) -> None:
    error = failure({"status": "0", "message": "Subscriber limit has been exceeded."}, status=status)

    assert (type(error), error.advice) == (SubscriberLimitError, Advice.STOP_ACCOUNT)


@pytest.mark.parametrize("status", [401, 403])
def test_bad_credentials_advise_to_fix_them(status: int) -> None:
    assert failure('{"message":"no"}', status=status).advice is Advice.FIX_CREDENTIALS


def test_too_many_requests_slow_the_number() -> None:
    error = failure({"message": "Too Many Attempts."}, status=429, headers={"retry-after": "7"})

    assert (error.text, error.advice, error.retry_after) == ("Too Many Attempts.", Advice.SLOW_NUMBER, 7.0)
    assert failure("", status=429).retry_after is None


def test_a_validation_answer_has_its_field_map() -> None:
    body = {"message": "The given data was invalid.", "errors": {"limit": ["bad", 5], "x": "one", "y": None}}

    assert failure(body, status=422).fields == {"limit": ["bad", "5"], "x": ["one"], "y": ["None"]}
    assert failure({"message": "no", "errors": ["bad"]}, status=422).fields == {}


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_s_failure_keeps_its_words_and_wait(status: int) -> None:
    error = failure({"message": "Server Error"}, status=status, headers={"retry-after": "5"})

    assert (str(error), error.retry_after) == (f"HTTP {status}: Server Error", 5.0)


@pytest.mark.parametrize(
    ("headers", "how", "outcome"),
    [
        ({"retry-after": "5"}, {}, REFUSED),
        ({"retry-after": "0"}, {}, REFUSED),
        ({"retry-after": "5"}, {"trust_503": False}, UNKNOWN),
        ({"retry-after": "soon"}, {}, UNKNOWN),
        ({}, {}, UNKNOWN),
    ],
)
def test_503_is_a_refusal_only_with_a_wait_and_trust(
    headers: dict[str, str], how: dict[str, Any], outcome: Outcome
) -> None:
    assert failure("", status=503, headers=headers, **how).outcome is outcome


NOW: Final = 1_445_412_480.0  # Wed, 21 Oct 2015 07:28:00 GMT
WAITS: Final[Mapping[str, tuple[dict[str, str], float | None]]] = {
    "none": ({}, None),
    "seconds": ({"retry-after": "120"}, 120.0),
    "blanks": ({"retry-after": " 120 "}, 120.0),
    "zero": ({"retry-after": "0"}, 0.0),
    "negative": ({"retry-after": "-5"}, 0.0),
    "twice negative": ({"retry-after": "--5"}, None),
    "a billion": ({"retry-after": "1000000000"}, 1e9),
    "more than a billion": ({"retry-after": "1" * 400}, 1e9),
    "rubbish": ({"retry-after": "soon"}, None),
    "empty": ({"retry-after": ""}, None),
    "fraction": ({"retry-after": "1.5"}, None),
    "not ASCII": ({"retry-after": "²"}, None),
    "Arabic digits": ({"retry-after": "\u0665"}, None),
    "date": ({"retry-after": "Wed, 21 Oct 2015 07:29:00 GMT"}, 60.0),
    "date of another zone": ({"retry-after": "Wed, 21 Oct 2015 09:29:00 +0200"}, 60.0),
    "date without a zone": ({"retry-after": "Wed, 21 Oct 2015 07:29:00"}, 60.0),
    "date of an unknown zone": ({"retry-after": "Wed, 21 Oct 2015 07:29:00 -0000"}, 60.0),
    "past": ({"retry-after": "Wed, 21 Oct 2015 07:27:00 GMT"}, 0.0),
    "far": ({"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT"}, 1e9),
    "no such day": ({"retry-after": "Wed, 99 Oct 2015 07:29:00 GMT"}, None),
    "no such zone": ({"retry-after": "Wed, 21 Oct 2015 07:29:00 +99999999"}, None),
    "reset": ({"x-ratelimit-reset": "1445412510"}, 30.0),
    "reset is past": ({"x-ratelimit-reset": "1445412000"}, 0.0),
    "reset is rubbish": ({"x-ratelimit-reset": "soon"}, None),
    "reset is long": ({"x-ratelimit-reset": "9" * 400}, 1e9),
    "both": ({"retry-after": "5", "x-ratelimit-reset": "1445412510"}, 5.0),
    "rubbish and reset": ({"retry-after": "soon", "x-ratelimit-reset": "1445412510"}, 30.0),
}


@pytest.mark.parametrize("case", WAITS)
@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"])
def test_how_long_to_wait(case: str, zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    headers, seconds = WAITS[case]
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert failure("", status=429, headers=headers, now=NOW).retry_after == seconds
    finally:
        monkeypatch.undo()
        time.tzset()


LONG_TOKEN: Final = "12|" + "aB3" * 10


@pytest.mark.parametrize("status", [200, 302, 404, 408, 429, 500])
@pytest.mark.parametrize("offset", [0, 190, 199])
def test_no_secret_and_no_number_of_a_strange_answer_is_shown(status: int, offset: int) -> None:
    body = "<" + "x" * offset + f" {LONG_TOKEN} to 919800000001."
    error = failure(body, status=status)

    assert "aB3" not in f"{error} {vars(error)}"
    assert "919800000001" not in f"{error} {vars(error)}"


def test_a_strange_answer_is_shown_as_one_short_line() -> None:
    error = failure(b"<a>\n\x00\xff" + b"x" * 10_000)

    assert str(error).startswith("a web page instead of an answer: '<a>\\n\\x00\ufffdxx")
    assert len(str(error)) < 300


def test_half_a_token_at_the_end_of_a_long_refusal_is_not_shown() -> None:
    error = failure({"status": "0", "message": "x" * 490 + " " + LONG_TOKEN})

    assert "aB3" not in error.text


# --- what must never be taken for a refusal before acceptance, because a send would be repeated


@pytest.mark.parametrize("status", [500, 502, 504, 520, 524])
def test_only_503_can_be_a_refusal_before_acceptance(status: int) -> None:
    answer = HTTPAnswer(status=status, headers={"retry-after": "1"}, body=b"")
    with pytest.raises(ServerError) as caught:
        decode(answer, SendText(phone_number="919800000000", message="hi"))
    assert caught.value.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"x-ratelimit-reset": "1"}, b""),
        ({"retry-after": "0"}, b'{"status":"1","wa_message_id":"wamid.X=="}'),
    ],
    ids=["another header", "a body that says success"],
)
def test_503_is_a_refusal_only_by_retry_after_and_without_contradiction(headers: dict[str, str], body: bytes) -> None:
    answer = HTTPAnswer(status=503, headers=headers, body=body)
    with pytest.raises(ResponseError) as caught:
        decode(answer, SendText(phone_number="919800000000", message="hi"))
    assert caught.value.outcome is Outcome.UNKNOWN
