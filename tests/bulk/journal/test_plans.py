"""How SQLite finds the rows: by their numbers and the index of open rows, however many are finished."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest

from wabotick_async.bulk.journal import SQLiteJournal, blocks, store
from wabotick_async.bulk.journal.reader import _PAGE
from wabotick_async.bulk.journal.schema import create_tables
from wabotick_async.bulk.journal.store import Store

ROWS = 100_000
OPEN = (60_000, 99_999, ROWS)
VALUES = {"run": 1, "now": 5.0, "seq": 7, "after": 0, "limit": 64, "until": 0.0}


@pytest.fixture(scope="module")
def large() -> Iterator[sqlite3.Connection]:
    """100,000 rows, all accepted but three, of which one waits."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    create_tables(connection)
    connection.execute("BEGIN")
    connection.executemany(
        "INSERT INTO item(key, receiver, endpoint, payload, state, added_run, fed_run, fed_count) "
        "VALUES(?, '1', 'send_text', x'7b7d', ?, 1, 1, 1)",
        ((seq.to_bytes(16, "big"), 0 if seq in OPEN else 2) for seq in range(1, ROWS + 1)),
    )
    connection.execute("UPDATE item SET not_before = 3 WHERE seq = ?", (OPEN[1],))
    connection.execute("COMMIT")
    yield connection
    connection.close()


def plan(connection: sqlite3.Connection, statement: str, values: object = VALUES) -> list[str]:
    return [row[3] for row in connection.execute("EXPLAIN QUERY PLAN " + statement, values)]  # type: ignore[arg-type]


def steps_of(connection: sqlite3.Connection, statement: str, values: object = VALUES) -> int:
    """Count how often the virtual machine of SQLite passes another hundred instructions."""
    ticks = 0

    def tick() -> int:
        nonlocal ticks
        ticks += 1
        return 0

    connection.set_progress_handler(tick, 100)
    connection.execute(statement, values).fetchall()  # type: ignore[arg-type]
    connection.set_progress_handler(None, 0)
    return ticks


def test_queued_finds_what_is_due_in_its_order(large: sqlite3.Connection) -> None:
    journal = Store(large, 1, lambda: 0.0)
    assert [row.seq for row in journal.queued(0, 9, 5.0)] == list(OPEN)
    assert [row.seq for row in journal.queued(60_000, 1, 5.0)] == [99_999]
    assert [row.seq for row in journal.queued(0, 9, 2.0)] == [60_000, ROWS]


def test_queued_does_not_walk_the_finished_rows(large: sqlite3.Connection) -> None:
    assert sum("INDEX item_open" in step for step in plan(large, store._QUEUED)) == 2
    assert "SCAN item" not in plan(large, store._QUEUED)
    assert steps_of(large, store._QUEUED) < 10


def test_page_of_a_long_queue_is_not_sorted(large: sqlite3.Connection) -> None:
    large.execute("BEGIN")
    large.execute("UPDATE item SET state = 0")
    try:
        assert steps_of(large, store._QUEUED) < 100
    finally:
        large.execute("ROLLBACK")


@pytest.mark.parametrize(
    "statement", [store._CLAIM, store._FINISH, store._QUEUED_ROW], ids=["claim", "finish", "queued_row"]
)
def test_row_is_looked_up_by_its_number(large: sqlite3.Connection, statement: str) -> None:
    values = VALUES if ":seq" in statement else [None] * statement.count("?")
    assert plan(large, statement, values) == ["SEARCH item USING INTEGER PRIMARY KEY (rowid=?)"]


@pytest.mark.parametrize("count", [1, 2, 32])
def test_rows_of_a_block_are_looked_up_by_their_numbers(large: sqlite3.Connection, count: int) -> None:
    for statement in (blocks._CLAIM, blocks._FINISH):
        text = blocks._written_out(statement, count)
        steps = plan(large, text, [None] * text.count("?"))
        assert "SEARCH item USING INTEGER PRIMARY KEY (rowid=?)" in steps
        assert not [step for step in steps if step.startswith("SCAN item")]


def test_claim_costs_the_same_among_many_rows(large: sqlite3.Connection) -> None:
    large.execute("BEGIN")
    try:
        assert steps_of(large, store._CLAIM, (1, 5.0, 7)) < 2
    finally:
        large.execute("ROLLBACK")


def test_next_due_is_the_first_entry_of_the_index(large: sqlite3.Connection) -> None:
    [step] = plan(large, "SELECT min(not_before) FROM item WHERE state = 0", ())
    assert "COVERING INDEX item_open" in step


def test_pages_of_a_report_go_by_row_number(large: sqlite3.Connection) -> None:
    assert plan(large, _PAGE, (2, 0, 500)) == ["SEARCH item USING INTEGER PRIMARY KEY (rowid>?)"]


@pytest.mark.parametrize("state", ["0", "4"])
def test_open_rows_are_found_by_the_index(large: sqlite3.Connection, state: str) -> None:
    query = f"SELECT seq FROM item WHERE state = {state} AND not_before = 0 ORDER BY seq"
    [step] = plan(large, query, ())
    assert "COVERING INDEX item_open" in step


async def test_plans_on_a_file_with_few_rows(on_disk: SQLiteJournal) -> None:
    plans = await on_disk._do(
        lambda mine: [plan(mine.connection, store._QUEUED), plan(mine.connection, store._CLAIM, (1, 5.0, 7))]
    )
    assert sum("INDEX item_open" in step for step in plans[0]) == 2
    assert plans[1] == ["SEARCH item USING INTEGER PRIMARY KEY (rowid=?)"]
