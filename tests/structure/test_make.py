"""`make test` runs everything where anything changed, and says so where it does not."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
INPUTS = ("wabotick_async", "tests", "examples", "benchmarks", "docs", ".ci")
FILES = ("README.md", "CHANGELOG.md", "pyproject.toml")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a small copy of the project, whose Python writes down how it was called and ends as it is told."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in INPUTS:
        (tmp_path / name).mkdir()
    for name in FILES:
        (tmp_path / name).touch()
    binaries = tmp_path / ".venv/bin"
    binaries.mkdir(parents=True)
    python = binaries / "python"
    python.write_text(
        '#!/bin/sh\necho "$@" >> called\n[ -z "$SLOW_COUNT" ] || echo 7 > $SLOW_COUNT\n'
        '[ ! -e edit ] || touch -d "+1 hour" tests/edited.py\nexit $(cat code 2>/dev/null || echo 0)\n'
    )
    python.chmod(0o755)
    long_ago = 1_000_000_000
    for path in tmp_path.rglob("*"):
        os.utime(path, (long_ago, long_ago))
    for ready in (".runtime-is-ready", ".dev-is-ready"):
        (tmp_path / ".venv" / ready).touch()
    return tmp_path


def make(project: Path, *words: str, **environ: str) -> tuple[bool, str]:
    """Run `make test`; tell whether it was green, what it said, and how pytest was called."""
    (project / "called").unlink(missing_ok=True)
    inherited = {name: value for name, value in os.environ.items() if name not in {"CI", "ALL", "TESTS", "MAKEFLAGS"}}
    ended = subprocess.run(
        ["make", "--no-print-directory", "test", *words],
        cwd=project,
        env=inherited | environ,
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.returncode == 0, ended.stdout + (project / "called").read_text()


def is_whole(called: str) -> bool:
    return "--cov" in called and "not slow" not in called


def test_the_second_run_is_quick(project: Path) -> None:
    assert is_whole(make(project)[1])
    green, called = make(project)
    assert green
    assert called.startswith("7 slow tests passed on this very code already")
    assert "-m not slow" in called
    assert not is_whole(called)


@pytest.mark.parametrize("changed", [f"{name}/new.py" for name in INPUTS] + [*FILES, "Makefile", ".venv/.dev-is-ready"])
def test_a_change_runs_all(project: Path, changed: str) -> None:
    make(project)
    path = project / changed
    path.touch()
    later = (project / ".venv/.all-tests-passed").stat().st_mtime + 10
    os.utime(path, (later, later))
    assert is_whole(make(project)[1])


def test_a_file_that_went_runs_all(project: Path) -> None:
    gone = project / "tests/test_gone.py"
    gone.touch()
    make(project)
    gone.unlink()
    later = (project / ".venv/.all-tests-passed").stat().st_mtime + 10
    os.utime(gone.parent, (later, later))  # as the unlink does on a clock that is fine enough
    assert is_whole(make(project)[1])


def test_a_document_that_went_runs_all(project: Path) -> None:
    make(project)
    (project / "README.md").unlink()
    assert is_whole(make(project)[1])


def test_an_edit_during_the_run_is_not_proven(project: Path) -> None:
    (project / "edit").touch()
    assert make(project)[0]
    assert not (project / ".venv/.all-tests-passed").exists()


@pytest.mark.parametrize("words", [(), ("ALL=1",), ("TESTS=tests/wire",)], ids=["quick", "all", "some"])
def test_after_a_red_run_comes_a_whole_one(project: Path, words: tuple[str, ...]) -> None:
    make(project)
    (project / "code").write_text("1")
    assert not make(project, *words)[0]
    (project / "code").write_text("0")
    assert is_whole(make(project)[1])


@pytest.mark.parametrize(("words", "environ"), [(("ALL=1",), {}), ((), {"CI": "true"})])
def test_who_asks_for_all_gets_all(project: Path, words: tuple[str, ...], environ: dict[str, str]) -> None:
    make(project)
    assert is_whole(make(project, *words, **environ)[1])


def test_some_tests_leave_no_mark(project: Path) -> None:
    assert make(project, "TESTS=tests/wire")[1].strip().endswith("tests/wire")
    assert is_whole(make(project)[1])
