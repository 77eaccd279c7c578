"""What `X-RateLimit-*` headers tell about the server's limit."""

from __future__ import annotations

from itertools import pairwise

import pytest

from wabotick_async.transport.pace.allowance import Allowance, Told

INF = float("inf")


class Server:
    """Answers that tell what is left."""

    def __init__(self, wall: float = 1_800_000_000.5) -> None:
        self.allowance = Allowance(lambda: wall)

    def tell(self, now: float, limit: object, left: object, reset: object = None, others: int = 0) -> Told:
        headers = {"x-ratelimit-limit": str(limit), "x-ratelimit-remaining": str(left)}
        if reset is not None:
            headers["x-ratelimit-reset"] = str(reset)
        told = self.allowance.observe(headers, now, others)
        assert told is not None
        return told

    def windows(self, length: float, count: int, limit: int = 100) -> None:
        """Use up so many windows, one request after the other, beginning at 1000."""
        for number in range(count):
            for step in range(limit):
                self.tell(1000.0 + number * length + length * step / limit, limit, limit - 1 - step)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-ratelimit-limit": "60"},
        {"x-ratelimit-remaining": "0"},
        {"x-ratelimit-limit": "0", "x-ratelimit-remaining": "0"},
        {"x-ratelimit-limit": "-5", "x-ratelimit-remaining": "0"},
        {"x-ratelimit-limit": "60", "x-ratelimit-remaining": "-1"},
        {"x-ratelimit-limit": "60", "x-ratelimit-remaining": "none"},
        {"x-ratelimit-limit": "٦٠", "x-ratelimit-remaining": "0"},
        {"x-ratelimit-limit": "1" * 16, "x-ratelimit-remaining": "0"},
        {"x-ratelimit-limit": "6.5", "x-ratelimit-remaining": "0"},
    ],
)
def test_what_cannot_be_read_says_nothing(headers: dict[str, str]) -> None:
    allowance = Allowance(lambda: 0.0)
    assert allowance.observe(headers, 1.0) is None
    assert allowance.has_room_above(1e9)


def test_fifteen_digits_and_blanks_can_be_read() -> None:
    assert Server().tell(1.0, f" {'1' * 15} ", " 0 ").exhausted


def test_nothing_is_known_of_the_window_at_first() -> None:
    told = Server().tell(1000.0, 60, 59, others=3)
    assert (told.left, told.since, told.rate, told.exhausted) == (56, 0.0, INF, False)


def test_what_is_in_flight_is_not_counted_yet() -> None:
    assert [Server().tell(1000.0, 60, 50, others=others).left for others in (0, 1, 50, 60)] == [50, 49, 0, 0]


def test_of_answers_that_overtake_each_other_the_lowest_is_true() -> None:
    server = Server()
    told = [server.tell(1000.0, 100, left, others=others) for left, others in ((70, 3), (67, 2), (69, 1), (68, 0))]
    assert [one.left for one in told] == [67, 65, 66, 67]
    assert server.tell(1001.0, 100, 66).left == 66


def test_with_few_left_and_no_end_known_a_second_is_sat_out() -> None:
    """Of a sliding window, too, all is given back then."""
    server = Server()
    server.tell(1000.0, 60, 59)
    assert server.tell(1000.2, 60, 7).since == 0.0
    told = server.tell(1000.4, 60, 6)
    assert (told.left, told.since, told.exhausted) == (1, 1001.4, False)
    assert server.tell(1000.4, 60, 5, others=5)[:2] == (0, 1001.4)


def test_the_last_few_are_spread_over_a_minute() -> None:
    server, now, since = Server(), 1005.0, []
    server.tell(1000.0, 60, 59)
    for left in range(6, 0, -1):
        told = server.tell(now, 60, left)
        assert told.left == 1
        since.append(told.since - 1000.0)
        now = told.since
    factors = [later / former for former, later in pairwise([5.0, *since])]
    assert factors == pytest.approx([12 ** (1 / 6)] * 6)
    assert since[-1] == pytest.approx(60.0)


