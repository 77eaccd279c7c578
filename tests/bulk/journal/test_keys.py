"""Which keys are known: held in memory or in the index, also after what was taken back, and after a restart."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wabotick_async.bulk.journal import Added, NewRow, SQLiteJournal, State, versions
from wabotick_async.bulk.journal.batch import commit
from wabotick_async.bulk.journal.keys import Keys
from wabotick_async.bulk.journal.operations import Adding, Bearing, Claiming, Work
from wabotick_async.bulk.journal.run import begin_run
from wabotick_async.bulk.journal.schema import create_tables
from wabotick_async.bulk.journal.store import Store
from wabotick_async.errors import JournalError

from .conftest import FINGERPRINT, new_rows
from .test_files import fill


def key_of(number: int) -> bytes:
    return hashlib.blake2b(number.to_bytes(8, "big"), digest_size=16).digest()


def row(number: int) -> NewRow:
    return NewRow(key_of(number), f"91{number}", "send_text", b"{}")


BAD = NewRow(b"short", "91", "send_text", b"{}")


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        create_tables(connection)
        yield connection


def begun(connection: sqlite3.Connection, held: int) -> Store:
    """Begin a run, as a process does that finds the journal of a dead one."""
    store = Store(connection, begin_run(connection, {}, lambda: 1.0, wal_lost=False).run, lambda: 1.0)
    store.keys = Keys(connection, held)
    return store


def add(store: Store, *numbers: int) -> list[int]:
    adding = Adding([row(number) for number in numbers])
    commit(store, [adding])
    assert adding.error is None
    return [stored.seq for stored in adding.result or []]


def indexed(connection: sqlite3.Connection) -> int:
    (count,) = connection.execute("SELECT count(*) FROM known_key").fetchone()
    return int(count)


def test_keys_move_into_the_index_when_there_are_enough(connection: sqlite3.Connection) -> None:
    store = begun(connection, held=4)
    add(store, 1, 2, 3)
    assert indexed(connection) == 0
    add(store, 9, 8)
    assert indexed(connection) == 5
    add(store, 7)
    assert (indexed(connection), store.keys.find([key_of(n) for n in (1, 8, 7, 6)])) == (
        5,
        {key_of(1): 1, key_of(8): 5, key_of(7): 6},
    )


def test_a_key_is_found_in_both_places_after_a_restart(connection: sqlite3.Connection) -> None:
    add(begun(connection, held=2), 1, 2)
    add(begun(connection, held=9), 3)
    store = begun(connection, held=9)
    assert store.keys.find([key_of(n) for n in range(5)]) == {key_of(n): n for n in (1, 2, 3)}
    assert add(store, 3, 1, 4) == [3, 1, 4]


def test_many_keys_are_asked_for_in_one_go(connection: sqlite3.Connection) -> None:
    store = begun(connection, held=1)
    add(store, *range(1, 101))
    asked = [key_of(n) for n in range(51, 151)]
    assert store.keys.find(asked) == {key_of(n): n for n in range(51, 101)}


def test_the_index_is_not_asked_for_what_it_cannot_have(connection: sqlite3.Connection) -> None:
    store = begun(connection, held=1)
    add(store, 1, 2, 3)
    asked: list[str] = []
    connection.set_trace_callback(asked.append)

    assert store.keys.find([key_of(n) for n in range(4, 40)]) == {}
    assert asked == []
    assert store.keys.find([key_of(n) for n in range(3, 40)]) == {key_of(3): 3}
    assert len(asked) == 1


def test_after_a_restart_the_index_is_asked_for_every_key(connection: sqlite3.Connection) -> None:
    add(begun(connection, held=1), 1, 2, 3)
    store = begun(connection, held=1)
    add(store, 4)

    assert store.keys.find([key_of(n) for n in (5, 1, 4)]) == {key_of(1): 1, key_of(4): 4}


def test_what_is_taken_back_is_not_known(connection: sqlite3.Connection) -> None:
    store = begun(connection, held=2)
    bad, good = Adding([row(1), row(2), BAD]), Adding([row(2), row(3)])
    commit(store, [bad, good])
    assert isinstance(bad.error, JournalError)
    assert [stored.added for stored in good.result or []] == [Added.NEW, Added.NEW]
    assert store.keys.find([key_of(n) for n in (1, 2, 3)]) == {key_of(2): 1, key_of(3): 2}
    assert indexed(connection) == 2


def test_a_transaction_that_failed_moves_nothing(connection: sqlite3.Connection) -> None:
    store = begun(connection, held=1)
    mark = store.mark()
    connection.execute("BEGIN")
    store.add([row(1)])
    store.keys.prepare()
    connection.execute("ROLLBACK")
    store.restore(mark)
    assert store.keys.find([key_of(1)]) == {}
    assert add(store, 2) == [1]
    assert (indexed(connection), store.keys.find([key_of(1), key_of(2)])) == (1, {key_of(2): 1})


def test_the_index_does_not_take_a_key_twice(connection: sqlite3.Connection) -> None:
    store = begun(connection, held=2)
    add(store, 1)
    connection.execute(
        "INSERT INTO item SELECT 9, key, '', '', x'', 0, 0, 0, 1, 0, 0, 0, '', '', '', 1, 1, 1 FROM item"
    )
    mark = store.mark()
    with pytest.raises(sqlite3.IntegrityError):
        add(store, 3)
    store.restore(mark)  # as the writer does
    assert store.keys.find([key_of(3)]) == {}


class Step(NamedTuple):
    """What one commit is asked for."""

    blocks: list[tuple[str, list[int]]]
    """`add`, `bear`, `bad` (an add that fails in its middle) or `fail` (something else that fails), with numbers."""
    restart: bool


BLOCKS = st.lists(st.tuples(st.sampled_from(["add", "bear", "bad", "fail"]), st.lists(st.integers(1, 30), max_size=8)))
STEPS = st.lists(st.builds(Step, blocks=BLOCKS, restart=st.booleans()), max_size=8)


def operation_of(kind: str, numbers: Sequence[int]) -> Adding | Bearing | Claiming | Work[None]:
    rows = [row(number) for number in numbers]
    if kind == "fail":
        return Work(_fail, vital=True)
    return Bearing(rows) if kind == "bear" else Adding([*rows, BAD] if kind == "bad" else rows)


def _fail(store: Store) -> None:
    raise JournalError("no")


@given(steps=STEPS, held=st.integers(1, 12))
def test_each_message_has_one_row_whatever_fails(steps: list[Step], held: int) -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        create_tables(connection)
        store = begun(connection, held)
        stored: dict[bytes, int] = {}
        for step in steps:
            if step.restart:
                store = begun(connection, held)
            operations = [operation_of(kind, numbers) for kind, numbers in step.blocks]
            commit(store, operations)
            for (kind, numbers), operation in zip(step.blocks, operations, strict=True):
                assert (operation.error is None) == (kind in {"add", "bear"})
                if not isinstance(operation, Adding | Bearing) or operation.error is not None:
                    continue
                for number, one in zip(numbers, operation.result or [], strict=True):
                    known = key_of(number) in stored
                    assert one.added is (one.added if known else Added.NEW)
                    assert (one.added is Added.NEW) != known
                    if not known:
                        stored[key_of(number)] = one.seq
                        assert one.state is (State.IN_FLIGHT if kind == "bear" else State.QUEUED)
                    elif one.added is Added.KNOWN:
                        assert one.seq == stored[key_of(number)]
            rows = dict(connection.execute("SELECT key, seq FROM item WHERE code IS NOT 'duplicate'"))
            assert rows == stored
            every = [key for (key,) in connection.execute("SELECT key FROM item")]
            assert len(set(every)) == len(every)
            assert set(store.keys.find(every)) == set(every)
            assert store.keys.find([key_of(99)]) == {}
            assert store.tally == Store(connection, store.run, lambda: 1.0).tally


async def test_a_file_of_version_1_keeps_its_rows_and_their_keys(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(versions, "STEPS", ())
        with closing(sqlite3.connect(":memory:")) as connection:
            create_tables(connection)
            connection.execute("INSERT INTO run VALUES(1, '', '', 1, 1, 2, 'done')")
            for number, new in enumerate(new_rows(300), 1):
                connection.execute(
                    "INSERT INTO item(seq, key, receiver, endpoint, payload, added_run, fed_run, fed_count) "
                    "VALUES(?, ?, ?, ?, ?, 1, 1, 1)",
                    (number, new.key, new.receiver, new.endpoint, new.payload),
                )
            connection.execute(
                "INSERT INTO meta VALUES('journal.fingerprint', ?)", ('{"account": "a", "template": "42"}',)
            )
            connection.commit()
            path.write_bytes(connection.serialize())
        assert SQLiteJournal.inspect(path).counts.queued == 300
    journal = SQLiteJournal(path)
    opened = await journal.open(FINGERPRINT)
    again = await journal.add(new_rows(301))
    rows = await journal.queued(0, 999, 9.0)
    await journal.close()
    assert (opened.counts.queued, opened.resumed) == (300, True)
    assert [one.added for one in again] == [*[Added.KNOWN] * 300, Added.NEW]
    assert [(one.seq, one.payload) for one in rows] == [(n, new.payload) for n, new in enumerate(new_rows(301), 1)]


async def test_nothing_is_left_over_from_the_upgrade(path: Path) -> None:
    await fill(path)
    with closing(sqlite3.connect(path)) as connection:
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    assert names == {"meta", "run", "item", "known_key"}
