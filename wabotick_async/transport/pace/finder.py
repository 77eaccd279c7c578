"""The search for the rate that the server bears, where nothing but its refusals tells it. Knows no clock."""

from __future__ import annotations

from typing import Final

__all__ = ["Finder"]

_CUT: Final = 0.7
_CLIMB: Final = 5.0
"""Where nothing is learnt but that the rate is too high: the cut, and the seconds from there back to just below it."""
_LITTLE: Final = 0.03
_FELL: Final = 0.85
"""So little less than before says nothing about the limit; so much says that it fell."""
_DEEPEST: Final = 0.1
"""Share of the rate that a refusal leaves at least: who sends little learns little from what was taken."""
_FLOOR: Final = (0.05, 1.0)
"""Share of the ceiling, or requests a second where they are less, below which the rate does not go."""
_LEAST_SHARE: Final = 0.8
_SHARE_BACK: Final = 0.01
"""Share of the limit that is used at least, and what it regains when only a probe was refused."""
_PROBE: Final = (0.05, 1.5, 0.5)
_STEPS: Final = 3.0
"""A probe begins that share above the limit, or those requests a second, but no more than that share. It is multiplied
in each round without a refusal."""
_AGAIN: Final = (30.0, 10.0, 60.0)
_OF_AGE: Final = 0.15
_LONGEST: Final = 120.0
"""Seconds between probes where the limit is half the ceiling, the least and the most, if a refusal costs a second. What
has held for long is probed after that share of its age. None of it is longer than the last."""
_IN_REACH: Final = 1000.0
_ENDLESS: Final = 1e6
"""Requests a second that a refusal is taken to concern where the rate is above the second, which is no limit at all."""


class Finder:
    """Decides on the rate after a refusal for pace, and how it grows back.

    A server that refuses has just taken all that it takes in a second: what left in the second before the refused
    request is its limit. The rate stays there, for each refusal costs a pause, and probes it now and then: first a
    little above, then several times as fast in each round without a refusal. The lower the limit lies below the
    ceiling, the sooner, for the more there is to win. Refusals between probes mean that requests arrive less evenly
    than they leave, so the rate keeps a small distance, or that the limit is lower than it looked.

    Args:
        ceiling: requests a second as configured.
    """

    def __init__(self, ceiling: float) -> None:
        share, least = _FLOOR
        self.floor = min(ceiling * share, least)
        """Requests a second below which the rate does not go."""
        self._ceiling = ceiling
        self._limit = self._start = ceiling
        self._share = 1.0
        self._proved = 0.0
        self._since = self._found_at = self._probe_at = 0.0
        self._round = self._cost = 1.0
        self._steps = _STEPS
        self._soon_in_a_row = 0
        self._searching = self._blind = False

    def begin(self, rate: float, now: float) -> None:
        """Start at a rate that was learnt elsewhere."""
        self._searching = True
        self._limit, self._start, self._share, self._proved = rate, rate, 1.0, 0.0
        self._since = self._found_at = now
        self._probe_at = now + self._wait(now)

    def stay(self, rate: float, now: float) -> None:
        """Do not grow above the present rate now, for the server says so; and slowly from now on."""
        self._limit, self._start = rate / self._share, rate
        self._probe_at = max(self._probe_at, now)
        self._steps = 1.0 + _PROBE[0]

    def rate_at(self, now: float) -> float:
        """Return the rate to go on at."""
        if now < self._probe_at:
            return self._start + (self._held() - self._start) * min(1.0, max(0.0, (now - self._since) / _CLIMB))
        rounds = (now - self._probe_at) // self._round
        rate = self._probe() * self._steps ** min(rounds, 200.0)
        return rate if rate < min(self._ceiling, _ENDLESS) else self._ceiling

    def refused(self, rate: float, taken: int, sent: float, now: float, until: float) -> float:
        """Note the first refusal since the last cut; return the rate to go on at.

        Args:
            rate: requests a second so far.
            taken: requests that left in the second before the refused one; 0 where that is not known.
            sent: clock time at which the refused one left.
            now: clock time.
            until: clock time at which the pause ends.
        """
        rate = _IN_REACH if rate >= _ENDLESS else rate
        before, start = self._limit, 0.0
        self._round, self._cost = 1.0 + now - sent, max(1.0, until - sent)
        if not self._searching or (sent >= self._probe_at and rate > self._probe()):
            start = self._surprised(rate, taken)
        elif sent >= self._probe_at:
            self._probed(rate, taken)
        else:
            self._held_too_much(rate, taken, soon=sent - self._since < max(_CLIMB, until - now))
        self._searching = True
        self._limit = max(self._limit, self.floor)
        if abs(self._limit - before) > max(_PROBE[1], 0.25 * self._limit):
            self._found_at = until
        self._since, self._probe_at = until, until + self._wait(until)
        self._start = max(start or self._held(), self.floor)
        return min(rate, self._start)

    def _surprised(self, rate: float, taken: int) -> float:
        """Nobody knew of a limit near this rate. Return where to start, 0 for at the limit."""
        self._proved = self._held() if self._searching else 0.0
        self._soon_in_a_row = 0
        self._blind = not 0 < taken < rate * (1.0 - _LITTLE)
        if not self._blind:
            self._limit = max(float(taken), rate * _DEEPEST)
            return 0.0
        self._limit = rate * (1.0 - _LITTLE)
        return rate * _CUT

    def _probed(self, rate: float, taken: int) -> None:
        """The limit is where it was, or a little higher."""
        self._proved = self._held()
        self._soon_in_a_row, self._blind = 0, False
        self._share = min(1.0, self._share + _SHARE_BACK)
        if taken > self._limit * (1.0 + _PROBE[0]):
            self._limit = min(float(taken), rate * (1.0 - _LITTLE))

    def _held_too_much(self, rate: float, taken: int, *, soon: bool) -> None:
        """The limit was thought to be higher than the rate."""
        self._soon_in_a_row = self._soon_in_a_row + 1 if soon else 0
        self._blind = self._blind and soon
        proved, less = self._proved, rate * (1.0 - _LITTLE)
        if proved >= less:
            self._proved = 0.0
        if 0 < taken < rate * _FELL - 1.0:
            self._limit, self._blind = max(float(taken), rate * _DEEPEST), False
        elif soon and self._blind:
            self._limit = (self._start + rate) / 2.0 if self._start < rate * 0.9 else rate * _CUT
        elif soon and 0.0 < proved < less:
            self._limit = proved / self._share
        elif self._soon_in_a_row <= 1:
            self._share = max(_LEAST_SHARE, self._share * (1.0 - _LITTLE))
        else:
            cut = min(1.0 - _CUT, _LITTLE * 2.0 ** min(self._soon_in_a_row - 2, 10))
            self._limit = rate / self._share * (1.0 - cut)

    def _held(self) -> float:
        return max(self._limit * self._share, self.floor)

    def _probe(self) -> float:
        share, least, most = _PROBE
        return self._limit + max(self._limit * share, min(least, self._limit * most))

    def _wait(self, now: float) -> float:
        usual, least, most = _AGAIN
        gain = (self._ceiling - self._limit) / self._limit
        wait = most if gain * most <= usual else max(least, usual / gain)
        return min(_LONGEST, max(wait * self._cost, min(most, (now - self._found_at) * _OF_AGE)))
