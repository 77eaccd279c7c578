"""The benchmark runs and speaks of every case. How fast anything is, is no test's business."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from benchmarks.cases import cases

ROOT = Path(__file__).parents[2]
SHORT = ("--rounds", "2", "--slice", "0.01", "--in-flight", "4", "--loop", "asyncio")


async def test_the_short_form_has_all_cases(tmp_path: Path) -> None:
    output = tmp_path / "benchmark.json"

    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks", *SHORT, "--output", str(output)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    shown, errors = await process.communicate()

    assert (process.returncode, errors.decode()) == (0, "")
    names = list(cases(tmp_path))
    assert [line.split(" | ")[0] for line in shown.decode().splitlines() if line.startswith("| ")][1:] == [
        f"| {name}" for name in names
    ]
    figures = json.loads(output.read_text())["runs"]["asyncio"]["figures"]
    assert [one["name"] for one in figures] == names
    assert all(one["requests"] > 0 for one in figures)
    assert list(tmp_path.iterdir()) == [output]
