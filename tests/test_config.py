"""Settings check themselves and can be compared."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from wabotick_async import ConfigurationError, Limits, Rate, RetryPolicy, Timeout  # noqa: F401 - eval finds Rate here
from wabotick_async.config import DEFAULT_BASE_URL

NAN = float("nan")


def test_the_defaults_are_careful() -> None:
    assert DEFAULT_BASE_URL == "https://app.wabotick.com"
    assert (Limits().rate, Limits().burst, Limits().concurrency) == (10.0, 1, 32)
    assert (Timeout().connect, Timeout().total) == (10.0, 30.0)
    assert (RetryPolicy().attempts, RetryPolicy().trust_503) == (4, True)


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: Timeout(connect=0), "connect=0"),
        (lambda: Timeout(connect=NAN), "connect=nan"),
        (lambda: Timeout(total=-1), "total=-1"),
        (lambda: Limits(rate=0), "rate=0"),
        (lambda: Limits(rate=NAN), "rate=nan"),
        (lambda: Limits(burst=0), "burst=0"),
        (lambda: Limits(concurrency=0), "concurrency=0"),
        (lambda: Limits(max_answer_bytes=1023), "max_answer_bytes=1023"),
        (lambda: RetryPolicy(attempts=0), "attempts=0"),
        (lambda: RetryPolicy(base=-0.1), "base=-0.1"),
        (lambda: RetryPolicy(cap=-1), "cap=-1"),
        (lambda: RetryPolicy(give_up_after=-1), "give_up_after=-1"),
        (lambda: RetryPolicy(max_retry_after=NAN), "max_retry_after=nan"),
        (lambda: RetryPolicy(budget=-1), "budget=-1"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_setting_names_itself_and_what_was_expected(make: Callable[[], object], field: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(f"({field}): expected ")):
        make()


@pytest.mark.parametrize(
    "edge",
    [
        Timeout(connect=0.001, total=0.001),
        Limits(rate=0.1, burst=1, concurrency=1, max_answer_bytes=1024),
        RetryPolicy(attempts=1, base=0, cap=0, give_up_after=0, max_retry_after=0, budget=0),
    ],
)
def test_settings_are_values(edge: object) -> None:
    assert hash(edge) == hash(eval(repr(edge)))
    assert edge == eval(repr(edge))


def test_settings_are_frozen() -> None:
    with pytest.raises(AttributeError):
        Limits().rate = 5.0  # type: ignore[misc]  # the point of the test
