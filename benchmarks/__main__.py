"""`python -m benchmarks`: what does this client cost, beside a naive aiohttp loop and beside others?"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Final

from benchmarks.apart import say
from benchmarks.cases.peers import PACKAGES
from benchmarks.document import Document, read, write
from benchmarks.machine import cores, description, open_files
from benchmarks.measure import Turns
from benchmarks.questions import latency, memory, sending, start
from benchmarks.questions.base import Answer, Question, Setting, answer

QUESTIONS: Final[dict[str, Question]] = {
    "A": sending.default_loop,
    "B": sending.on_uvloop,
    "C": sending.concurrencies,
    "D": sending.tls,
    "E": latency.latency,
    "F": start.start,
    "G": memory.many_recipients,
}
_FAILED: Final = "Failed"
_DEFAULT: Final = "A,B,C,D,E,F"


def main(arguments: list[str] | None = None) -> None:
    options = _options().parse_args(arguments)
    if options.markdown:
        print(read(options.json).markdown())
        return
    letters = options.only.upper().split(",")
    if unknown := sorted(set(letters) - set(QUESTIONS)):
        sys.exit(f"no such question: {', '.join(unknown)}; there are {', '.join(QUESTIONS)}")
    options.json.parent.mkdir(parents=True, exist_ok=True)
    open_files()  # the processes that follow inherit it: all cases together have more connections than the usual 1,024
    load = _load()
    # Beside the output: a temporary directory may be in memory, where a commit costs nothing.
    with tempfile.TemporaryDirectory(dir=options.json.parent, prefix="bench-") as directory:
        setting = _setting(options, Path(directory))
        answers = [_ask(letter, setting) for letter in letters]
    document = Document(
        machine=description(*PACKAGES) | {"pinned": _pinned(setting)},
        load=(load, _load()),
        rounds=setting.turns.rounds,
        seed=setting.turns.seed,
        answers=answers,
    )
    write(document, options.json)
    print(document.markdown())
    if any(one.title == _FAILED for one in answers):
        sys.exit("not every question has an answer")
    print(f"written to {options.json}; the tables again: python -m benchmarks --markdown --json {options.json}")


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", default=_DEFAULT, metavar="A,B", help="questions to ask (%(default)s; G is memory)")
    parser.add_argument("--rounds", type=int, help="slices of each case in A and B (30); C and D have fewer")
    parser.add_argument("--slice", type=float, help="seconds of a slice, about (0.1)")
    parser.add_argument("--seed", type=int, default=0, help="of the order of turns (%(default)s)")
    parser.add_argument("--recipients", type=int, nargs="+", help="sizes of the campaigns of G (1e4, 1e5 and 1e6)")
    parser.add_argument("--quick", action="store_true", help="a look at everything, worth nothing as a figure")
    parser.add_argument(
        "--json", type=Path, default=Path("build/benchmark.json"), help="file for the figures (%(default)s)"
    )
    parser.add_argument("--markdown", action="store_true", help="measure nothing: print the tables of that file")
    return parser


def _setting(options: argparse.Namespace, directory: Path) -> Setting:
    server_core, client_core = cores()
    quick: bool = options.quick
    return Setting(
        turns=Turns(
            rounds=options.rounds or (2 if quick else 30),
            seconds=options.slice or (0.02 if quick else 0.1),
            seed=options.seed,
        ),
        seconds=1.0 if quick else 8.0,
        starts=1 if quick else 10,
        recipients=tuple(options.recipients or ((100, 1_000) if quick else (10_000, 100_000, 1_000_000))),
        server_core=server_core,
        client_core=client_core,
        directory=directory,
    )


def _ask(letter: str, setting: Setting) -> Answer:
    began = time.monotonic()
    say(f"{letter}: {(QUESTIONS[letter].__doc__ or '').splitlines()[0]}")
    try:
        found = QUESTIONS[letter](setting)
    except Exception as error:  # noqa: BLE001 - the answers to the other questions took minutes
        traceback.print_exc()
        found = answer(
            letter, _FAILED, ["error"], rows=[[f"{type(error).__name__}: {error}".replace("\n", " ")]], notes=[]
        )
    for note in found.notes:
        if note.startswith("Skipped"):
            say(f"  {note}")
    say(f"  {letter}: {time.monotonic() - began:.0f} s")
    return found


def _pinned(setting: Setting) -> str:
    if setting.client_core is None:
        return "nothing: there is one core, or the system has no affinity"
    return f"server to core {setting.server_core}, client to core {setting.client_core}"


def _load() -> float:
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


if __name__ == "__main__":
    main()
