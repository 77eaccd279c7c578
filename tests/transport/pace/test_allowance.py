"""What `X-RateLimit-*` headers tell about the server's limit."""

from __future__ import annotations

import pytest

from wabotick_async.transport.pace.allowance import Allowance, Exhausted


class Server:
    """Answers that tell what is left."""

    def __init__(self, wall: float = 1_800_000_000.5) -> None:
        self.allowance = Allowance(lambda: wall)

    def tell(self, now: float, limit: object, left: object, reset: object = None) -> Exhausted | None:
        headers = {"x-ratelimit-limit": str(limit), "x-ratelimit-remaining": str(left)}
        if reset is not None:
            headers["x-ratelimit-reset"] = str(reset)
        return self.allowance.observe(headers, now)

    def windows(self, length: float, count: int, limit: int = 100) -> None:
        """Use up so many windows, beginning at 1000."""
        for number in range(count):
            began = 1000.0 + number * length
            for step in range(11):
                self.tell(began + length * step / 11, limit, limit * (10 - step) // 10)


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
    assert Server().tell(1.0, f" {'1' * 15} ", " 0 ") is not None


def test_with_one_left_nothing_is_exhausted() -> None:
    assert Server().tell(1.0, 60, 1) is None


def test_a_window_of_a_second_is_the_first_guess() -> None:
    server = Server()
    server.tell(1000.0, 60, 30)
    assert server.tell(1000.4, 60, 0) == pytest.approx((1001.0, 0.97 * 60))


def test_nothing_left_at_the_very_first_is_a_second_from_now() -> None:
    assert Server().tell(1000.0, 60, 0) == pytest.approx((1001.0, 0.97 * 60))


def test_a_window_that_should_be_over_ends_now() -> None:
    server = Server()
    server.tell(1000.0, 60, 30)
    assert server.tell(1009.0, 60, 0) == pytest.approx((1009.0, 0.97 * 60))


@pytest.mark.parametrize("length", [0.5, 1.0, 5.5, 44.0])
def test_the_length_of_a_window_is_learnt_where_a_new_one_begins(length: float) -> None:
    server = Server()
    server.windows(length, 2)
    told = server.tell(1000.0 + 2 * length - 0.01, 100, 0)
    assert told == pytest.approx((1000.0 + 2 * length, 97 / length))


@pytest.mark.parametrize(("length", "learnt"), [(0.4, 1.0), (70.0, 60.0)])
def test_a_window_is_half_a_second_to_a_minute(length: float, learnt: float) -> None:
    server = Server()
    server.windows(length, 2)
    told = server.tell(1000.0 + length, 100, 0)
    assert told is not None
    assert told.rate == pytest.approx(97 / learnt)


def test_a_window_that_was_not_used_up_teaches_no_length() -> None:
    server = Server()
    server.tell(1000.0, 100, 90)
    server.tell(1020.0, 100, 11)
    server.tell(1021.0, 100, 99)
    assert server.tell(1021.5, 100, 0) == pytest.approx((1022.0, 97.0))


def test_a_tenth_left_is_used_up_enough() -> None:
    server = Server()
    server.tell(1000.0, 100, 90)
    server.tell(1020.0, 100, 10)
    server.tell(1021.0, 100, 99)
    assert server.tell(1021.5, 100, 0) == pytest.approx((1042.0, 97 / 21))


@pytest.mark.parametrize(("limit", "jump", "new"), [(100, 5, False), (100, 6, True), (10, 2, False), (10, 3, True)])
def test_answers_that_overtake_each_other_begin_no_window(limit: int, jump: int, new: bool) -> None:
    server = Server()
    server.tell(1000.0, limit, limit // 10)
    server.tell(1003.0, limit, limit // 10 + jump)
    told = server.tell(1003.0, limit, 0)
    assert told is not None
    assert told.rate == pytest.approx(0.97 * limit / (3.0 if new else 1.0))


@pytest.mark.parametrize(
    ("reset", "until", "rate"),
    [
        (20, 1020.0, 97 / 20),
        (0, 1000.0, 97.0),
        (300, 1300.0, 97 / 300),
        (301, 1001.0, 97.0),
        (1_800_000_020, 1020.0, 97 / 20),
        (1_800_000_301, 1001.0, 97.0),
        (1_799_999_999, 1001.0, 97.0),
        (999_999_999, 1001.0, 97.0),
    ],
)
def test_where_the_server_says_when_a_window_ends_that_counts(reset: int, until: float, rate: float) -> None:
    assert Server().tell(1000.0, 100, 0, reset) == pytest.approx((until, rate))


def test_the_rate_follows_from_the_learnt_window_where_the_end_is_told() -> None:
    server = Server()
    server.windows(44.0, 2)
    assert server.tell(1080.0, 100, 0, 8) == pytest.approx((1088.0, 97 / 44))


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
