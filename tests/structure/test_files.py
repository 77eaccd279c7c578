"""Files stay short, and nothing in them is true on one machine only."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.structure.source import PACKAGE, ROOT

LONGEST: Final = 320
"""Lines. 300 is the aim; the rest is room for a fix."""
LOCAL: Final = re.compile(
    r"(?<![\w.])/(?:home|root|Users|work|mnt|srv)/\w"  # a path on somebody's disk
    r"|(?<![\w./])/tmp/\w"
    r"|index-url|https?://[^\s/]+(?:/[^\s/]+)*/simple\b|(?:pypi|files)\.python\w*\.org",
    re.IGNORECASE,
)


def tracked_files() -> list[Path]:
    """Return the files that git keeps; outside of a clone, those of the package."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    names = (
        listed.stdout.split("\0") if listed.returncode == 0 else [str(path) for path in ROOT.glob(f"{PACKAGE}/**/*")]
    )
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def local_words(text: str) -> list[str]:
    """Return what a text says about the machine that it was written on."""
    found = [match.group() for match in LOCAL.finditer(text)]
    return [*found, str(ROOT)] if len(ROOT.parts) > 2 and str(ROOT) in text else found


@pytest.mark.parametrize("path", sorted((ROOT / PACKAGE).rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_of_the_package_is_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST


def test_no_file_names_a_machine_or_a_package_index() -> None:
    local = {path: local_words(path.read_text(errors="replace")) for path in tracked_files() if path != Path(__file__)}

    assert {path.name: words for path, words in local.items() if words} == {}


@pytest.mark.parametrize(
    "text",
    [
        "/home/me/x",
        "cd /root/a",
        '"/tmp/a"',
        "--index-url=x",
        "https://some.host/root/simple/",
        "https://pypi.python.org/",
    ],
)
def test_a_local_word_is_found(text: str) -> None:
    assert local_words(text)


@pytest.mark.parametrize("text", ["/api/v1/home", "https://host/tmp/a", "/tmp", "https://host/simpler"])
def test_an_innocent_word_is_not(text: str) -> None:
    assert local_words(text) == []
