"""A sieve lets nothing through that was put in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wabotick_async.bulk.journal.sieve import Sieve

KEYS = st.lists(st.binary(min_size=16, max_size=16), max_size=30)


@given(KEYS, KEYS)
def test_it_holds_back_what_was_put_in(put: list[bytes], asked: list[bytes]) -> None:
    sieve = Sieve()
    sieve.add(put)
    begun = {key[:3] for key in put}

    assert sieve.held_back(put) == put
    assert sieve.held_back(asked) == [key for key in asked if key[:3] in begun]


def test_of_a_million_keys_it_lets_most_others_through() -> None:
    sieve = Sieve()
    sieve.add((number * 0x9E3779B1 & 0xFFFFFFFF).to_bytes(4, "little") + bytes(12) for number in range(1_000_000))

    others = [(number * 0x85EBCA6B & 0xFFFFFFFF).to_bytes(4, "big") + bytes(12) for number in range(10_000)]
    assert 400 < len(sieve.held_back(others)) < 800
