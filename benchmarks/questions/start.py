"""How long does it take to import a client, and from the start of a process to the first answer?"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from importlib import util
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.apart import apart, say
from benchmarks.cases.lanes import Lane, lacking, settings
from benchmarks.machine import pin
from benchmarks.questions.base import Answer, Setting, answer
from benchmarks.ratio import Ratio, ratio
from benchmarks.servers.base import Server
from benchmarks.servers.choice import serving

__all__ = ["STARTERS", "StartWork", "Started", "Starter", "import_seconds", "start", "start_all"]

_ROOT: Final = Path(__file__).parents[2]
_YARDSTICK: Final = "aiohttp"


class Starter(msgspec.Struct, frozen=True, kw_only=True):
    """A client that is started."""

    name: str
    imports: str
    """What is imported; empty for the interpreter alone."""
    program: str
    lane: Lane | None = None
    """Of this client."""

    def skipped(self) -> str:
        """Return why it cannot run here; empty where it can."""
        if self.imports and util.find_spec(self.imports) is None:
            return f"{self.imports} is not installed"
        return "" if self.lane is None else lacking(self.lane)


STARTERS: Final = (
    Starter(name="Python alone", imports="", program="with_nothing"),
    Starter(name="aiohttp", imports="aiohttp", program="with_aiohttp"),
    Starter(name="wabotick_async, session", imports="wabotick_async", program="with_wabotick", lane="session"),
    Starter(name="wabotick_async, express", imports="wabotick_async", program="with_wabotick", lane="express"),
    Starter(name="httpx", imports="httpx", program="with_httpx"),
    Starter(name="pywa async", imports="pywa_async", program="with_pywa"),
)


class Started(msgspec.Struct, frozen=True, kw_only=True):
    """What starting one client took: medians, in seconds."""

    name: str
    imported: float | None
    """By `python -X importtime`; None for the interpreter alone."""
    first_answer: float
    """From the start of the process."""
    cpu: float
    """Of the process until then."""
    first_answer_ratio: Ratio
    """As a multiple of what aiohttp took in the same round: less is better."""


class StartWork(msgspec.Struct, frozen=True, kw_only=True):
    """What is started, how often, and on which core."""

    starters: list[Starter]
    server: Server
    rounds: int
    seed: int
    core: int | None
    directory: Path
    """For compiled code: where the environment keeps Python from writing it, what is installed has it and a checkout
    has not."""

    def environ(self) -> dict[str, str]:
        """Return the environment of what is started."""
        return {**os.environ, "PYTHONPYCACHEPREFIX": str(self.directory), "PYTHONDONTWRITEBYTECODE": ""}


def start_all(work: StartWork) -> list[Started]:
    """Start all clients in turn, in random order."""
    pin(work.core)
    dice = random.Random(work.seed)
    imported: dict[str, list[float]] = {one.name: [] for one in work.starters}
    answered: dict[str, list[tuple[float, float]]] = {one.name: [] for one in work.starters}
    environ = work.environ()
    for one in work.starters:  # the first time, its code is compiled
        _first_answer(one, work.server, environ)
    for done in range(work.rounds):
        order = list(work.starters)
        dice.shuffle(order)
        for one in order:
            if one.imports:
                imported[one.name].append(import_seconds(one.imports, environ))
            answered[one.name].append(_first_answer(one, work.server, environ))
        say(f"  F: round {done + 1} of {work.rounds}")
    yardstick = [took for took, _ in answered[_YARDSTICK]]
    return [
        Started(
            name=name,
            imported=statistics.median(imported[name]) if imported[name] else None,
            first_answer=statistics.median(took for took, _ in own),
            cpu=statistics.median(used for _, used in own),
            first_answer_ratio=ratio([took for took, _ in own], yardstick, dice),
        )
        for name, own in answered.items()
    ]


def import_seconds(module: str, environ: Mapping[str, str] | None = None) -> float:
    """Return the seconds that `python -X importtime` gives a module and all that it imports."""
    words = [sys.executable, "-X", "importtime", "-c", f"import {module}"]
    lines = subprocess.run(
        words, cwd=_ROOT, env=environ, capture_output=True, check=True, text=True
    ).stderr.splitlines()
    # "import time: self | cumulative | name", the outermost module last and without indentation.
    return next(int(line.split("|")[1]) for line in reversed(lines) if line.endswith(f"| {module}")) / 1e6


def _first_answer(starter: Starter, server: Server, environ: Mapping[str, str]) -> tuple[float, float]:
    """Return the seconds from the start to the first answer, and the CPU seconds."""
    named = {} if starter.lane is None else settings(starter.lane) or {}
    words = [sys.executable, "-m", f"benchmarks.first.{starter.program}", server.base_url]
    words += [f"{name}={value}" for name, value in named.items()]
    began = time.monotonic()
    text = subprocess.run(words, cwd=_ROOT, env=environ, capture_output=True, check=True, text=True).stdout
    answered, used = map(float, text.split())
    return answered - began, used


def start(setting: Setting) -> Answer:
    """Start all clients that are installed."""
    present = [one for one in STARTERS if not one.skipped()]
    with serving(setting.server_core) as server, tempfile.TemporaryDirectory(prefix="bench-start-") as directory:
        found = apart(
            start_all,
            StartWork(
                starters=present,
                server=server,
                rounds=setting.starts,
                seed=setting.turns.seed,
                core=setting.client_core,
                directory=Path(directory),
            ),
        )
    rows = [
        [
            one.name,
            "-" if one.imported is None else f"{one.imported * 1000:,.0f} ms",
            f"{one.first_answer * 1000:,.0f} ms",
            f"{one.cpu * 1000:,.0f} ms",
            f"{one.first_answer_ratio}",
        ]
        for one in found
    ]
    notes = [
        "Import: `python -X importtime`, which itself takes time. First answer: from the start of a new process.",
        f"Server: {server.name}.",
        *(f"Skipped: {one.name} ({why})." for one in STARTERS if (why := one.skipped())),
    ]
    head = ["client", "import", "first answer", "CPU until then", "first answer, x aiohttp (less is better)"]
    return answer("F", "Start", head, rows=rows, notes=notes, figures=found)