def test_no_few_are_spread_over_a_window_that_has_lasted_a_minute_already() -> None:
    server = Server()
    server.tell(1000.0, 60, 59)
    assert server.tell(1060.0, 60, 5)[:2] == (5, 0.0)


def test_where_nothing_is_left_and_nobody_knows_for_how_long_one_finds_out() -> None:
    server = Server()
    server.tell(1000.0, 60, 30)
    told = server.tell(1009.0, 60, 0)
    assert (told.left, told.until, told.hold, told.exhausted) == (1, 1009.0, 1010.0, True)


def test_he_waits_for_the_answers_to_those_in_flight() -> None:
    server = Server()
    server.tell(1000.0, 60, 30)
    told = server.tell(1009.0, 60, 0, others=1)
    assert (told.left, told.until, told.hold) == (0, 1009.0, 1010.0)


def test_nothing_left_at_the_very_first_is_for_a_second() -> None:
    told = Server().tell(1000.0, 60, 0)
    assert (told.left, told.until, told.hold, told.rate) == (0, 1001.0, 1001.0, INF)


@pytest.mark.parametrize("length", [0.5, 1.0, 5.5, 44.0])
def test_the_length_of_a_window_is_learnt_where_a_new_one_begins(length: float) -> None:
    server = Server()
    server.windows(length, 2)
    told = server.tell(1000.0 + 2 * length - 0.001, 100, 0)
    assert (told.until, told.rate) == pytest.approx((1000.0 + 2 * length, 97 / length))


@pytest.mark.parametrize(("length", "rate"), [(0.4, INF), (70.0, 97 / 60)])
def test_a_window_is_half_a_second_to_a_minute(length: float, rate: float) -> None:
    server = Server()
    server.windows(length, 2)
    assert server.tell(1000.0 + 2 * length - 0.001, 100, 0).rate == pytest.approx(rate)


def test_a_window_that_was_not_used_up_teaches_no_length() -> None:
    server = Server()
    server.tell(1000.0, 100, 99)
    server.tell(1020.0, 100, 11)
    assert server.tell(1021.0, 100, 99).rate == INF


def test_a_window_that_was_not_seen_from_its_beginning_teaches_no_length() -> None:
    for first, rate in ((89, INF), (90, 97 / 21)):
        server = Server()
        server.tell(1000.0, 100, first)
        server.tell(1020.0, 100, 10)
        assert server.tell(1021.0, 100, 99).rate == pytest.approx(rate)


def test_a_window_that_ended_while_nobody_asked_teaches_no_length() -> None:
    for ended, rate in ((1012.5, INF), (1012.3, 97 / 12.3)):  # one might have asked from 1006.2 on
        server = Server()
        server.tell(1000.0, 100, 99)
        server.tell(1002.0, 100, 3)
        assert server.tell(ended, 100, 99).rate == pytest.approx(rate)


def test_a_window_that_ended_while_nobody_was_to_ask_does() -> None:
    server = Server()
    server.tell(1000.0, 100, 99)
    asked = server.tell(1002.0, 100, 1).since
    assert asked == pytest.approx(1060.0)
    assert server.tell(asked, 100, 99).rate == pytest.approx(97 / 60)


def test_a_pause_does_not_make_a_sliding_window_longer_that_was_used_for_long() -> None:
    server = Server()
    server.windows(2.0, 2, limit=20)  # learnt: two seconds
    learnt = server.tell(1004.0, 20, 19).rate
    for number in range(200):  # used evenly from here on, nothing jumps up
        server.tell(1004.1 + number / 10, 20, 1)
    assert server.tell(1026.0, 20, 19).rate == learnt


def test_requests_that_come_back_one_by_one_end_a_window_too() -> None:
    server = Server()
    for step in range(95):
        server.tell(1000.0 + step / 10, 100, 99 - step)
    told = [server.tell(1010.0 + step / 10, 100, 5).rate for step in range(8)]
    assert told[:3] == [INF] * 3
    assert told[-1] == pytest.approx(97 / 10.5, rel=0.05)


