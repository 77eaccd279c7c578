"""The lean request class: the same bytes as aiohttp's own, and one timer for all."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, Final

import aiohttp
import pytest
from yarl import URL

from tests.transport.tcp import CALL, SOON, Connection, answer, fine, hang, pooled, serving
from wabotick_async import Limits, NotSentError, OutcomeUnknownError, Timeout
from wabotick_async.transport import SessionPool, guard
from wabotick_async.transport.guard import SentMark
from wabotick_async.transport.lean import LONGEST_BODY, LeanBody, LeanHead, LeanRequest
from wabotick_async.transport.watchdog import Watchdog
from wabotick_async.wire import HTTPRequest

BODIES: Final = [b"a=b", b"", b"x" * LONGEST_BODY, b"x" * (LONGEST_BODY + 1), CALL.body]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: str(len(body)))
@pytest.mark.parametrize("path", ["/api/v1/whatsapp/send", "/", "/a%20b~c"])
async def test_the_same_bytes_as_aiohttp_s_own(path: str, body: bytes) -> None:
    async with serving(fine) as server:
        for lean in (True, False):
            async with pooled(server.url, lean=lean) as pool:
                await pool.post(HTTPRequest(path=path, body=body), SOON)

        assert server.requests[0] == server.requests[1]


async def test_nothing_is_lean_that_was_not_tested(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aiohttp, "__version__", "3.99.0")
    async with pooled("http://127.0.0.1") as pool:
        assert pool._session_here()._request_class is guard.GuardedRequest


@pytest.mark.parametrize(
    "how", [{"proxy": "http://127.0.0.1:1"}, {"lean": False}, {"limits": Limits(keep_alive=False)}]
)
async def test_when_nothing_is_lean(how: dict[str, Any]) -> None:
    async with pooled("http://127.0.0.1", **how) as pool:
        assert pool._session_here()._request_class is guard.GuardedRequest


async def test_the_body_does_not_show_itself() -> None:
    body = LeanBody(LeanHead(URL("http://127.0.0.1/x"), {}), CALL, SentMark())

    assert b"SECRET" in body.wire
    assert "SECRET" not in repr(body)


@pytest.mark.parametrize("how", [{"traces": [1], "proxy": None}, {"traces": [], "proxy": "http://127.0.0.1"}])
def test_what_it_does_not_know_it_refuses(how: dict[str, Any]) -> None:
    url = URL("http://127.0.0.1/x")
    with pytest.raises(ValueError, match="expected a post"):
        LeanRequest("POST", url, data=LeanBody(LeanHead(url, {}), CALL, SentMark()), **how)


@pytest.mark.parametrize("length", [0, 1, 3_999, 4_000, 4_001, 200_000])
async def test_an_answer_is_whole_whatever_its_length(length: int) -> None:
    body = b"x" * length

    async def say(connection: Connection) -> None:
        while True:
            await connection.request()
            await connection.write(answer(body))

    async with serving(say) as server, pooled(server.url) as pool:
        for _ in range(2):
            assert (await pool.post(CALL, SOON)).body == body
        assert server.connections == 1


async def test_an_answer_in_pieces_is_whole() -> None:
    async def say(connection: Connection) -> None:
        while True:
            await connection.request()
            await connection.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 300)
            await connection.write(b"0\r\n\r\n")

    async with serving(say) as server, pooled(server.url) as pool:
        for _ in range(2):
            assert (await pool.post(CALL, SOON)).body == b"x" * 300
        assert server.connections == 1


async def test_time_is_over_while_the_answer_is_awaited() -> None:
    async with serving(hang) as server, pooled(server.url) as pool:
        with pytest.raises(OutcomeUnknownError, match="TimeoutError"):
            await pool.post(CALL, Timeout(connect=2.0, total=0.05))
        assert len(server.requests) == 1


async def test_time_is_over_before_the_first_byte() -> None:
    full = Limits(concurrency=1)
    async with serving(hang) as server, pooled(server.url, limits=full) as pool, asyncio.TaskGroup() as group:
        for _ in range(full.connections):
            group.create_task(_unknown(pool))
        await server.arrival()
        with pytest.raises(NotSentError):
            await pool.post(CALL, Timeout(connect=2.0, total=0.05))


async def _unknown(pool: SessionPool) -> None:
    with pytest.raises(OutcomeUnknownError):
        await pool.post(CALL, Timeout(connect=2.0, total=0.3))


async def test_an_overdue_request_is_not_written() -> None:
    mark = SentMark()
    mark.overdue = True
    transport = SimpleNamespace(is_closing=lambda: False)
    connection: Any = SimpleNamespace(protocol=SimpleNamespace(should_close=False), transport=transport)

    with pytest.raises(TimeoutError):
        guard.GuardedRequest._checked(connection, mark)
    assert not mark.left


class Clock:
    """A loop's clock and timers, as far as the watchdog asks for them."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[SimpleNamespace] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, call: Any) -> SimpleNamespace:
        timer = SimpleNamespace(when=when, call=call)
        timer.cancel = lambda: self.timers.remove(timer)
        self.timers.append(timer)
        return timer

    def advance(self, now: float) -> None:
        self.now = now
        for timer in [one for one in self.timers if one.when <= now]:
            self.timers.remove(timer)
            timer.call()


class Cut:
    def __init__(self) -> None:
        self.times = 0

    def abort(self) -> None:
        self.times += 1


def watched(*seconds: float) -> tuple[Clock, Watchdog, list[SentMark], list[Cut]]:
    clock = Clock()
    watchdog = Watchdog(clock)  # type: ignore[arg-type]
    marks, cuts = [SentMark() for _ in seconds], [Cut() for _ in seconds]
    for mark, cut, one in zip(marks, cuts, seconds, strict=True):
        mark.transport = cut  # type: ignore[assignment]
        watchdog.watch(mark, one)
    return clock, watchdog, marks, cuts


def test_each_is_cut_in_its_time_by_one_timer() -> None:
    clock, _, _, cuts = watched(5.0, 2.0, 9.0)
    seen = []
    for now in (1.9, 2.0, 4.9, 5.0, 9.0, 20.0):
        clock.advance(now)
        seen.append([one.times for one in cuts])
        assert len(clock.timers) <= 1

    assert seen == [[0, 0, 0], [0, 1, 0], [0, 1, 0], [1, 1, 0], [1, 1, 1], [1, 1, 1]]


def test_what_ended_is_not_cut() -> None:
    clock, watchdog, marks, cuts = watched(2.0, 3.0)
    watchdog.let_go(marks[0])
    clock.advance(2.5)
    clock.advance(3.0)

    assert [one.times for one in cuts] == [0, 1]


def test_with_nobody_to_watch_the_timer_rests() -> None:
    clock, watchdog, marks, _ = watched(2.0)
    watchdog.let_go(marks[0])
    clock.advance(2.0)

    assert clock.timers == []
    watchdog.watch(marks[0], 2.0)
    assert [one.when for one in clock.timers] == [4.0]
    watchdog.close()
    assert clock.timers == []
