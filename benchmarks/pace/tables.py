"""The answers as tables for people, one a question."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping

from benchmarks.pace.cpu import Cost
from benchmarks.pace.figures import Case
from benchmarks.pace.headroom import Excess


def show(machine: Mapping[str, str], cases: Iterable[Case], costs: Iterable[Cost], excesses: Iterable[Excess]) -> str:
    """Return everything that is printed."""
    cases = list(cases)
    parts = ["\n".join(f"{name:16}{value}" for name, value in machine.items()), kept(cases), used(cases)]
    return "\n\n".join([*parts, cost(costs), headroom(excesses)]) + "\n"


def kept(cases: Iterable[Case]) -> str:
    """Is the limit kept? The most in any second: where the limiter grants, where `acquire` returns, at the server."""
    return _table(
        "Worst second, and as a share of rate + burst",
        [
            "rate + burst",
            "limiter",
            *(f"{place}, {phase}" for phase in ("cold", "warm") for place in ("grant", "return", "server")),
            "stood still",
        ],
        (
            [
                f"{one.rate:,} + {one.burst}",
                one.limiter,
                *(
                    f"{count:,} ({count / one.limit:.2f})"
                    for phase in (one.cold, one.warm)
                    for count in (phase.grant, phase.returned, phase.server)
                ),
                f"{one.stall * 1000:.0f} ms",
            ]
            for one in cases
        ),
    )


def used(cases: Iterable[Case]) -> str:
    """Is the limit used?"""
    return _table(
        "Grants as a share of what the rate allows besides the burst",
        ["rate + burst", "limiter", "cold", "warm"],
        ([f"{one.rate:,} + {one.burst}", one.limiter, f"{one.cold.used:.1%}", f"{one.warm.used:.1%}"] for one in cases),
    )


def cost(costs: Iterable[Cost]) -> str:
    """What does a grant cost?"""
    return _table(
        "CPU time of a grant, microseconds and times ours",
        ["limiter", "free", "x ours", "many waiting", "x ours"],
        (
            [
                one.limiter,
                f"{one.free:.1f}",
                f"{one.free_ratio:.1f}",
                f"{one.contended:.1f}",
                f"{one.contended_ratio:.1f}",
            ]
            for one in costs
        ),
    )


def headroom(excesses: Iterable[Excess]) -> str:
    """Which headroom does the wire need?"""
    return _table(
        "Worst second at the server, runs of our limiter: median and most",
        [
            "rate + burst",
            "wire",
            "headroom",
            "over the grant's",
            "over rate + burst",
            "too fast by",
            "seconds too full",
            "stood still",
        ],
        (
            [
                f"{one.rate:,} + {one.burst}",
                one.wire,
                f"{one.headroom:.0%}",
                f"{statistics.median(one.over_grant):+g}, {max(one.over_grant):+d}",
                f"{statistics.median(one.over_limit):+g}, {max(one.over_limit):+d}",
                f"{one.too_fast:.1%}",
                f"{statistics.mean(one.too_full):.0%}",
                f"{max(one.stalls) * 1000:.0f} ms",
            ]
            for one in excesses
        ),
    )


def _table(title: str, head: list[str], rows: Iterable[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join([title, "", *("| " + " | ".join(line) + " |" for line in lines)])
