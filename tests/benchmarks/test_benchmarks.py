"""The short form asks the questions, and leaves a file that gives the same tables again. Speed is not tested."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from benchmarks.__main__ import QUESTIONS, main
from benchmarks.cases.base import Place
from benchmarks.cases.catalogue import ALL
from benchmarks.cases.plain import NAIVE
from benchmarks.document import read
from benchmarks.measure import Run, Turns
from benchmarks.questions.base import Answer, Setting, answer
from benchmarks.questions.latency import SteadyWork, hold
from benchmarks.questions.memory import Large
from benchmarks.questions.sending import Work, take_turns
from benchmarks.questions.start import STARTERS, Started
from benchmarks.servers.certificate import make_certificate
from benchmarks.servers.own import own

ROOT = Path(__file__).parents[2]
SHORT = ("--quick", "--only", "A,F,G", "--rounds", "1", "--slice", "0.005", "--recipients", "50")


def test_the_short_form_speaks_of_every_case(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "figures.json"

    ended = subprocess.run(
        [sys.executable, "-m", "benchmarks", *SHORT, "--json", str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    document = read(path)
    sending, start, memory = document.answers
    assert [row[0] for row in sending.rows] == [case.name for case in ALL if not case.skipped()]
    skipped = [f"Skipped: {case.name} ({case.skipped()})." for case in ALL if case.skipped()]
    assert [note for note in sending.notes if note.startswith("Skipped")] == skipped
    assert all(line in ended.stderr for line in skipped)
    figures = msgspec.json.decode(sending.figures, type=Run).figures
    assert [one.name for one in figures] == [row[0] for row in sending.rows]
    assert all(one.requests >= 64 for one in figures)
    started = msgspec.json.decode(start.figures, type=list[Started])
    assert [one.name for one in started] == [one.name for one in STARTERS if not one.skipped()]
    assert {one.recipients for one in msgspec.json.decode(memory.figures, type=list[Large])} == {50}
    main(["--markdown", "--json", str(path)])
    assert capsys.readouterr().out in ended.stdout
    assert list(tmp_path.iterdir()) == [path]


def test_turns_are_taken_over_tls(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    with own(None, certificate) as server:
        work = Work(
            label="test",
            loop="default loop",
            cases=[NAIVE.name, "client.send, session"],
            server=server,
            tls=True,
            in_flight=2,
            turns=Turns(rounds=2, seconds=0.005),
            core=None,
            directory=tmp_path,
        )
        found = take_turns(work)

    assert [one.name for one in found.figures] == work.cases


def test_a_steady_rate_is_held_to_its_end(tmp_path: Path) -> None:
    with own(None, delay=0.005) as server:
        found = hold(
            SteadyWork(
                loop="default loop",
                lane="session",
                server=server,
                rate=100,
                in_flight=8,
                seconds=0.15,
                core=None,
                journal=tmp_path / "steady.journal",
            )
        )

    assert (found.loop, found.lane) == ("default loop", "session")
    assert found.accepted_a_second >= 0
    assert found.core > 0


def test_a_place_without_tls_trusts_nobody_in_particular(tmp_path: Path) -> None:
    place = Place(base_url="http://127.0.0.1:1", in_flight=1_024, directory=tmp_path)

    assert place.trust() is None
    assert place.connections == 1_024


def test_there_is_no_eighth_question(tmp_path: Path) -> None:
    assert sorted(QUESTIONS) == list("ABCDEFG")
    with pytest.raises(SystemExit, match="no such question: H"):
        main(["--only", "A,H", "--json", str(tmp_path / "figures.json")])


def test_a_question_that_fails_leaves_the_others_their_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(setting: Setting) -> Answer:
        """Measure nothing."""
        raise RuntimeError("no server")

    def answered(setting: Setting) -> Answer:
        """Measure nothing, too."""
        return answer("B", "Fine", ["case"], rows=[["one"]], notes=["word " * 50])

    path = tmp_path / "figures.json"
    monkeypatch.setitem(QUESTIONS, "A", fail)
    monkeypatch.setitem(QUESTIONS, "B", answered)

    with pytest.raises(SystemExit, match="not every question has an answer"):
        main(["--only", "A,B", "--json", str(path)])

    assert [(one.letter, one.title, one.rows) for one in read(path).answers] == [
        ("A", "Failed", [["RuntimeError: no server"]]),
        ("B", "Fine", [["one"]]),
    ]
    shown = capsys.readouterr().out
    assert "| one |" in shown
    assert max(len(line) for line in shown.splitlines() if line.startswith("word")) <= 120
