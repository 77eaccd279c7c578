"""A journal on disk under any order of calls, crashes, decisions and purges is where plain dictionaries would be."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Awaitable
from pathlib import Path
from typing import TypeVar
from unittest import mock

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from wabotick_async.bulk.journal import Finish, SQLiteJournal, files
from wabotick_async.bulk.journal.schema import STATES
from wabotick_async.bulk.journal.store import Store
from wabotick_async.errors import JournalError
from wabotick_async.outcomes import Outcome

from .conftest import FakeClock, new_row
from .test_random import Model

T = TypeVar("T")

FAST = "/dev/shm"
SEQ = st.integers(1, 5)
OUTCOME = st.sampled_from([Outcome.UNKNOWN, Outcome.REFUSED, *Outcome])
CODE = st.sampled_from(["skip", "skip:1", "fix:2"])


class DecidingModel(Model):
    """The model of a run, with codes and with the moves that somebody decides on."""

    def __init__(self) -> None:
        super().__init__()
        self.code: dict[int, str] = {}
        self.purged: set[int] = set()

    def settle(self, seq: int, outcome: Outcome) -> bool | None:
        if seq not in self.state or outcome not in (Outcome.ACCEPTED, Outcome.REFUSED):
            return None
        if self.state[seq] != "unknown":
            return False
        self.state[seq], self.code[seq] = outcome.value, "reconciled"
        return True

    def requeue_refused(self, code: str, limit: int | None) -> list[int]:
        refused = (seq for seq, state in sorted(self.state.items()) if state == "refused" and seq not in self.purged)
        fitting = [seq for seq in refused if self.code[seq] == code or self.code[seq].startswith(code + ":")]
        return self._queue(fitting[:limit])

    def resend_unknown(self, limit: int, seqs: list[int] | None) -> list[int]:
        unknown = [seq for seq, state in sorted(self.state.items()) if state == "unknown" and seq not in self.mine]
        return self._queue([seq for seq in unknown if seqs is None or seq in seqs][:limit])

    def next_due(self, after: float | None) -> float | None:
        due = (self.due[seq] for seq, state in self.state.items() if state == "queued")
        return min((one for one in due if after is None or one > after), default=None)

    def purge(self) -> int:
        finished = {seq for seq, state in self.state.items() if state in ("accepted", "refused", "skipped")}
        new = finished - self.purged
        self.purged |= new
        return len(new)

    def _queue(self, seqs: list[int]) -> list[int]:
        for seq in seqs:
            self.state[seq], self.due[seq] = "queued", 0
        return seqs


class JournalMachine(RuleBasedStateMachine):
    """Plays the program, the person who decides, and the power cut."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        # In memory where there is such a place: thousands of commits, and none has to survive the machine.
        self.directory = Path(tempfile.mkdtemp(dir=FAST if os.access(FAST, os.W_OK) else None))
        self.numbers = itertools.count()
        self.clock, self.model = FakeClock(), DecidingModel()
        self.journal = SQLiteJournal(self.directory / "journal.0", clock=self.clock)
        self.claims, self.returns = Counter[int](), Counter[int]()
        # Every opening writes the reserve, and here it is opened all the time.
        self.small_reserve = mock.patch.object(files, "RESERVE_SIZE", 4096)
        self.small_reserve.start()

    def do(self, call: Awaitable[T]) -> T:
        async def wait() -> T:
            return await call

        return self.runner.run(wait())

    def allowed(self, call: Awaitable[object]) -> bool:
        try:
            self.do(call)
        except JournalError:
            return False
        return True

    def in_state(self, state: str) -> list[int]:
        return sorted(seq for seq, now in self.model.state.items() if now == state)

    def teardown(self) -> None:
        self.do(self.journal.close())
        self.runner.close()
        self.small_reserve.stop()
        shutil.rmtree(self.directory)

    @initialize()
    def begin(self) -> None:
        self.do(self.journal.open({}))
        self.add(["a", "b", "a", "c"])

    @rule(names=st.lists(st.sampled_from("abc"), min_size=1, max_size=3))
    def add(self, names: list[str]) -> None:
        stored = self.do(self.journal.add([new_row(name) for name in names]))
        for seq in self.model.state:
            self.model.code.setdefault(seq, "duplicate")
        assert [(row.seq, row.state.value) for row in stored] == self.model.add(names)

    @rule(seq=SEQ)
    def claim(self, seq: int) -> None:
        claimed = self.do(self.journal.claim(seq))
        assert claimed == self.model.claim(seq)
        self.claims[seq] += claimed

    @rule(seq=SEQ, outcome=OUTCOME, code=CODE)
    def finish(self, seq: int, outcome: Outcome, code: str) -> None:
        finished = self.allowed(self.journal.finish(Finish(seq, outcome, code=code)))
        assert finished == self.model.finish(seq, outcome)
        if finished:
            self.model.code[seq] = code

    @precondition(lambda self: self.in_state("queued"))
    @rule(place=st.integers(0, 5), outcome=OUTCOME, code=CODE)
    def claim_and_finish(self, place: int, outcome: Outcome, code: str) -> None:
        queued = self.in_state("queued")
        seq = queued[place % len(queued)]
        self.claim(seq)
        self.finish(seq, outcome, code)

    @rule(seq=SEQ, delay=st.integers(0, 5))
    def requeue(self, seq: int, delay: int) -> None:
        due = self.clock.now + delay
        requeued = self.allowed(self.journal.requeue(seq, due))
        assert requeued == self.model.requeue(seq, due)
        self.returns[seq] += requeued

    @precondition(lambda self: self.in_state("unknown"))
    @rule(seq=SEQ, outcome=st.sampled_from(Outcome))
    def settle(self, seq: int, outcome: Outcome) -> None:
        try:
            settled: bool | None = self.do(self.journal.settle(seq, outcome))
        except JournalError:
            settled = None
        assert settled == self.model.settle(seq, outcome)

    @precondition(lambda self: self.in_state("unknown"))
    @rule(place=st.integers(0, 5), outcome=st.sampled_from([Outcome.ACCEPTED, Outcome.REFUSED]))
    def reconcile(self, place: int, outcome: Outcome) -> None:
        unknown = self.in_state("unknown")
        seq = unknown[place % len(unknown)]
        assert self.do(self.journal.settle(seq, outcome))
        assert self.model.settle(seq, outcome)

    @precondition(lambda self: set(self.in_state("refused")) - self.model.purged)
    @rule(place=st.integers(0, 5))
    def retry_a_cause(self, place: int) -> None:
        refused = sorted(set(self.in_state("refused")) - self.model.purged)
        self.requeue_refused(self.model.code[refused[place % len(refused)]], None)

    @precondition(lambda self: self.in_state("refused"))
    @rule(code=st.sampled_from(["skip", "skip:1", "fix", "reconciled"]), limit=st.none() | st.integers(0, 2))
    def requeue_refused(self, code: str, limit: int | None) -> None:
        rows = self.do(self.journal.requeue_refused(code, limit, "test"))
        queued = self.model.requeue_refused(code, limit)
        assert rows == len(queued)
        self.returns.update(queued)

    @precondition(lambda self: self.in_state("unknown"))
    @rule(limit=st.integers(0, 3), seqs=st.none() | st.lists(SEQ, max_size=3))
    def resend(self, limit: int, seqs: list[int] | None) -> None:
        rows = self.do(self.journal.resend_unknown(limit, "test", seqs=seqs))
        queued = self.model.resend_unknown(limit, seqs)
        assert rows == len(queued)
        self.returns.update(queued)

    @rule(seconds=st.integers(1, 4))
    def wait(self, seconds: int) -> None:
        self.clock.now += seconds

    @rule(after=st.integers(0, 8), limit=st.integers(1, 3))
    def look(self, after: int, limit: int) -> None:
        now = self.clock.now
        found = [row.seq for row in self.do(self.journal.queued(after, limit, now))]
        assert found == self.model.queued(after, limit, now)
        assert self.do(self.journal.next_due()) == self.model.next_due(None)
        assert self.do(self.journal.next_due(now)) == self.model.next_due(now)

    @rule()
    def end_and_begin(self) -> None:
        self.do(self.journal.close())
        self.do(self.journal.open({}))
        self.model.reopen()

    @rule()
    def crash(self) -> None:
        # What a killed process leaves is in its files; the journal goes on with a copy of them.
        left = self.directory / f"journal.{next(self.numbers) + 1}"
        for suffix in ("", "-wal"):
            shutil.copy2(f"{self.journal.path}{suffix}", f"{left}{suffix}")
        self.do(self.journal.close())
        self.journal = SQLiteJournal(left, clock=self.clock)
        self.do(self.journal.open({}))
        self.model.reopen()

    @rule()
    def purge(self) -> None:
        self.do(self.journal.close())
        assert SQLiteJournal.purge(self.journal.path, 0, clock=self.clock) == self.model.purge()
        self.do(self.journal.open({}))
        self.model.reopen()

    @rule()
    def back_up(self) -> None:
        target = self.directory / f"copy.{next(self.numbers)}"
        SQLiteJournal.backup(self.journal.path, target)
        assert SQLiteJournal.inspect(target).counts == self.model.counts()

    @invariant()
    def rows_stand_where_the_model_says(self) -> None:
        def states(store: Store) -> dict[int, str]:
            return {seq: STATES[state].value for seq, state in store.connection.execute("SELECT seq, state FROM item")}

        assert self.do(self.journal._do(states)) == self.model.state

    @invariant()
    def counts_add_up(self) -> None:
        counts = self.do(self.journal.counts())
        assert counts == self.model.counts()
        assert counts.rows == len(self.model.state)

    @invariant()
    def nothing_is_claimed_twice_unless_somebody_queued_it_again(self) -> None:
        assert all(self.claims[seq] <= 1 + self.returns[seq] for seq in self.model.state)


TestJournalMachine = JournalMachine.TestCase
TestJournalMachine.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
