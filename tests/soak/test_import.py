"""An import that is killed goes on in the next process: what was stored is found again, the rest is added."""

from __future__ import annotations

import random
from pathlib import Path

import msgspec
import pytest

from benchmarks.soak_import import ImportResult, import_under_kills

pytestmark = pytest.mark.xdist_group("soak")

GOOD = ImportResult(
    rows=9,
    kills=2,
    stored_before=(3, 5),
    found_again=5,
    added=4,
    in_journal=9,
    different=9,
    integrity="ok",
    seconds=1.0,
)


async def test_killed_twice(tmp_path: Path) -> None:
    result = await import_under_kills(tmp_path / "import.journal", 40_000, 2, random.Random(5))
    assert result.truthful
    assert 0 < result.stored_before[0] <= result.stored_before[1] < result.rows
    assert all(stored % 1000 == 0 for stored in result.stored_before)  # a batch is there as a whole or not at all


@pytest.mark.parametrize(
    "lie",
    [
        {"in_journal": 10},
        {"different": 8},
        {"found_again": 4},
        {"stored_before": (6, 5)},
        {"integrity": "no"},
    ],
    ids=str,
)
def test_a_lie_is_noticed(lie: dict[str, object]) -> None:
    assert GOOD.truthful
    assert not msgspec.structs.replace(GOOD, **lie).truthful
