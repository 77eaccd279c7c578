"""The limits of all scopes, and how they are asked together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final

from ...config import Limits, Rate
from .bucket import SLACK, Bucket
from .debts import Debts
from .scopes import ACCOUNT, Scope, Scopes

__all__ = ["ScopedLimits"]

_MOST_BUCKETS: Final = 10_000
_LOOKED_AT: Final = 16


class ScopedLimits:
    """Buckets of numbers and templates, debts of recipients.

    A number or template without a limit of its own gets one when the platform refuses for it: the account's rate is
    where it is lowered from.

    Args:
        account: the account's bucket.
        limits: of numbers, templates and pairs.
        share: share of each rate that is used.
    """

    def __init__(self, account: Bucket, limits: Limits, share: float) -> None:
        self._account = account
        self._rates: Mapping[str, Rate | None] = {"number": limits.number, "template": limits.template}
        self._share = share
        self._buckets: dict[Scope, Bucket] = {}
        self._debts = None if limits.pair is None else Debts(limits.pair)
        self._has_rates = any(rate is not None for rate in self._rates.values())

    def buckets(self) -> Iterator[tuple[Scope, Bucket]]:
        """Return the numbers and templates that have a bucket."""
        yield from self._buckets.items()

    def due(self, scope: Scope) -> float:
        """Return the clock time of a scope's next grant."""
        if scope.kind == "recipient":
            return 0.0 if self._debts is None else self._debts.due(scope.value)
        bucket = self._bucket(scope)
        return 0.0 if bucket is None else bucket.due

    def interval(self, scope: Scope) -> float:
        """Return the seconds from one grant of a scope to the next, 0 without a limit."""
        if scope.kind == "recipient":
            return 0.0 if self._debts is None else self._debts.interval
        bucket = self._bucket(scope)
        return 0.0 if bucket is None else 1.0 / bucket.rate

    def blocked_by(self, scopes: Scopes, now: float) -> tuple[Scope, float] | None:
        """Return the scope of a request that is due last, and when, or None where all are due."""
        number, template, recipient = scopes
        worst: tuple[Scope, float] | None = None
        latest = now + SLACK
        if self._has_rates or self._buckets:
            for scope in (number, template):
                if scope is not None and (bucket := self._bucket(scope)) is not None and (due := bucket.due) > latest:
                    worst, latest = (scope, due), due
        if recipient is not None and self._debts is not None and (due := self._debts.due(recipient.value)) > latest:
            worst = recipient, due
        return worst

    def turn(self, scopes: Scopes, ahead: Mapping[Scope, int], now: float) -> tuple[Scope, float] | None:
        """Return what `blocked_by` does, with those who stand aside for the same scope counted."""
        worst: tuple[Scope, float] | None = None
        for scope in scopes:
            if scope is None:
                continue
            due = max(self.due(scope), now) + ahead.get(scope, 0) * self.interval(scope)
            if due > now + SLACK and (worst is None or due > worst[1]):
                worst = scope, due
        return worst

    def take(self, scopes: Scopes, now: float, asked: float) -> None:
        """Note a grant."""
        number, template, recipient = scopes
        if self._has_rates or self._buckets:
            for scope in (number, template):
                if scope is not None and (bucket := self._bucket(scope)) is not None:
                    bucket.take(now, asked)
        if recipient is not None and self._debts is not None:
            self._debts.take(recipient.value, now)

    def give_back(self, scopes: Scopes, granted: float, now: float) -> None:
        """Take back a grant that was not used."""
        for scope in scopes:
            if scope is None:
                continue
            if scope.kind == "recipient":
                if self._debts is not None:
                    self._debts.give_back(scope.value, granted, now)
            elif (bucket := self._buckets.get(scope)) is not None:
                bucket.give_back(granted, now)

    def left_late(self, scopes: Scopes, granted: float, now: float) -> None:
        """Note that a grant was used only now."""
        for scope in scopes:
            if scope is not None and (bucket := self._buckets.get(scope)) is not None:
                bucket.left_late(granted, now)

    def follow_account(self, now: float) -> None:
        """Let the numbers and templates without a rate of their own have the account's."""
        for scope, bucket in self._buckets.items():
            if self._rates.get(scope.kind) is None:
                bucket.set_rate(self._account.ceiling, now)

    def pause(self, scope: Scope, until: float, why: str, now: float) -> bool:
        """Pause a scope; True where this began a pause."""
        if scope.kind == "recipient":
            return self._pause_recipient(scope, until, now)
        return self._need(scope).pause(until, why, now)

    def throttled(self, scope: Scope, until: float, why: str, now: float, elapsed: float) -> bool:
        """Pause a scope and lower its rate; True where this began a pause."""
        if scope.kind == "recipient":
            return self._pause_recipient(scope, until, now)
        return self._need(scope).throttled(until, why, now, elapsed)

    def _pause_recipient(self, scope: Scope, until: float, now: float) -> bool:
        if self._debts is None:
            return False
        began = self._debts.due(scope.value) <= now < until
        self._debts.pause(scope.value, until)
        return began

    def _bucket(self, scope: Scope) -> Bucket | None:
        bucket = self._buckets.get(scope)
        if bucket is None and (rate := self._rates.get(scope.kind)) is not None:
            return self._need(scope, rate)
        return bucket

    def _need(self, scope: Scope, rate: Rate | None = None) -> Bucket:
        if scope == ACCOUNT:
            return self._account
        bucket = self._buckets.get(scope)
        if bucket is None:
            if len(self._buckets) >= _MOST_BUCKETS:
                self._forget_one()
            rate = rate or self._rates.get(scope.kind)
            per_second = self._account.ceiling if rate is None else self._share / rate.interval
            bucket = self._buckets[scope] = Bucket(per_second, self._account.burst if rate is None else rate.burst)
        return bucket

    def _forget_one(self) -> None:
        """Forget, of the oldest few, the bucket with the least to remember; the others become the youngest."""
        oldest = list(islice(self._buckets, _LOOKED_AT))
        del self._buckets[min(oldest, key=lambda scope: self._buckets[scope].due)]
        for scope in oldest:
            if (bucket := self._buckets.pop(scope, None)) is not None:
                self._buckets[scope] = bucket
