"""The secrets scan finds a token wherever one can leak, and nothing in tests that leak none."""

from __future__ import annotations

import os
import subprocess
import sys
from base64 import b64encode, urlsafe_b64encode
from pathlib import Path
from typing import Final
from urllib.parse import quote

import pytest

from tests.security.scan_plugin import FAKE_TOKEN, holds_token, places_in

ROOT: Final = Path(__file__).parents[2]

LEAKS: Final = """
import logging, subprocess, sys, warnings
import pytest
from tests.security.scan_plugin import FAKE_TOKEN as TOKEN
from wabotick_async import SendText, WabotickClient, WabotickError
from wabotick_async.values import clean_phone_number

def test_log():
    logging.getLogger("wabotick_async.transport").debug("sending %s", TOKEN)

def test_log_of_an_error():
    try:
        raise KeyError(TOKEN)
    except KeyError:
        logging.getLogger("any").exception("failed")

def test_output():
    print(TOKEN)

def test_captured_output(capsys):
    print(TOKEN)
    assert capsys.readouterr().out

def test_piped_output():
    subprocess.run([sys.executable, "-c", "print(input())"], input=TOKEN, capture_output=True, text=True, check=True)

@pytest.mark.filterwarnings("default")
def test_warning():
    warnings.warn(TOKEN)

def test_cause():
    with pytest.raises(ValueError, match="calm"):
        raise ValueError("calm") from KeyError(TOKEN)

def test_attribute():
    with pytest.raises(ValueError, match="calm"):
        error = ValueError("calm")
        error.body = TOKEN.encode()
        raise error

def test_local_variable():
    with pytest.raises(ValueError, match="expected"):
        clean_phone_number(TOKEN)

def test_file(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.journal-wal").write_bytes(b"\\0" + TOKEN.encode())

def test_percent_encoded():
    print("apiToken=" + TOKEN.replace("|", "%7C"))

def test_nothing(tmp_path, capsys):
    with pytest.raises(WabotickError):
        SendText(phone_number="", message="x")
    (tmp_path / "a").write_text("a")
    print("a")
    repr(WabotickClient(TOKEN))
"""


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["alone", "xdist"])
def test_every_leak_fails_its_test(tmp_path: Path, workers: tuple[str, ...]) -> None:
    (tmp_path / "test_leaks.py").write_text(LEAKS)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    options = ["-p", "tests.security.scan_plugin", "-p", "no:cacheprovider", "-q", "-rA", "--tb=short", *workers]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(tmp_path)],
        cwd=tmp_path,
        env={name: value for name, value in environment.items() if not name.startswith(("PYTEST_", "COV_"))},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    leaking = LEAKS.count("def test_") - 2
    lines = run.stdout.decode().splitlines()
    assert run.returncode == 1
    assert sum(line.startswith("ERROR test_leaks.py") for line in lines) == leaking, run.stdout.decode()
    assert "ERROR an API token was seen in: warning of test_leaks.py::test_warning" in lines
    assert not [line for line in lines if line.startswith("ERROR") and "test_nothing" in line]
    (tmp_path / "test_leaks.py").unlink()


@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
@pytest.mark.parametrize("encode", [b64encode, urlsafe_b64encode])
def test_base64_is_seen_at_every_place(before: str, encode: object) -> None:
    assert callable(encode)
    assert holds_token(encode(f"{before}{FAKE_TOKEN}&x=1".encode()))
    assert holds_token(quote(before + FAKE_TOKEN))
    assert not holds_token(encode(before.encode()))


def test_what_cannot_be_shown_shows_nothing() -> None:
    class Shy:
        def __repr__(self) -> str:
            raise ValueError

    assert not holds_token(Shy())


def test_an_error_that_is_its_own_context_is_looked_at_once() -> None:
    error = KeyError(FAKE_TOKEN)
    error.__cause__ = error
    assert len(list(places_in(error))) == 1
