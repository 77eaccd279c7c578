"""What the platform and Meta refuse for pace: by account, sending number, recipient and day."""

import math
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable
from typing import Literal, get_args

from .day import Day
from .pairs import Pairs
from .quotas import Quotas
from .window import Window

MessageScope = Literal["number", "pair", "daily"]
SCOPES: tuple[str, ...] = ("account", *get_args(MessageScope))
"""What a limit holds for, by the name of its quota."""


class _Flow:
    """Count what came from one key, and what of it was taken."""

    def __init__(self) -> None:
        self.came = Window()
        self.taken = Window()
        self.worst = 0

    def arrive(self, now: float) -> None:
        self.came.add(now)
        self.worst = max(self.worst, self.came.count(now, 1.0))


class Throttle:
    """Enforce the quotas, which may be changed at any moment, and count what was refused.

    A quota that is switched off forgets its pairs or days; the account's and the numbers' last moments are always kept.
    """

    def __init__(self, quotas: Quotas, clock: Callable[[], float]) -> None:
        self.refused: Counter[str] = Counter()
        """What was refused for pace, by scope; faults that look the same are not in it."""
        self._quotas = quotas
        self._clock = clock
        self._accounts: OrderedDict[str, _Flow] = OrderedDict()
        self._numbers: defaultdict[str, _Flow] = defaultdict(_Flow)
        self._pairs = Pairs()
        self._days: defaultdict[str, Day] = defaultdict(Day)
        self._worst = 0

    @property
    def quotas(self) -> Quotas:
        """Return what holds now; set it to change it."""
        return self._quotas

    @quotas.setter
    def quotas(self, quotas: Quotas) -> None:
        self._quotas = quotas
        if quotas.pair is None:
            self._pairs = Pairs()
        if quotas.daily is None:
            self._days.clear()

    def take_request(self, token: str) -> int | None:
        """Take one request; return None, or the whole seconds to wait when there is none left."""
        now, limit, seconds = self._clock(), self._quotas.account, self._quotas.account_seconds
        flow = self._account(token, now)
        flow.arrive(now)
        self._worst = max(self._worst, flow.worst)
        # Counted without a limit too: what is not counted is not forgotten.
        taken = flow.taken.count(now, seconds)
        if limit is not None and taken >= limit:
            self.refused["account"] += 1
            return max(1, math.ceil(flow.taken.below(limit, seconds) - now))
        flow.taken.add(now)
        return None

    def headers(self, token: str, wait: int | None) -> dict[str, str]:
        """Return what Laravel says of the account limit: the reset (epoch seconds) only where it refuses."""
        limit = self._quotas.account
        if limit is None:
            return {}
        now = self._clock()
        left = limit - self._account(token, now).taken.count(now, self._quotas.account_seconds)
        headers = {"X-RateLimit-Limit": str(limit), "X-RateLimit-Remaining": str(max(0, left))}
        if wait is not None:
            headers.update({"Retry-After": str(wait), "X-RateLimit-Reset": str(int(now) + wait)})
        return headers

    def take_message(self, phone_number_id: str, recipient: str) -> MessageScope | None:
        """Take one message, or return the scope that refuses it."""
        now, quotas = self._clock(), self._quotas
        flow, pair = self._numbers[phone_number_id], (phone_number_id, recipient)
        flow.arrive(now)
        scope = self._full(pair, flow, now)
        if scope is not None:
            self.refused[scope] += 1
            return scope
        flow.taken.add(now)
        if quotas.pair is not None:
            self._pairs.add(pair, now, quotas.pair)
        if quotas.daily is not None:
            self._days[phone_number_id].add(recipient, now)
        return None

    def worst_second(self, phone_number_id: str | None = None) -> int:
        """Return the most requests of one token, or messages of one number, that came in any second.

        Refused ones included: they are what a client did.
        """
        if phone_number_id is None:
            return self._worst
        flow = self._numbers.get(phone_number_id)
        return 0 if flow is None else flow.worst

    def __len__(self) -> int:
        """Count what is remembered: moments, debts and recipients of a day."""
        flows = [*self._accounts.values(), *self._numbers.values()]
        moments = sum(len(flow.came) + len(flow.taken) for flow in flows)
        return moments + len(self._pairs) + sum(len(day) for day in self._days.values())

    def _full(self, pair: tuple[str, str], flow: _Flow, now: float) -> MessageScope | None:
        quotas = self._quotas
        taken = flow.taken.count(now, 1.0)
        if quotas.number is not None and taken >= quotas.number:
            return "number"
        if quotas.pair is not None and self._pairs.full(pair, now, quotas.pair, quotas.pair_burst):
            return "pair"
        if quotas.daily is not None and self._days[pair[0]].full(pair[1], now, quotas.daily):
            return "daily"
        return None

    def _account(self, token: str, now: float) -> _Flow:
        flow = self._accounts.setdefault(token, _Flow())
        self._accounts.move_to_end(token)
        oldest = next(iter(self._accounts))
        while oldest != token and not self._busy(self._accounts[oldest], now):
            del self._accounts[oldest]
            oldest = next(iter(self._accounts))
        return flow

    def _busy(self, flow: _Flow, now: float) -> bool:
        return bool(flow.came.count(now, 1.0) or flow.taken.count(now, self._quotas.account_seconds))
