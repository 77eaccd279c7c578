"""What does a send cost, beside a naive aiohttp loop? Asked on both loops, at several concurrencies, and with TLS."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.apart import Loop, apart, loops, on_loop, say
from benchmarks.cases.base import Case, Place
from benchmarks.cases.catalogue import ALL, FEW, named
from benchmarks.machine import open_files, pin, uvloop
from benchmarks.measure import Figures, Run, Turns, run
from benchmarks.questions.base import Answer, Setting, answer
from benchmarks.servers.base import Server
from benchmarks.servers.ceiling import ceiling
from benchmarks.servers.choice import serving

__all__ = ["CONCURRENCIES", "IN_FLIGHT", "Work", "concurrencies", "default_loop", "on_uvloop", "take_turns", "tls"]

IN_FLIGHT: Final = 64
CONCURRENCIES: Final = (1, 16, 64, 256, 1_024)
_FIGURES: Final = ["requests/s", "CPU us/request", "CPU, x naive", "speed, x naive"]


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """What one process measures."""

    label: str
    loop: Loop
    cases: list[str]
    server: Server
    tls: bool = False
    in_flight: int = IN_FLIGHT
    turns: Turns
    core: int | None
    directory: Path


def take_turns(work: Work) -> Run:
    """Measure all cases of a piece of work in this process."""
    pin(work.core)
    place = Place(
        base_url=work.server.tls_url if work.tls else work.server.base_url,
        in_flight=work.in_flight,
        directory=work.directory,
        authority=work.server.authority if work.tls else "",
    )
    cases = {name: named(name).open for name in work.cases}
    every = max(1, work.turns.rounds // 4)

    def tell(done: int) -> None:
        if done % every == 0:
            say(f"  {work.label}: round {done} of {work.turns.rounds}")

    return on_loop(work.loop, run(cases, place, work.turns, work.server.status, say=tell))


def default_loop(setting: Setting) -> Answer:
    """Measure all cases on asyncio's own loop."""
    return _all_cases("A", "All cases, 64 in flight, default loop", "default loop", setting)


def on_uvloop(setting: Setting) -> Answer:
    """Measure all cases on uvloop: in a process of its own, with a naive loop of its own as the yardstick."""
    title = "All cases, 64 in flight, uvloop"
    if uvloop() is None:
        return answer("B", title, ["case", *_FIGURES], rows=[], notes=["Skipped: uvloop is not installed."])
    return _all_cases("B", title, "uvloop", setting, "A process of its own, and its own naive loop, on uvloop too.")


def _all_cases(letter: str, title: str, loop: Loop, setting: Setting, *notes: str) -> Answer:
    with serving(setting.server_core) as server:
        most = ceiling(server, setting.client_core)
        work = _work(letter, loop, _present(ALL), server, setting)
        found = apart(take_turns, work)
    rows = [[one.name, *_cells(one)] for one in found.figures]
    rate = max(one.requests_a_second for one in found.figures)
    limit = "wrk is not installed" if most is None else f"{most:,.0f} requests/s asked by wrk; {rate:,.0f} at most here"
    lines = [*notes, f"Server: {server.name}, busy for {found.server_busy:.0%} of its core. Its ceiling: {limit}."]
    return answer(letter, title, ["case", *_FIGURES], rows=rows, notes=[*lines, *_skips(ALL)], figures=found)


def concurrencies(setting: Setting) -> Answer:
    """Measure a few cases with few and with many sends in flight."""
    found: dict[str, Run] = {}
    # Every case keeps its own connections, some more than are in flight.
    bearable = open_files() / (1.2 * len(_present(FEW)))
    wide_enough = [in_flight for in_flight in CONCURRENCIES if in_flight < bearable]
    with serving(setting.server_core) as server:
        for in_flight in wide_enough:
            # A slice has as many requests as are in flight at least: the rounds of the widest would take minutes.
            rounds = max(min(3, setting.turns.rounds), setting.turns.rounds // (4 if in_flight > IN_FLIGHT else 2))
            work = _work(f"C, {in_flight:,} in flight", "default loop", _present(FEW), server, setting)
            turns = msgspec.structs.replace(work.turns, rounds=rounds)
            found[f"{in_flight:,}"] = apart(take_turns, msgspec.structs.replace(work, in_flight=in_flight, turns=turns))
    notes = [_busy(server, found.values()), *_skips(FEW)]
    if left := [f"{in_flight:,}" for in_flight in CONCURRENCIES if in_flight not in wide_enough]:
        notes.append(f"Skipped: {', '.join(left)} in flight (more files than the system lets a process open).")
    rows = [[key, one.name, *_cells(one)] for key, one_run in found.items() for one in one_run.figures]
    return answer(
        "C", "Sends in flight, default loop", ["in flight", "case", *_FIGURES], rows=rows, notes=notes, figures=found
    )


def tls(setting: Setting) -> Answer:
    """Measure a few cases with TLS, on both loops."""
    title, head = "TLS, 64 in flight", ["loop", "case", *_FIGURES]
    found: dict[str, Run] = {}
    with serving(setting.server_core, tls=True) as server:
        if not server.tls_url:
            return answer("D", title, head, rows=[], notes=["Skipped: neither trustme nor openssl is installed."])
        for loop in loops():
            work = _work(f"D, {loop}", loop, _present(FEW), server, setting)
            turns = msgspec.structs.replace(work.turns, rounds=max(1, work.turns.rounds // 2))
            found[loop] = apart(take_turns, msgspec.structs.replace(work, tls=True, turns=turns))
    notes = ["The certificate is checked; connections are kept.", _busy(server, found.values()), *_skips(FEW)]
    rows = [[key, one.name, *_cells(one)] for key, one_run in found.items() for one in one_run.figures]
    return answer("D", title, head, rows=rows, notes=notes, figures=found)


def _work(label: str, loop: Loop, cases: list[str], server: Server, setting: Setting) -> Work:
    return Work(
        label=label,
        loop=loop,
        cases=cases,
        server=server,
        turns=setting.turns,
        core=setting.client_core,
        directory=setting.directory,
    )


def _present(cases: Iterable[Case]) -> list[str]:
    return [case.name for case in cases if not case.skipped()]


def _skips(cases: Iterable[Case]) -> list[str]:
    return [f"Skipped: {case.name} ({why})." for case in cases if (why := case.skipped())]


def _cells(one: Figures) -> list[str]:
    return [f"{one.requests_a_second:,.0f}", f"{one.cpu_microseconds:,.0f}", f"{one.cpu}", f"{one.speed}"]


def _busy(server: Server, runs: Iterable[Run]) -> str:
    return f"Server: {server.name}, busy for {max(one.server_busy for one in runs):.0%} of its core at most."
