"""A client of one method that does as each recipient's script says, and seconds that cost nothing."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import msgspec

from wabotick_async.bulk import BulkSender, Journal, MemoryJournal
from wabotick_async.bulk.journal import RowDetail, State
from wabotick_async.config import Limits, RetryPolicy
from wabotick_async.endpoints import Request, SendText
from wabotick_async.errors import NotDueError
from wabotick_async.models import SendReceipt
from wabotick_async.outcomes import BulkReport, Outcome

FINGERPRINT = {
    "campaign": "",
    "account": "1",
    "base_url": "https://platform.test",
    "phone_number_id": "100000000000001",
}


class Step(msgspec.Struct, frozen=True):
    """What one send does."""

    error: BaseException | None = None
    """Raised in place of a receipt."""
    early: bool = False
    """Before the intent is recorded: nothing left."""
    hangs: bool = False
    """For ever, or until the client's gate opens."""


ACCEPT = Step()
HANG = Step(hangs=True)
WAIT = Step(hangs=True, early=True)
"""Wait for the rate limiter, for ever."""


class FakeClient:
    """Accepts everything that its script does not say otherwise."""

    base_url = "https://platform.test"
    phone_number_id: str | None = "100000000000001"
    account = "1"

    def __init__(self, *, concurrency: int = 4) -> None:
        self.limits = Limits(concurrency=concurrency)
        self.script: defaultdict[str, deque[Step]] = defaultdict(deque)
        self.last_step_stays = False
        """Whether a script ends as its last step for ever, in place of being accepted."""
        self.wire: list[str] = []
        """Recipients of the requests of which a byte left, in order."""
        self.asked: list[str] = []
        """Recipients of all calls, in order."""
        self.retries: list[RetryPolicy | None] = []
        self.in_flight = self.most_in_flight = 0
        self.gate = asyncio.Event()
        self.connect: Callable[[str], Awaitable[None]] | None = None
        """Called before the first byte of each request; may raise."""
        self.on_wire: Callable[[Request[Any]], None] = lambda _: None

    def plan(self, number: int, *steps: Step | BaseException) -> None:
        """Say what the sends to a recipient do, one after the other; then they are accepted."""
        self.script[phone(number)].extend(step if isinstance(step, Step) else Step(step) for step in steps)

    async def send(
        self,
        request: Request[Any],
        *,
        retry: RetryPolicy | None = None,
        before_sending: Callable[[], Awaitable[None]] | None = None,
        park: bool = False,
    ) -> Any:
        recipient = str(getattr(request, "phone_number", ""))
        self.asked.append(recipient)
        self.retries.append(retry)
        steps = self.script[recipient]
        step = ACCEPT
        if steps:
            step = steps[0] if self.last_step_stays and len(steps) == 1 else steps.popleft()
        if step.early:
            await self._play(step)
        assert before_sending is not None
        await before_sending()
        if self.connect is not None:
            await self.connect(recipient)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            if getattr(step.error, "outcome", None) is not Outcome.NOT_SENT:
                self.on_wire(request)
                self.wire.append(recipient)
            await asyncio.sleep(0)
            await self._play(step)
        finally:
            self.in_flight -= 1
        return SendReceipt(message_id=f"wamid.{recipient}=")

    async def _play(self, step: Step) -> None:
        if step.hangs:
            await self.gate.wait()
        if step.error is not None:
            raise step.error


class PacedClient(FakeClient):
    """Lets one message go to a hot recipient in so many seconds, and says so where it must not wait."""

    def __init__(self, clock: Callable[[], float], *hot: int, interval: float = 6.0, concurrency: int = 4) -> None:
        super().__init__(concurrency=concurrency)
        self._clock = clock
        self._interval = interval
        self._due = dict.fromkeys(phones(hot), 0.0)
        self.not_due = 0
        """How often it was asked in vain."""

    async def send(self, request: Request[Any], *, park: bool = False, **options: Any) -> Any:
        recipient = str(getattr(request, "phone_number", ""))
        if (due := self._due.get(recipient)) is not None:
            assert park
            if (wait := due - self._clock()) > 0:
                self.not_due += 1
                raise NotDueError("no room", retry_in=wait, scope=f"recipient …{recipient[-4:]}")
            self._due[recipient] = self._clock() + self._interval
        return await super().send(request, park=park, **options)


class FakeTime:
    """Seconds that pass when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.slept: list[float] = []
        self.stands_still = False
        """True lets every sleep last for ever."""

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if self.stands_still:
            await asyncio.Event().wait()
        self.now += seconds
        await asyncio.sleep(0)


def phone(number: int) -> str:
    return f"9190000{number:05}"


def text(number: int, message: str = "hello") -> SendText:
    return SendText(phone_number=phone(number), message=message)


def texts(count: int, start: int = 1) -> list[SendText]:
    return [text(number) for number in range(start, start + count)]


def phones(numbers: Iterable[int]) -> list[str]:
    return [phone(number) for number in numbers]


def make_sender(
    client: FakeClient, journal: Journal | None = None, time: FakeTime | None = None, **settings: Any
) -> BulkSender:
    time = time or FakeTime()
    return BulkSender(
        client, journal=journal or MemoryJournal(clock=time), clock=time, monotonic=time, sleep=time.sleep, **settings
    )


def counts(report: BulkReport) -> dict[str, int]:
    """Return the counts that are not zero."""
    found = {outcome.value: getattr(report, outcome.value) for outcome in Outcome}
    assert sum(found.values()) == report.rows
    return {name: count for name, count in found.items() if count}


async def rows_of(journal: Journal) -> dict[str, RowDetail]:
    """Return the rows of a closed journal by recipient; of repeats the first. What was in flight is unknown now."""
    await journal.open(FINGERPRINT)
    found: dict[str, RowDetail] = {}
    for row in sorted([row for state in State async for row in journal.rows(state)], key=lambda row: row.seq):
        found.setdefault(row.receiver, row)
    await journal.close()
    return found


async def until(condition: Callable[[], object]) -> None:
    """Let tasks and the journal's thread work until something is true."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - any condition, so nobody can set an event
            await asyncio.sleep(0.0005)


async def quiet(measure: Callable[[], object]) -> None:
    """Let tasks and the journal's thread work until something has not changed for long."""
    last, since = measure(), 0
    while since < 40:
        await asyncio.sleep(0.001)
        now = measure()
        last, since = now, (since + 1 if now == last else 0)
