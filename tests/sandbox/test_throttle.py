"""The limits at their edges, without a connection."""

import pytest

from tests.sandbox.conftest import Clock
from wabotick_async.sandbox import Quotas, Throttle

NUMBER, OTHER = "100000000000001", "100000000000002"
DAY = 24 * 3600


def throttle_of(clock: Clock, **quotas: float) -> Throttle:
    return Throttle(Quotas(**quotas), clock)  # type: ignore[arg-type]  # whole numbers where they must be


def requests(throttle: Throttle, count: int, token: str = "1|token") -> int:
    """Return how many of so many requests are taken."""
    return [throttle.take_request(token) for _ in range(count)].count(None)


def messages(throttle: Throttle, count: int, recipient: str = "91", number: str = NUMBER) -> int:
    """Return how many of so many messages are taken."""
    return [throttle.take_message(number, recipient) for _ in range(count)].count(None)


def test_the_account_window_slides(clock: Clock) -> None:
    throttle = throttle_of(clock, account=3)
    assert requests(throttle, 2) == 2
    clock.now += 0.75
    assert requests(throttle, 2) == 1
    clock.now += 0.125
    assert requests(throttle, 1) == 0
    clock.now += 0.125
    assert requests(throttle, 9) == 2
    assert throttle.refused == {"account": 9}


def test_the_account_limit_moves_while_it_is_used(clock: Clock) -> None:
    throttle, taken = throttle_of(clock, account=200), []
    for limit in (200, 50, 200):
        throttle.quotas = Quotas(account=limit)
        taken.append(requests(throttle, 300))
        clock.now += 1
    assert taken == [200, 50, 200]


def test_a_lowered_limit_counts_what_was_taken_before_it(clock: Clock) -> None:
    throttle = throttle_of(clock, account=200, account_seconds=10)
    requests(throttle, 100)
    clock.now += 4
    requests(throttle, 100)
    throttle.quotas = Quotas(account=50, account_seconds=10)
    assert throttle.take_request("1|token") == 10
    assert throttle.headers("1|token", None)["X-RateLimit-Remaining"] == "0"
    clock.now += 9
    assert requests(throttle, 1) == 0
    clock.now += 1
    assert requests(throttle, 51) == 50


def test_a_limit_counts_what_came_before_it_was_set(clock: Clock) -> None:
    throttle = throttle_of(clock)
    assert (requests(throttle, 100), messages(throttle, 100)) == (100, 100)
    throttle.quotas = Quotas(account=100, number=100)
    assert (requests(throttle, 1), messages(throttle, 1)) == (0, 0)


def test_a_limit_is_lifted_while_it_refuses(clock: Clock) -> None:
    throttle = throttle_of(clock, account=1, number=1, pair=6, pair_burst=1, daily=1)
    assert (requests(throttle, 5), messages(throttle, 5)) == (1, 1)
    throttle.quotas = Quotas()
    assert (requests(throttle, 5), messages(throttle, 5)) == (5, 5)
    assert throttle.headers("1|token", None) == {}


def test_a_lifted_limit_forgets_debts_and_days(clock: Clock) -> None:
    quotas = Quotas(pair=6, pair_burst=1, daily=1)
    throttle = Throttle(quotas, clock)
    messages(throttle, 1)
    throttle.quotas = Quotas()
    throttle.quotas = quotas
    assert [messages(throttle, 1), messages(throttle, 1, number=OTHER)] == [1, 1]
    throttle.quotas = Quotas(daily=1)
    assert throttle.take_message(NUMBER, "92") == "daily"
    throttle.quotas = Quotas()
    throttle.quotas = Quotas(daily=1)
    assert throttle.take_message(NUMBER, "92") is None


def test_a_token_is_remembered_for_its_window(clock: Clock) -> None:
    throttle = throttle_of(clock, account=1, account_seconds=60)
    requests(throttle, 1)
    clock.now += 59
    requests(throttle, 1, "2|other")
    assert requests(throttle, 1) == 0


def test_the_headers_count_down_and_the_reset_comes_with_the_refusal(clock: Clock) -> None:
    throttle = throttle_of(clock, account=2, account_seconds=60)
    throttle.take_request("1|token")
    first = throttle.headers("1|token", None)
    throttle.take_request("1|token")
    clock.now += 20.5
    refused = throttle.headers("1|token", throttle.take_request("1|token"))
    assert first == {"X-RateLimit-Limit": "2", "X-RateLimit-Remaining": "1"}
    assert refused == {
        "X-RateLimit-Limit": "2",
        "X-RateLimit-Remaining": "0",
        "Retry-After": "40",
        "X-RateLimit-Reset": "1700000060",
    }


def test_a_number_has_its_second_to_itself(clock: Clock) -> None:
    throttle = throttle_of(clock, number=2)
    assert [messages(throttle, 3), messages(throttle, 3, number=OTHER)] == [2, 2]
    clock.now += 0.875
    assert messages(throttle, 1) == 0
    clock.now += 0.125
    assert messages(throttle, 3) == 2
    assert throttle.refused == {"number": 4}


def test_45_are_borrowed_and_the_46th_is_refused(clock: Clock) -> None:
    throttle = throttle_of(clock, pair=6)
    assert messages(throttle, 45) == 45
    assert (throttle.take_message(NUMBER, "91"), throttle.refused) == ("pair", {"pair": 1})
    assert [messages(throttle, 1, "92"), messages(throttle, 1, number=OTHER)] == [1, 1]


