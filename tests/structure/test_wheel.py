"""What is built is whole: installed in an empty environment, the package imports and its command runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import venv
from collections.abc import Callable
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.structure.source import PACKAGE, ROOT

pytestmark = pytest.mark.xdist_group("wheel")  # one worker builds it, once

Run = Callable[..., "subprocess.CompletedProcess[str]"]
BIN = "Scripts" if os.name == "nt" else "bin"


def run_quietly(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, without any setting of the caller's Python."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COVERAGE", "COV_"))}
    return subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, check=False, timeout=120)


def as_name(requirement: str) -> str:
    """Return the package that a requirement names."""
    return re.split(r"[^\w-]", requirement, maxsplit=1)[0]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel with the tools that are installed."""
    folder = tmp_path_factory.mktemp("dist")
    built = run_quietly(
        sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, cwd=folder
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def run(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Install the wheel in a fresh environment and return what runs a command of it."""
    place = tmp_path_factory.mktemp("fresh")
    venv.create(place, with_pip=False)
    python = place / BIN / "python"
    pip = (sys.executable, "-m", "pip", "--quiet", "--python", str(python))
    installed = run_quietly(*pip, "install", "--no-index", "--no-deps", wheel, cwd=place)
    assert installed.returncode == 0, installed.stderr
    # The dependencies are borrowed from here, behind the wheel; an editable install of the package is not, since
    # path files are read in the environment's own folder only.
    own = sysconfig.get_path("purelib", "venv", {"base": str(place)})
    Path(own, "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    return lambda name, *arguments: run_quietly(place / BIN / name, *arguments, cwd=place)


def test_the_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    paths = (ROOT / PACKAGE).rglob("*")
    files = {path.relative_to(ROOT).as_posix() for path in paths if path.is_file() and path.suffix != ".pyc"}

    assert {name for name in ZipFile(wheel).namelist() if name.startswith(f"{PACKAGE}/")} == files
    assert f"{PACKAGE}/py.typed" in files


def test_the_wheel_asks_for_what_the_project_names(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(archive.read(name).decode())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = {as_name(line) for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line}

    assert asked == {as_name(line) for line in project["dependencies"]}
    assert metadata["Version"] == project["version"]


def test_the_installed_package_imports(run: Run) -> None:
    shown = run("python", "-W", "error", "-c", f"import {PACKAGE}; print({PACKAGE}.__file__)")

    assert "fresh" in shown.stdout, shown.stderr


def test_the_installed_command_runs(run: Run) -> None:
    shown = run("wabotick", "--help")

    assert shown.returncode == 0, shown.stderr
    assert "broadcast" in shown.stdout


def test_without_the_extra_the_command_says_what_to_install(run: Run) -> None:
    code = f"import sys; sys.modules['typer'] = None; from {PACKAGE}.cli import main; sys.exit(main())"
    shown = run("python", "-c", code)

    assert shown.returncode != 0
    assert "wabotick-async[cli]" in shown.stderr
    assert len(shown.stderr.splitlines()) == 1
