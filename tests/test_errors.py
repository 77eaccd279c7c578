"""One root, an outcome on every error, and no secret in any."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Mapping
from typing import Any, Final

import pytest

from wabotick_async import BulkReport, Outcome, SendText, errors
from wabotick_async.errors import (
    Advice,
    APIError,
    AuthenticationError,
    CampaignAbortedError,
    ConfigurationError,
    NotSentError,
    OutcomeUnknownError,
    RequestInvalidError,
    ResponseError,
    ServerError,
    ValidationError,
    WabotickError,
)

TOKEN: Final = "12|" + "aB3" * 10
TREE: Final[Mapping[str, str]] = {
    "ConfigurationError": "WabotickError",
    "RequestInvalidError": "WabotickError",
    "TransportError": "WabotickError",
    "NotSentError": "TransportError",
    "NotDueError": "NotSentError",
    "OutcomeUnknownError": "TransportError",
    "ResponseError": "WabotickError",
    "UnexpectedPageError": "ResponseError",
    "DecodeError": "ResponseError",
    "ServerError": "ResponseError",
    "APIError": "ResponseError",
    "AuthenticationError": "APIError",
    "RateLimitedError": "APIError",
    "SessionWindowClosedError": "APIError",
    "SubscriberLimitError": "APIError",
    "NotFoundError": "APIError",
    "AlreadyExistsError": "APIError",
    "ValidationError": "APIError",
    "CampaignError": "WabotickError",
    "JournalError": "CampaignError",
    "JournalFullError": "JournalError",
    "CampaignConflictError": "CampaignError",
    "CampaignAbortedError": "CampaignError",
}
OUTCOMES: Final = {
    "ConfigurationError": Outcome.NOT_SENT,
    "RequestInvalidError": Outcome.NOT_SENT,
    "NotSentError": Outcome.NOT_SENT,
    "NotDueError": Outcome.NOT_SENT,
    "OutcomeUnknownError": Outcome.UNKNOWN,
    "UnexpectedPageError": Outcome.UNKNOWN,
    "DecodeError": Outcome.UNKNOWN,
    "ServerError": Outcome.UNKNOWN,
    "APIError": Outcome.REFUSED,
    "RateLimitedError": Outcome.REFUSED,
    "CampaignError": Outcome.NOT_SENT,
}


def class_named(name: str) -> type[WabotickError]:
    found: type[WabotickError] = getattr(errors, name)
    return found


def make(name: str, text: str = "no") -> WabotickError:
    """Return an error of that name, with what its class needs."""
    found: Any = class_named(name)
    return found(text, status=200) if issubclass(found, ResponseError) else found(text)  # type: ignore[no-any-return]


@pytest.mark.parametrize(("name", "base"), TREE.items())
def test_the_tree(name: str, base: str) -> None:
    assert class_named(name).__bases__[0] is class_named(base)


def test_the_tree_is_complete() -> None:
    defined = {name for name, one in inspect.getmembers(errors, inspect.isclass) if one.__module__ == errors.__name__}

    assert defined - {"Advice", "WabotickError"} == TREE.keys()
    assert set(errors.__all__) == TREE.keys() | {"Advice", "WabotickError"}


@pytest.mark.parametrize("error_type", [ConfigurationError, RequestInvalidError])
def test_what_is_found_before_sending_is_a_value_error(error_type: type[WabotickError]) -> None:
    assert issubclass(error_type, ValueError)


@pytest.mark.parametrize(("name", "outcome"), OUTCOMES.items())
def test_the_class_tells_the_outcome(name: str, outcome: Outcome) -> None:
    assert make(name).outcome is outcome


@pytest.mark.parametrize("name", TREE)
def test_every_error_says_what_was_tried(name: str) -> None:
    error = make(name).about("send_text", SendText(phone_number="919800000001", message="hi"), 3)

    assert (error.endpoint, error.attempts) == ("send_text", 3)
    assert error.request == "SendText(phone_number='…0001', message='hi')"
    assert str(error) == "send_text: no"


@pytest.mark.parametrize("name", TREE)
def test_no_secret_in_any_error(name: str) -> None:
    error = make(name, f"wrong token {TOKEN}").about("send_text", f"request with {TOKEN}", 1)

    assert TOKEN not in f"{error!s} {error!r} {error.args} {vars(error)}"


@pytest.mark.parametrize("name", TREE)
def test_errors_survive_a_pickle_and_a_copy(name: str) -> None:
    error = make(name).about("send_text", "request", 2)

    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(twin) is type(error)
        assert vars(twin) == vars(error)
        assert str(twin) == str(error)


def test_a_given_secret_is_blanked_in_everything_the_server_said() -> None:
    error = ValidationError("bad 1|x", status=422, fields={"1|x": ["got 1%7Cx"]}).about("send_text", "r", 1, "1|x")

    assert "1|x" not in f"{error} {error!r} {vars(error)}"
    assert "1%7Cx" not in str(vars(error))


def test_tokens_in_a_field_map_are_blanked_by_form() -> None:
    error = ValidationError("bad", status=422, fields={"apiToken": [f"got {TOKEN}"]})

    assert error.fields == {"apiToken": ["got ***"]}


def test_an_error_of_one_field_names_it() -> None:
    error = RequestInvalidError("expected digits", field="template_id")

    assert (error.field, error.problem, str(error)) == (
        "template_id",
        "expected digits",
        "template_id: expected digits",
    )


def test_an_error_of_no_field() -> None:
    assert str(RequestInvalidError("expected something else")) == "expected something else"


def test_a_refusal_without_words_has_a_message_and_no_text() -> None:
    error = APIError("", status=200)

    assert (str(error), error.text) == ("refused without a reason", "")
    assert (error.code, error.advice, error.retry_after, error.fields) == (None, None, None, {})


def test_a_refusal_carries_what_it_was_given() -> None:
    error = AuthenticationError("no", code=190, advice=Advice.FIX_CREDENTIALS, status=401, headers={"a": "b"})

    assert (error.status, error.headers, error.code, error.advice) == (401, {"a": "b"}, 190, Advice.FIX_CREDENTIALS)


def test_an_answer_s_error_may_have_another_outcome() -> None:
    assert ServerError("busy", retry_after=2.0, status=503, outcome=Outcome.REFUSED).outcome is Outcome.REFUSED
    assert ServerError("busy", status=503).outcome is Outcome.UNKNOWN


def test_not_sent_may_be_for_good() -> None:
    assert NotSentError("bad certificate", fatal=True).fatal
    assert not NotSentError("refused").fatal


def test_an_aborted_campaign_brings_its_counts() -> None:
    report = BulkReport(accepted=1, not_sent=2)

    assert CampaignAbortedError("stopped", report=report).report is report


def test_advice_is_the_list_of_the_taxonomy() -> None:
    assert [one.value for one in Advice] == [
        "slow_number",
        "slow_pair",
        "slow_account",
        "defer_day",
        "skip_recipient",
        "suppress_recipient",
        "use_template",
        "stop_template",
        "reject_row",
        "reupload_media",
        "pause_number",
        "stop_number",
        "pause_campaign",
        "stop_account",
        "fix_credentials",
        "unknown_outcome",
    ]


def test_the_counts_of_a_report_add_up() -> None:
    report = BulkReport(accepted=1, refused=2, unknown=3, not_sent=4, skipped=5)

    assert (report.rows, report.complete) == (15, False)
    assert BulkReport(accepted=1).complete


def test_an_unknown_outcome_is_no_refusal() -> None:
    assert not issubclass(OutcomeUnknownError, ResponseError)
