"""Any order of calls leaves a journal where a dictionary of rows would be."""

from __future__ import annotations

import asyncio
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from wabotick_async.bulk.journal import Counts, Finish, MemoryJournal, State
from wabotick_async.errors import JournalError
from wabotick_async.outcomes import Outcome

from .conftest import FakeClock, new_row

SEQ = st.integers(1, 8)
STEP = st.one_of(
    st.tuples(st.just("add"), st.lists(st.sampled_from("abcd"), max_size=4)),
    st.tuples(st.just("queued"), st.tuples(st.integers(0, 8), st.integers(1, 3))),
    st.tuples(st.just("claim"), SEQ),
    st.tuples(st.just("finish"), st.tuples(SEQ, st.sampled_from(Outcome))),
    st.tuples(st.just("requeue"), st.tuples(SEQ, st.integers(0, 5))),
    st.tuples(st.just("resend"), st.integers(0, 3)),
    st.tuples(st.just("wait"), st.integers(1, 4)),
    st.tuples(st.just("reopen"), st.none()),
)


class Model:
    """The same rules over plain dictionaries."""

    def __init__(self) -> None:
        self.state: dict[int, str] = {}
        self.due: dict[int, float] = {}
        self.mine: set[int] = set()
        self.seq_of: dict[tuple[str, int], int] = {}
        self.fed: Counter[str] = Counter()

    def add(self, names: list[str]) -> list[tuple[int, str]]:
        stored = []
        for name in names:
            self.fed[name] += 1
            repeat = self.fed[name]
            if (name, repeat) not in self.seq_of:
                seq = self.seq_of[name, repeat] = len(self.state) + 1
                self.state[seq], self.due[seq] = ("queued" if repeat == 1 else "skipped"), 0
            seq = self.seq_of[name, repeat]
            stored.append((seq, self.state[seq]))
        return stored

    def queued(self, after: int, limit: int, now: float) -> list[int]:
        queued = (seq for seq, state in self.state.items() if state == "queued" and seq > after)
        return sorted(seq for seq in queued if self.due[seq] <= now)[:limit]

    def claim(self, seq: int) -> bool:
        if self.state.get(seq) != "queued":
            return False
        self.state[seq] = "in_flight"
        self.mine.add(seq)
        return True

    def finish(self, seq: int, outcome: str) -> bool:
        state = self.state.get(seq)
        late = state == "unknown" and outcome in ("accepted", "refused")
        if seq not in self.mine or not (state == "in_flight" or late) or outcome == "not_sent":
            return False
        self.state[seq] = outcome
        return True

    def requeue(self, seq: int, due: float) -> bool:
        if seq not in self.mine or self.state[seq] != "in_flight":
            return False
        self.state[seq], self.due[seq] = "queued", due
        return True

    def resend(self, limit: int) -> int:
        rows = sorted(seq for seq, state in self.state.items() if state == "unknown" and seq not in self.mine)[:limit]
        for seq in rows:
            self.state[seq], self.due[seq] = "queued", 0
        return len(rows)

    def reopen(self) -> None:
        self.mine.clear()
        self.fed.clear()
        self.state = {seq: "unknown" if state == "in_flight" else state for seq, state in self.state.items()}

    def counts(self) -> Counts:
        found = Counter(self.state.values())
        return Counts(*(found[state.value] for state in State))


async def allowed(call: object) -> bool:
    try:
        await call  # type: ignore[misc]  # a coroutine of either method
    except JournalError:
        return False
    return True


async def play(steps: list[tuple[str, object]]) -> None:
    clock, model = FakeClock(), Model()
    journal = MemoryJournal(clock=clock)
    await journal.open({})
    for step in steps:
        match step:
            case ("add", list(names)):
                stored = await journal.add([new_row(name) for name in names])
                assert [(row.seq, row.state.value) for row in stored] == model.add(names)
            case ("queued", (int(after), int(limit))):
                found = [row.seq for row in await journal.queued(after, limit, clock.now)]
                assert found == model.queued(after, limit, clock.now)
            case ("claim", int(seq)):
                assert await journal.claim(seq) == model.claim(seq)
            case ("finish", (int(seq), Outcome() as outcome)):
                assert await allowed(journal.finish(Finish(seq, outcome))) == model.finish(seq, outcome)
            case ("requeue", (int(seq), int(delay))):
                due = clock.now + delay
                assert await allowed(journal.requeue(seq, due)) == model.requeue(seq, due)
            case ("resend", int(limit)):
                assert await journal.resend_unknown(limit, "test") == model.resend(limit)
            case ("wait", int(seconds)):
                clock.now += seconds
            case _:
                await journal.close()
                await journal.open({})
                model.reopen()
        assert await journal.counts() == model.counts()
    at_last = {row.seq: row.state.value for state in State async for row in journal.rows(state)}
    await journal.close()
    assert at_last == model.state


@given(st.lists(STEP, max_size=30))
@settings(max_examples=150, deadline=None)
def test_journal_follows_the_model(steps: list[tuple[str, object]]) -> None:
    asyncio.run(play(steps))
