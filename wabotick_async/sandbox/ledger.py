"""The ledger: what the sandbox accepted, written down before it answered."""

import hashlib
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import msgspec

from .delivery import delivery

_SECRET = frozenset({"apiToken", "access_token"})
_ADDRESS = frozenset({"apiToken", "phone_number"})


class LedgerEntry(msgspec.Struct, frozen=True):
    """Describe one accepted send."""

    time: float
    """Seconds of the sandbox's clock."""
    endpoint: str
    phone_number_id: str
    phone_number: str
    """Empty for a broadcast, whose recipients are not in the request."""
    message_id: str | None
    digest: str
    """Fingerprint of the content: equal for equal content, whoever the recipient is."""
    fields: dict[str, str]
    """The form as it arrived, without secrets."""
    by_server: bool = False
    """True for the second copy that a `duplicate` fault made, which is not the client's doing."""


def digest(endpoint: str, fields: Mapping[str, str]) -> str:
    """Return the fingerprint of a send's content, recipient and token aside."""
    content = sorted((key, value) for key, value in fields.items() if key not in _ADDRESS)
    return hashlib.sha256(msgspec.json.encode((endpoint, content))).hexdigest()[:24]


def public(fields: Mapping[str, str]) -> dict[str, str]:
    """Return the form fields without secrets."""
    return {key: value for key, value in fields.items() if key not in _SECRET}


def worst_second(times: Iterable[float]) -> int:
    """Return the largest number of moments in any second, wherever the second begins."""
    moments = sorted(times)
    worst = first = 0
    for last, moment in enumerate(moments):
        while moment - moments[first] >= 1.0:
            first += 1
        worst = max(worst, last - first + 1)
    return worst


class Ledger:
    """Keep the accepted sends in memory and, with a path, in a file of JSON lines.

    The file is opened for appending and gets each entry in one write before the answer goes out, so it tells the truth
    after a `kill -9` of the client or of the sandbox. Entries already in the file are taken over.
    """

    def __init__(self, path: Path | None = None, *, clock: Callable[[], float] = time.time) -> None:
        self.entries: list[LedgerEntry] = list(_read(path)) if path is not None and path.exists() else []
        self._by_id = {entry.message_id: entry for entry in self.entries if entry.message_id is not None}
        self._clock = clock
        self._file = None if path is None else os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    @classmethod
    def read(cls, path: Path, *, clock: Callable[[], float] = time.time) -> "Ledger":
        """Load the file of another process, which may still be writing; an unfinished last line is left out.

        Raises:
            OSError: when the file cannot be read.
        """
        ledger = cls(clock=clock)
        for entry in _read(path):
            ledger._remember(entry)
        return ledger

    def append(self, entry: LedgerEntry) -> None:
        """Write an entry down, first in the file."""
        if self._file is not None:
            os.write(self._file, msgspec.json.encode(entry) + b"\n")
        self._remember(entry)

    def close(self) -> None:
        """Close the file; the entries stay readable."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def per_recipient(self) -> Counter[str]:
        """Count the messages of each phone number."""
        return Counter(entry.phone_number for entry in self.entries)

    def repeated(self) -> dict[tuple[str, str], int]:
        """Return (phone number, content digest) -> count for what arrived more than once."""
        counts = Counter((entry.phone_number, entry.digest) for entry in self.entries)
        return {key: count for key, count in counts.items() if count > 1}

    def worst_second(self) -> int:
        """Return the largest number of sends accepted in any second."""
        return worst_second(entry.time for entry in self.entries)

    def total(self, endpoint: str | None = None) -> int:
        """Count the sends, of one endpoint or of all."""
        return sum(1 for entry in self.entries if endpoint in (None, entry.endpoint))

    def status_of(self, message_id: str) -> str | None:
        """Return `sent`, `delivered`, `read` or `failed` as of now, or None for an unknown message."""
        entry = self.find(message_id)
        return None if entry is None else delivery(entry.phone_number, entry.time, self._clock()).status

    def find(self, message_id: str) -> LedgerEntry | None:
        """Return the entry of a message id."""
        return self._by_id.get(message_id)

    def __len__(self) -> int:
        return len(self.entries)

    def _remember(self, entry: LedgerEntry) -> None:
        self.entries.append(entry)
        if entry.message_id is not None:
            self._by_id[entry.message_id] = entry


def _read(path: Path) -> Iterable[LedgerEntry]:
    for line in path.read_bytes().splitlines(keepends=True):
        if line.endswith(b"\n"):
            yield msgspec.json.decode(line, type=LedgerEntry)
