"""What each number owes to each recipient."""

from collections import OrderedDict
from typing import NamedTuple

# Messages, for divisions of floats that should be whole.
_SLACK = 1e-6


class _Debt(NamedTuple):
    messages: float
    since: float


class Pairs:
    """Lend messages from the future: each accepted one is owed, and repaid as time passes."""

    def __init__(self) -> None:
        self._debts: OrderedDict[tuple[str, str], _Debt] = OrderedDict()

    def owed(self, pair: tuple[str, str], now: float, seconds: float) -> float:
        """Return the messages not repaid yet, at one in so many seconds."""
        debt = self._debts.get(pair)
        return 0.0 if debt is None else max(0.0, debt.messages - (now - debt.since) / seconds)

    def full(self, pair: tuple[str, str], now: float, seconds: float, burst: int) -> bool:
        """Tell whether one more message would be more than may be owed."""
        return self.owed(pair, now, seconds) + 1 > burst + _SLACK

    def add(self, pair: tuple[str, str], now: float, seconds: float) -> None:
        """Lend a message, and forget who has repaid, the longest untouched first."""
        self._debts[pair] = _Debt(self.owed(pair, now, seconds) + 1, now)
        self._debts.move_to_end(pair)
        while self.owed(oldest := next(iter(self._debts)), now, seconds) <= 0:
            del self._debts[oldest]

    def __len__(self) -> int:
        return len(self._debts)