@pytest.mark.parametrize(
    ("limit", "others", "jump", "new"),
    [(100, 0, 5, False), (100, 0, 6, True), (10, 0, 2, False), (10, 0, 3, True), (100, 4, 8, False), (100, 4, 9, True)],
)
def test_answers_that_overtake_each_other_begin_no_window(limit: int, others: int, jump: int, new: bool) -> None:
    server = Server()
    server.tell(1000.0, limit, limit - 1)
    server.tell(1002.0, limit, limit // 10)
    told = server.tell(1003.0, limit, limit // 10 + jump, others=others)
    assert told.rate == pytest.approx(0.97 * limit / 3.0 if new else INF)


@pytest.mark.parametrize(
    ("reset", "until", "rate"),
    [
        (20, 1020.0, 97 / 20),
        (0, 1000.0, 97 / 0.5),
        (300, 1300.0, 97 / 300),
        (301, 1001.0, INF),
        (1_800_000_020, 1020.0, 97 / 20),
        (1_800_000_301, 1001.0, INF),
        (1_799_999_999, 1001.0, INF),
        (999_999_999, 1001.0, INF),
    ],
)
def test_where_the_server_says_when_a_window_ends_that_counts(reset: int, until: float, rate: float) -> None:
    server = Server()
    server.tell(1000.0, 100, 99)
    told = server.tell(1000.0, 100, 0, reset)
    assert (told.until, told.rate) == pytest.approx((until, rate))


def test_the_end_that_is_told_tells_the_length_only_where_its_beginning_was_seen() -> None:
    assert Server().tell(1000.0, 100, 0, 20).rate == INF


@pytest.mark.parametrize(("reset", "until"), [(8, 1087.5), (7, 1087.0), (9, 1088.0), (10, 1089.0)])
def test_the_end_is_told_in_whole_seconds_and_known_better_by_the_length(reset: int, until: float) -> None:
    server = Server()
    server.windows(43.75, 2)
    assert server.tell(1080.0, 100, 0, reset).until == pytest.approx(until)


def test_few_that_are_left_are_not_spread_where_the_end_is_told() -> None:
    told = Server().tell(1000.0, 100, 3, 20)
    assert (told.left, told.since, told.until, told.exhausted) == (3, 0.0, 1020.0, False)


def test_the_rate_follows_from_the_learnt_window_where_the_end_is_told() -> None:
    server = Server()
    server.windows(44.0, 2)
    told = server.tell(1080.0, 100, 0, 8)
    assert (told.until, told.rate) == pytest.approx((1088.0, 97 / 44))


def test_there_is_room_above_a_rate_while_more_than_a_tenth_is_left() -> None:
    server = Server()
    server.tell(1000.0, 100, 11)
    assert server.allowance.has_room_above(1e9)
    server.tell(1000.0, 100, 10)
    assert not server.allowance.has_room_above(0.1)


def test_there_is_room_up_to_the_learnt_rate() -> None:
    server = Server()
    server.windows(44.0, 2)
    server.tell(1088.0, 100, 90)
    assert server.allowance.has_room_above(97 / 44 - 0.001)
    assert not server.allowance.has_room_above(97 / 44)


def test_a_window_that_was_learnt_too_long_is_shortened_where_much_of_the_limit_is_never_used() -> None:
    server = Server()
    server.windows(10.0, 2)
    rates = []
    for step in range(600):  # as many as the learnt window allows, while the true one is half as long
        now = 1020.0 + step * 10.0 / 97
        rates.append(server.tell(now, 100, 99 - int((now % 5.0) * 9.7)).rate)
    assert rates[0] == pytest.approx(9.7)
    assert rates[-1] == pytest.approx(97 / 5.0, rel=0.05)


def test_a_window_that_nobody_uses_up_is_not_shortened() -> None:
    server = Server()
    server.windows(10.0, 2)
    assert [server.tell(1020.0 + step, 100, 95).rate for step in range(60)][-1] == pytest.approx(9.7)
