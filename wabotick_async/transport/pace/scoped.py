"""The limits of all scopes, and how they are asked together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final

from ...config import Limits, Rate
from .bucket import SLACK, Bucket
from .debts import Debts
from .scopes import ACCOUNT, Scope, Scopes

__all__ = ["WORTH_PARKING", "ScopedLimits"]

WORTH_PARKING: Final = 0.25
"""Seconds: who would rather come again than wait for a narrow scope waits so long all the same."""
_MOST_BUCKETS: Final = 10_000
_LOOKED_AT: Final = 16


class _Buckets:
    """The buckets of one kind of scope, by value.

    Args:
        kind: of scope.
        account: the account's bucket, whose rate is where one without a limit of its own is lowered from.
        rate: of each, if there is any.
        share: share of it that is used.
    """

    def __init__(self, kind: str, account: Bucket, rate: Rate | None, share: float) -> None:
        self.kind = kind
        self.limited = rate is not None
        """Whether each value has a limit."""
        self.known: dict[str, Bucket] = {}
        self._account = account
        self._rate = rate
        self._share = share

    def find(self, value: str) -> Bucket | None:
        """Return the bucket of a value; None where it has no limit."""
        bucket = self.known.get(value)
        return self.need(value) if bucket is None and self.limited else bucket

    def need(self, value: str) -> Bucket:
        """Return the bucket of a value, a new one where it had none."""
        bucket = self.known.get(value)
        if bucket is None:
            if len(self.known) >= _MOST_BUCKETS:
                self._forget_one()
            rate, account = self._rate, self._account
            per_second = account.ceiling if rate is None else self._share / rate.interval
            bucket = self.known[value] = Bucket(per_second, account.burst if rate is None else rate.burst)
        return bucket

    def _forget_one(self) -> None:
        """Forget, of the oldest few, the bucket with the least to remember; the others become the youngest."""
        oldest = list(islice(self.known, _LOOKED_AT))
        del self.known[min(oldest, key=lambda value: self.known[value].due)]
        for value in oldest:
            if (bucket := self.known.pop(value, None)) is not None:
                self.known[value] = bucket


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
        self._numbers = _Buckets("number", account, limits.number, share)
        self._templates = _Buckets("template", account, limits.template, share)
        self._kinds: Mapping[str, _Buckets] = {kind.kind: kind for kind in (self._numbers, self._templates)}
        self._debts = None if limits.pair is None else Debts(limits.pair)

    def buckets(self) -> Iterator[tuple[Scope, Bucket]]:
        """Return the numbers and templates that have a bucket."""
        for kind in self._kinds.values():
            for value, bucket in kind.known.items():
                yield Scope(kind.kind, value), bucket

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

    def take_if_due(self, scopes: Scopes, now: float) -> bool:
        """Note a grant where all scopes of a request are due."""
        scope, template, recipient = scopes
        latest = now + SLACK
        first = second = None
        if scope is not None:
            first = self._numbers.find(scope.value)
            if first is not None and first.due > latest:
                return False
        if template is not None:
            second = self._templates.find(template.value)
            if second is not None and second.due > latest:
                return False
        if recipient is not None and self._debts is not None and not self._debts.take_if_due(recipient.value, now):
            return False
        if first is not None:
            first.take(now, now)
        if second is not None:
            second.take(now, now)
        return True

    def blocked_by(self, scopes: Scopes, now: float) -> tuple[Scope, float] | None:
        """Return the scope of a request that is due last, and when, or None where all are due."""
        worst: tuple[Scope, float] | None = None
        latest = now + SLACK
        for scope in scopes:
            if scope is not None and (due := self.due(scope)) > latest:
                worst, latest = (scope, due), due
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

    def slower(self, scope: Scope, other: Scope) -> bool:
        """Tell whether a scope is slower than another; of two that are as slow, one always is."""
        return (self.interval(scope), scope) > (self.interval(other), other)

    def patience(self, scopes: Scopes, awaited: Scope, now: float) -> float:
        """Return for how many seconds one who would rather come again waits for a scope all the same.

        His turn of the quicker of two narrow scopes is worth waiting for while the slower one is due: if he came again
        instead, others would have taken the one whenever the other is due, and he would starve.
        """
        interval = self.interval(awaited)
        if interval > WORTH_PARKING:
            for scope in scopes:
                if scope is not None and self.slower(scope, awaited) and self.due(scope) <= now + SLACK:
                    return interval + SLACK
        return WORTH_PARKING

    def take(self, scopes: Scopes, now: float, asked: float) -> None:
        """Note a grant."""
        for scope in scopes:
            if scope is None:
                continue
            if scope.kind == "recipient":
                if self._debts is not None:
                    self._debts.take(scope.value, now)
            elif (bucket := self._bucket(scope)) is not None:
                bucket.take(now, asked)

    def give_back(self, scopes: Scopes, granted: float, now: float) -> None:
        """Take back a grant that was not used."""
        for scope in scopes:
            if scope is None:
                continue
            if scope.kind == "recipient":
                if self._debts is not None:
                    self._debts.give_back(scope.value, granted, now)
            elif (bucket := self._kinds[scope.kind].known.get(scope.value)) is not None:
                bucket.give_back(granted, now)

    def left_late(self, scopes: Scopes, granted: float, now: float) -> None:
        """Note that a grant was used only now."""
        for scope in scopes[:2]:
            if scope is not None and (bucket := self._kinds[scope.kind].known.get(scope.value)) is not None:
                bucket.left_late(granted, now)

    def follow_account(self, now: float) -> None:
        """Let the numbers and templates without a rate of their own have the account's."""
        for kind in self._kinds.values():
            for bucket in () if kind.limited else kind.known.values():
                bucket.set_rate(self._account.ceiling, now)

    def pause(self, scope: Scope, until: float, why: str, now: float) -> bool:
        """Pause a scope; True where that is news, as in `Bucket.pause`."""
        if scope.kind == "recipient":
            return self._pause_recipient(scope, until, now)
        return self._need(scope).pause(until, why, now)

    def throttled(self, scope: Scope, until: float, why: str, now: float, elapsed: float) -> bool:
        """Pause a scope and lower its rate; True where that is news, as in `Bucket.pause`."""
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
        return self._account if scope == ACCOUNT else self._kinds[scope.kind].find(scope.value)

    def _need(self, scope: Scope) -> Bucket:
        return self._account if scope == ACCOUNT else self._kinds[scope.kind].need(scope.value)
