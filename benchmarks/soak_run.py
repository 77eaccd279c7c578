"""A campaign whose process is killed again and again, against a sandbox full of faults."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from benchmarks import soak_child
from benchmarks.soak_verdict import Verdict, judge
from wabotick_async.sandbox import FaultKind, Faults, Sandbox

__all__ = ["Soak", "SoakError", "SoakResult", "SoakSettings", "environment"]

_ROOT = Path(__file__).parents[1]
_KILLED = -signal.SIGKILL
_SHARE_WITH_KILLS = 0.9
_SHARE_OF_EARLY = 0.2
_LOOK = 0.002
_NO_ANSWER = frozenset({FaultKind.LATENCY, FaultKind.TOO_MANY_REQUESTS})  # faults that leave nothing unknown


class SoakError(Exception):
    """The soak could not be carried out."""


class SoakSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What to send and how often to kill."""

    messages: int
    kills: int
    in_flight: int
    seed: int
    part: int
    """Messages that one process feeds, from their start each time."""


class SoakResult(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger says, and under which conditions."""

    verdict: Verdict
    kills: int
    kills_before_a_delivery: int
    """Kills of a process before the first delivery of its life: while it started, opened the journal or fed."""
    faults: dict[str, int]
    bound: int
    """Unknown rows that kills and faults explain at most."""
    sent_again: int
    """Deliveries after everything was done and the whole source was fed once more."""
    seconds: float

    @property
    def truthful(self) -> bool:
        """Tell whether the promise was kept."""
        return self.verdict.truthful and self.verdict.unknown <= self.bound and self.sent_again == 0


class Soak:
    """One soak in an empty directory.

    Args:
        say: gets a line of progress now and then.
    """

    def __init__(self, directory: Path, settings: SoakSettings, say: Callable[[str], None]) -> None:
        self.journal = directory / "soak.journal"
        self._ledger = directory / "ledger.jsonl"
        self._errors = directory / "stderr.log"
        self._settings = settings
        self._say = say
        self._dice = random.Random(settings.seed)
        # Each kill may cost what is in flight, and the last tenth is left alone: so every kill finds a process at work.
        reach = max(1, int((settings.messages - settings.kills * settings.in_flight) * _SHARE_WITH_KILLS))
        # Numbers of deliveries, latest first.
        self._goals = sorted((self._dice.randrange(reach) for _ in range(settings.kills)), reverse=True)
        self._kills = self._early = 0

    async def run(self) -> SoakResult:
        """Send all messages under kills.

        Raises:
            SoakError: a process failed although nobody killed it.
        """
        began, settings = time.monotonic(), self._settings
        async with Sandbox(faults=faults(settings.seed), ledger_path=self._ledger) as sandbox:
            for first in range(0, settings.messages, settings.part):
                last = min(first + settings.part, settings.messages)
                while not await self._live(sandbox, first, last):
                    pass
                self._say(
                    f"{last:,} of {settings.messages:,} messages, {self._kills} kills, {time.monotonic() - began:.0f} s"
                )
            await _quiet(sandbox)
            delivered = len(sandbox.ledger)
            self._goals.clear()
            await self._live(sandbox, 0, settings.messages)
            await _quiet(sandbox)
            played = sandbox.requests.faults()
            again = len(sandbox.ledger) - delivered
        recipients = (soak_child.phone_number(number) for number in range(settings.messages))
        unanswered = sum(count for kind, count in played.items() if kind not in _NO_ANSWER)
        return SoakResult(
            verdict=judge(recipients, self._ledger, self.journal),
            kills=self._kills,
            kills_before_a_delivery=self._early,
            faults=dict(sorted(played.items())),
            bound=settings.in_flight * self._kills + unanswered,
            sent_again=again,
            seconds=time.monotonic() - began,
        )

    async def _live(self, sandbox: Sandbox, first: int, last: int) -> bool:
        """Run one process; tell whether it came to its end."""
        task = soak_child.Task(
            base_url=sandbox.base_url,
            token=sandbox.token,
            phone_number_id=sandbox.phone_number_id,
            template_id=sandbox.template_id,
            journal=str(self.journal),
            first=first,
            last=last,
            in_flight=self._settings.in_flight,
        )
        before = len(sandbox.ledger)
        with self._errors.open("ab") as errors:
            child = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", soak_child.__name__, msgspec.json.encode(task).decode()),
                cwd=_ROOT,
                env=environment(),
                stderr=errors,
            )
        try:
            await self._wait_for_the_end(child, sandbox, before)
        finally:
            if child.returncode is None:
                child.kill()
            code = await child.wait()
        if code == _KILLED and self._goals:
            self._goals.pop()
            self._kills += 1
            self._early += len(sandbox.ledger) == before
            return False
        if code != 0:
            raise SoakError(f"a process ended by itself with code {code}:\n{self._errors.read_text()[-2000:]}")
        return True

    async def _wait_for_the_end(self, child: asyncio.subprocess.Process, sandbox: Sandbox, before: int) -> None:
        """Wait until the process ends or its time has come."""
        if not self._goals:
            await child.wait()
        elif self._dice.random() < _SHARE_OF_EARLY or self._goals[-1] <= before:
            # Somewhere between the start of the interpreter and the first sends.
            await _ended(child, self._dice.uniform(0.0, 1.0))
        else:
            goal = self._goals[-1]
            await _until(lambda: child.returncode is not None or len(sandbox.ledger) >= goal)
            await _ended(child, self._dice.uniform(0.0, 0.02))


def faults(seed: int) -> Faults:
    """Return what goes wrong: everything but stray answers, which a kept connection cannot tell from its own."""
    return Faults(
        seed=seed,
        latency=(0.001, 0.02),
        reset_before=0.002,
        reset_after_read=0.001,
        reset_after=0.003,
        hang=0.002,
        hang_seconds=soak_child.TIMEOUT + 0.5,
        cut=0.003,
        too_many_requests=0.0002,
        retry_after="1",
        html=0.001,
        server_error=0.002,
        empty=0.0005,
        garbage=0.0005,
    )


def environment() -> dict[str, str]:
    """Return the variables for a child, without those by which coverage would follow it: it is to run at full speed."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}


async def _ended(child: asyncio.subprocess.Process, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await child.wait()
    except TimeoutError:
        return


async def _quiet(sandbox: Sandbox) -> None:
    """Wait until the sandbox has finished what dead clients left with it."""
    await _until(lambda: sandbox.requests.open == 0)


async def _until(condition: Callable[[], bool]) -> None:
    while True:
        if condition():
            return
        await asyncio.sleep(_LOOK)
