"""Both type checkers accept what is right and flag every call that is wrong: one run of each for all."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[1]
RIGHT: Final = HERE / "api.py"
WRONG: Final = (HERE / "wrong_calls.txt").read_text()
EXPECTED: Final = {number for number, line in enumerate(WRONG.splitlines(), 1) if line.endswith("# expect-error")}

Flagged = set[tuple[str, int]]


def mypy(*files: Path) -> Flagged:
    # Its own cache: two runs at the same time must not share one.
    command = [sys.executable, "-m", "mypy", "--cache-dir", str(ROOT / ".mypy_cache" / "typing"), "--no-error-summary"]
    run = subprocess.run([*command, *map(str, files)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert not run.stderr
    lines = re.findall(r"^(.+?):(\d+):(?:\d+:)? error: ", run.stdout, re.MULTILINE)
    return {(Path(name).name, int(line)) for name, line in lines}


def pyright(*files: Path) -> Flagged:
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, *map(str, files)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    found = json.loads(run.stdout)["generalDiagnostics"]
    return {(Path(one["file"]).name, one["range"]["start"]["line"] + 1) for one in found if one["severity"] == "error"}


@pytest.mark.parametrize("checker", [mypy, pyright], ids=["mypy", "pyright"])
def test_right_and_wrong_calls(checker: Callable[..., Flagged], tmp_path: Path) -> None:
    wrong = tmp_path / "wrong_calls.py"
    wrong.write_text(WRONG)

    assert sorted(checker(RIGHT, wrong)) == [("wrong_calls.py", number) for number in sorted(EXPECTED)]


def test_the_wrong_calls_are_marked() -> None:
    assert len(EXPECTED) > 20
