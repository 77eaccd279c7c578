"""A model of the platform in the session pool's place: a latency, and limits that may change under way."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import msgspec

from wabotick_async.config import Timeout
from wabotick_async.errors import NotSentError, OutcomeUnknownError
from wabotick_async.wire import HTTPAnswer, HTTPRequest

__all__ = ["Arrival", "Server"]

_TAKEN = b'{"status":"1","message":"sent","wa_message_id":"wamid.1="}'
_PAIR = b'{"status":"0","message":"(#131056) Too many messages sent from this number to the same recipient."}'
_LATE = 1e-6


class Arrival(NamedTuple):
    """One request that came."""

    time: float
    number: str
    recipient: str
    status: int


class Server:
    """Takes so many requests in any `window` seconds; more are refused with 429.

    With `fixed` it counts as Laravel does: a window begins with the first request after the last one has ended.

    Args:
        limit: requests taken in a window, by the seconds since the beginning.
        window: seconds.
        retry_after: seconds that a 429 asks for, by the seconds since the beginning; by default the whole seconds
            until one more is taken.
        latency: seconds of an answer, by the seconds since the beginning.
        down: tells whether no connection is taken, likewise.
        fixed: whether windows follow each other; otherwise any span of that length is one.
        headers: whether each answer tells the limit and what is left.
        reset: whether it tells the seconds until the window ends, too, where windows follow each other.
        pair: seconds in which a recipient repays one message, and how many may be owed.
    """

    def __init__(
        self,
        *,
        limit: Callable[[float], float] = lambda _: math.inf,
        window: float = 1.0,
        retry_after: Callable[[float], int] | None = None,
        latency: Callable[[float], float] = lambda _: 0.1,
        down: Callable[[float], bool] = lambda _: False,
        fixed: bool = False,
        headers: bool = False,
        reset: bool = False,
        pair: tuple[float, int] | None = None,
    ) -> None:
        self._limit = limit
        self._window = window
        self._retry_after = retry_after
        self._latency = latency
        self._down = down
        self._fixed = fixed
        self._headers = headers
        self._reset = reset
        self._pair = pair
        self._began = asyncio.get_running_loop().time()
        self._taken: deque[float] = deque()
        self._owed: dict[str, float] = {}
        self.arrivals: list[Arrival] = []
        self.refused_connections = 0
        self.in_flight = 0
        self.most_in_flight: dict[int, int] = {}
        """The most requests at a time in each second since the beginning."""

    @property
    def now(self) -> float:
        """Return the seconds since the beginning."""
        return asyncio.get_running_loop().time() - self._began

    def count(self, status: int, since: float = 0.0, until: float = math.inf) -> int:
        """Count the answers of a status to what came in a span of seconds."""
        return sum(one.status == status and since <= one.time < until for one in self.arrivals)

    def worst_second(self) -> int:
        """Return the most requests that came in any second."""
        recent: deque[float] = deque()
        worst = 0
        for one in self.arrivals:
            recent.append(one.time)
            while one.time - recent[0] >= 1.0 - _LATE:
                recent.popleft()
            worst = max(worst, len(recent))
        return worst

    async def post(self, call: HTTPRequest, timeouts: Timeout) -> HTTPAnswer:
        """Take or refuse a request, as late as the model says."""
        now = self.now
        if self._down(now):
            self.refused_connections += 1
            raise NotSentError("connection refused")
        assert isinstance(call.body, bytes)
        form = dict(parse_qsl(call.body.decode("ascii")))
        answer = self._answer(form, now)
        self.arrivals.append(Arrival(now, form["phone_number_id"], form["phone_number"], answer.status))
        self.in_flight += 1
        self.most_in_flight[int(now)] = max(self.most_in_flight.get(int(now), 0), self.in_flight)
        latency = self._latency(now)
        try:
            await asyncio.sleep(min(latency, timeouts.total))
        finally:
            self.in_flight -= 1
        if latency > timeouts.total:
            raise OutcomeUnknownError("no answer in time")
        return answer

    async def close(self) -> None:
        """There is nothing to close."""

    def _answer(self, form: Mapping[str, str], now: float) -> HTTPAnswer:
        limit = self._limit(now)
        while self._taken and now - self._taken[0] >= self._window - _LATE:
            if self._fixed:
                self._taken.clear()
            else:
                self._taken.popleft()
        headers: dict[str, Any] = {"content-type": "application/json"}
        refused = len(self._taken) >= limit
        if not refused:
            self._taken.append(now)
        if self._headers:
            headers["x-ratelimit-limit"] = f"{limit:.0f}"
            headers["x-ratelimit-remaining"] = f"{limit - len(self._taken):.0f}"
        if self._reset:
            headers["x-ratelimit-reset"] = str(math.ceil(self._taken[0] + self._window - now))
        if refused:
            first = 0 if self._fixed else -int(limit)
            until_free = math.ceil(self._taken[first] + self._window - now) if limit else 1
            headers["retry-after"] = str(max(1, until_free) if self._retry_after is None else self._retry_after(now))
            body = msgspec.json.encode({"message": "Too Many Attempts."})
            return HTTPAnswer(status=429, headers=headers, body=body)
        return HTTPAnswer(status=200, headers=headers, body=self._in_words(form, now) or _TAKEN)

    def _in_words(self, form: Mapping[str, str], now: float) -> bytes | None:
        if self._pair is not None:
            seconds, most = self._pair
            recipient = form["phone_number"]
            repaid = max(self._owed.get(recipient, 0.0), now)
            if repaid - now > (most - 1) * seconds + _LATE:
                return _PAIR
            self._owed[recipient] = repaid + seconds
        return None
