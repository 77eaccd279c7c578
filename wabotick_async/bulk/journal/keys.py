"""Which messages a journal has: their keys, without a write to a random place for each of them.

An index of keys is spread evenly, so each new row would change another page of the file, and the pages are what a
commit costs. So the keys of the newest rows are held in memory, and move into the index together, in its order, some
thousands at a time; the index says up to which row it reaches. A process that dies loses nothing: the rows are in the
journal, and the next one reads the keys that are not in the index yet from there.

To ask the index for a key costs as much as to insert its row, so a sieve says which ones it cannot have. It knows only
what moved while it was there: where the index was not empty when the journal was opened, there is none.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from itertools import islice
from typing import Final

from .sieve import Sieve

__all__ = ["Keys"]

_HELD: Final = 8_192
"""Keys that are held in memory before they move: about one megabyte."""
_REACHES: Final = "SELECT v FROM meta WHERE k = 'journal.keys_reach'"
_NOTE: Final = """
INSERT INTO meta VALUES('journal.keys_reach', ?) ON CONFLICT(k) DO UPDATE SET v = excluded.v
"""
# A conflict, which there is none unless the file was tampered with, ends the transaction: to be able to undo this
# statement alone, SQLite would keep a copy of nearly every page of the index in memory.
_MOVE: Final = "INSERT OR ROLLBACK INTO known_key SELECT key, seq FROM item WHERE seq > ? ORDER BY key"
_AT_A_TIME: Final = 32
_ASK: Final = "SELECT key, seq FROM known_key WHERE key IN ("


class Keys:
    """The keys of a journal's rows. What is added counts once it is `committed`, and until it is taken back.

    Args:
        connection: of the journal.
        held: keys that are held in memory before they move.
    """

    def __init__(self, connection: sqlite3.Connection, held: int = _HELD) -> None:
        self._connection = connection
        self._most = held
        found = connection.execute(_REACHES).fetchone()
        self._reach = 0 if found is None else int(found[0])
        self._was_empty = not self._reach
        self._sieve: Sieve | None = None
        """Of the keys in the index, where all of them are known."""
        self._held: dict[bytes, int] = dict(
            connection.execute("SELECT key, seq FROM item WHERE seq > ?", (self._reach,))
        )
        self._new: dict[bytes, int] = {}
        """Those of the open transaction."""
        self._moved_to: int | None = None
        """Where the index reaches once the open transaction is committed, if that moves any."""

    def find(self, keys: Sequence[bytes]) -> dict[bytes, int]:
        """Return the numbers of those rows that are known by these keys."""
        found: dict[bytes, int] = {}
        others: list[bytes] = []
        for key in keys:
            seq = self._held.get(key) or self._new.get(key)
            if seq is None:
                others.append(key)
            else:
                found[key] = seq
        if self._reach:
            self._ask(others if self._sieve is None else self._sieve.held_back(others), found)
        return found

    def _ask(self, keys: Sequence[bytes], found: dict[bytes, int]) -> None:
        """Add to `found` what the index has."""
        for first in range(0, len(keys), _AT_A_TIME):
            asked = list(keys[first : first + _AT_A_TIME])
            asked += asked[:1] * ((1 << (len(asked) - 1).bit_length()) - len(asked))
            found.update(self._connection.execute(_question(len(asked)), asked))

    def add(self, key: bytes, seq: int) -> None:
        """Note a row that the open transaction stores, and whose key is not known."""
        self._new[key] = seq

    @property
    def mark(self) -> int:
        """Where to take back what is added from now on in this transaction."""
        return len(self._new)

    def take_back(self, mark: int) -> None:
        """Forget what was added since; with it, that the transaction moves any."""
        self._moved_to = None
        for key in list(islice(reversed(self._new), len(self._new) - mark)):
            del self._new[key]

    def prepare(self) -> None:
        """Move the keys into the index where there are enough; the last thing before a commit."""
        if len(self._held) + len(self._new) >= self._most:
            self._connection.execute(_MOVE, (self._reach,))
            [(self._moved_to,)] = self._connection.execute("SELECT max(seq) FROM item").fetchall()
            self._connection.execute(_NOTE, (str(self._moved_to),))

    def committed(self) -> None:
        """Note that the transaction is durable."""
        if self._moved_to is None:
            self._held.update(self._new)
        else:
            if self._was_empty:
                self._sieve = self._sieve or Sieve()
                self._sieve.add(self._held)
                self._sieve.add(self._new)
            self._held.clear()
            self._reach, self._moved_to = self._moved_to, None
        self._new.clear()


@lru_cache(maxsize=8)
def _question(count: int) -> str:
    """Return the question for so many keys; asked for powers of two only, so that each is prepared once."""
    return f"{_ASK}{', '.join('?' * count)})"
