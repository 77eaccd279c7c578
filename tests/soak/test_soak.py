"""The short form of `make soak`: the command itself, its exit code and its counts; and it notices a lie."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import msgspec
import pytest

from benchmarks.soak import campaign_text, main
from benchmarks.soak_run import SoakResult, SoakSettings, environment
from benchmarks.soak_verdict import Verdict

ROOT = Path(__file__).parents[2]
# Beside each other these tests would be slowed down by themselves.
pytestmark = pytest.mark.xdist_group("soak")

TRUTHFUL = Verdict(
    messages=100,
    delivered=98,
    accepted=90,
    refused=0,
    unknown=10,
    unknown_delivered=8,
    lost=0,
    duplicated=0,
    falsely_accepted=0,
    falsely_refused=0,
    strangers=0,
    integrity="ok",
)
RESULT = SoakResult(
    verdict=TRUTHFUL, kills=5, kills_before_a_delivery=1, faults={"cut": 2}, bound=12, sent_again=0, seconds=1.0
)


async def command(*options: str) -> tuple[int | None, dict[str, str], str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.soak", *options),
        cwd=ROOT,
        env=environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    shown, errors = await process.communicate()
    lines = [line for line in shown.decode().splitlines() if len(line) > 18]
    return process.returncode, {line[:18].strip(): line[18:] for line in lines}, errors.decode()


async def test_10000_messages_and_25_kills(tmp_path: Path) -> None:
    options = ("--messages", "10000", "--kills", "25", "--rows", "8000", "--import-kills", "1", "--limit", "240")
    code, shown, errors = await command(*options, "--directory", str(tmp_path))
    assert (code, errors) == (0, "")
    assert shown["kill -9"].startswith("25 of 25 ")
    promises = ("lost", "duplicated", "falsely accepted", "falsely refused", "strangers")
    assert [shown[name] for name in promises] == ["0"] * len(promises)
    assert shown["in the journal"] == "8,000 rows of 8,000 recipients"
    assert list(tmp_path.iterdir()) == []


async def test_a_soak_that_takes_too_long_stops_and_keeps_its_files(tmp_path: Path) -> None:
    code, _, errors = await command("--messages", "5000", "--limit", "1.5", "--directory", str(tmp_path))
    assert code == 1
    assert "not done after" in errors
    assert [path.name for path in tmp_path.glob("*/*.jsonl")] == ["ledger.jsonl"]


@pytest.mark.parametrize(
    "lie",
    [
        {"lost": 1},
        {"duplicated": 1},
        {"falsely_accepted": 1},
        {"falsely_refused": 1},
        {"strangers": 1},
        {"integrity": "page 3 is never used"},
        {"unknown": 13},
    ],
    ids=str,
)
def test_a_lie_is_noticed(lie: dict[str, object]) -> None:
    result = msgspec.structs.replace(RESULT, verdict=msgspec.structs.replace(TRUTHFUL, **lie))
    assert not result.truthful
    assert "NOT TRUTHFUL" in text(result)


def test_too_few_kills_are_noticed() -> None:
    assert text(RESULT).endswith("verdict           truthful")
    assert text(msgspec.structs.replace(RESULT, kills=4)).endswith("before the kills")


def test_a_message_sent_after_the_end_is_noticed() -> None:
    assert RESULT.truthful
    assert not msgspec.structs.replace(RESULT, sent_again=1).truthful


def text(result: SoakResult) -> str:
    return campaign_text(result, SoakSettings(messages=100, kills=5, in_flight=2, seed=1, part=50))


@pytest.mark.parametrize("options", [["--messages", "0"], ["--messages", "900001"], ["--kills", "x"]], ids=str)
def test_options_out_of_range(options: list[str]) -> None:
    with pytest.raises(SystemExit):
        main(options)