@pytest.mark.parametrize(("seconds", "taken"), [(5.875, 0), (6, 1), (11.875, 1), (12, 2), (270, 45), (1e6, 45)])
def test_a_debt_is_repaid_one_message_in_six_seconds(clock: Clock, seconds: float, taken: int) -> None:
    throttle = throttle_of(clock, pair=6)
    messages(throttle, 45)
    clock.now += seconds
    assert messages(throttle, 46) == taken


def test_one_in_six_seconds_owes_nothing(clock: Clock) -> None:
    throttle = throttle_of(clock, pair=6, pair_burst=1)
    for _ in range(100):
        assert messages(throttle, 2) == 1
        clock.now += 6


def test_a_refused_message_is_not_owed(clock: Clock) -> None:
    throttle = throttle_of(clock, pair=6, pair_burst=2)
    assert messages(throttle, 50) == 2
    clock.now += 6
    assert messages(throttle, 50) == 1


def test_a_new_recipient_beyond_the_day_is_refused_and_a_known_one_is_not(clock: Clock) -> None:
    throttle = throttle_of(clock, daily=2)
    assert [throttle.take_message(NUMBER, recipient) for recipient in ("91", "92", "93", "91", "92", "93")] == [
        None,
        None,
        "daily",
        None,
        None,
        "daily",
    ]
    assert messages(throttle, 1, "93", OTHER) == 1


@pytest.mark.parametrize(("seconds", "taken"), [(DAY - 1, 0), (DAY, 1)])
def test_a_day_moves(clock: Clock, seconds: float, taken: int) -> None:
    throttle = throttle_of(clock, daily=1)
    messages(throttle, 1, "91")
    clock.now += seconds
    assert messages(throttle, 1, "92") == taken


def test_a_day_begins_at_the_last_message_to_a_recipient(clock: Clock) -> None:
    throttle = throttle_of(clock, daily=2)
    for recipient in ("91", "92", "91"):
        messages(throttle, 1, recipient)
        clock.now += 3600
    clock.now += DAY - 2 * 3600
    assert [messages(throttle, 1, "93"), messages(throttle, 1, "94"), messages(throttle, 1, "91")] == [1, 0, 1]


def test_what_one_limit_refuses_no_other_counts(clock: Clock) -> None:
    throttle = throttle_of(clock, number=1, pair=6, pair_burst=1, daily=2)
    assert [throttle.take_message(NUMBER, recipient) for recipient in ("91", "92", "93")] == [None, "number", "number"]
    clock.now += 1
    assert [throttle.take_message(NUMBER, recipient) for recipient in ("91", "92", "93")] == ["pair", None, "number"]
    clock.now += 1
    assert throttle.take_message(NUMBER, "93") == "daily"


def test_the_worst_second_has_the_refused_too(clock: Clock) -> None:
    throttle = throttle_of(clock, account=2, number=2)
    for step in (0.5, 0.5, 5.0):
        requests(throttle, 3)
        messages(throttle, 2)
        clock.now += step
    assert (throttle.worst_second(), throttle.worst_second(NUMBER), throttle.worst_second(OTHER)) == (6, 4, 0)


def test_the_worst_second_is_of_one_token(clock: Clock) -> None:
    throttle = throttle_of(clock, account=9, account_seconds=0.25)
    requests(throttle, 2)
    clock.now += 0.5
    requests(throttle, 1, "2|other")
    requests(throttle, 1)
    requests(throttle, 1, "2|other")
    assert throttle.worst_second() == 3


@pytest.mark.parametrize("quotas", [{}, {"account": 1, "number": 1, "pair": 6, "daily": 10}], ids=["off", "on"])
@pytest.mark.parametrize("token", ["", "{row}"], ids=["one token", "many"])
def test_what_is_over_is_forgotten(clock: Clock, quotas: dict[str, float], token: str) -> None:
    throttle = throttle_of(clock, **quotas)
    for row in range(1_000):
        throttle.take_request(token.format(row=row))
        throttle.take_message(NUMBER, str(row))
        clock.now += DAY / 10
    # The last moments of the token and of the number, the last debt, the recipients of a day.
    assert len(throttle) == 4 + (11 if quotas else 0)


def test_a_busy_one_keeps_nobody_else_in_memory(clock: Clock) -> None:
    throttle = throttle_of(clock, pair=6)
    for row in range(1_000):
        for one in ("busy", str(row)):
            throttle.take_request(one)
            throttle.take_message(NUMBER, one)
        clock.now += 0.5
    assert len(throttle) < 100


def test_pairs_that_owe_are_kept(clock: Clock) -> None:
    throttle = throttle_of(clock, pair=6, pair_burst=2)
    messages(throttle, 2, "91")
    clock.now += 6
    messages(throttle, 1, "92")
    assert messages(throttle, 2, "91") == 1


@pytest.mark.parametrize("field", ["account", "account_seconds", "number", "pair", "pair_burst", "daily"])
def test_a_limit_that_takes_nothing_is_refused(clock: Clock, field: str) -> None:
    with pytest.raises(ValueError, match=f"{field} must be above 0, not 0"):
        throttle_of(clock, **{field: 0})
