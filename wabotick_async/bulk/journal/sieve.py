"""What was certainly not put in: a bit for each of very many keys, so that an index need not be asked for new ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

__all__ = ["Sieve"]

_PREFIX: Final = 3
"""Bytes of a key that choose its bit: two megabytes of bits, of which a million keys set one in seventeen."""
_MASKS: Final = tuple(1 << bit for bit in range(8))


class Sieve:
    """Remember keys that are spread evenly, each by one bit that others may share. Nothing is ever forgotten."""

    def __init__(self) -> None:
        self._bits = bytearray(1 << (8 * _PREFIX - 3))

    def add(self, keys: Iterable[bytes]) -> None:
        """Put keys in."""
        bits, number = self._bits, int.from_bytes
        for key in keys:
            place = number(key[:_PREFIX], "big")
            bits[place >> 3] |= _MASKS[place & 7]

    def held_back(self, keys: Sequence[bytes]) -> list[bytes]:
        """Return those keys that may have been put in; all others certainly were not."""
        bits, number = self._bits, int.from_bytes
        return [key for key in keys if bits[(place := number(key[:_PREFIX], "big")) >> 3] & _MASKS[place & 7]]
