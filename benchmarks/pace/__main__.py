"""`python -m benchmarks.pace`: is the limit kept and used, what does a grant cost, and what does the server see?"""

from __future__ import annotations

import argparse
import asyncio
import gc
import random
from pathlib import Path

import msgspec

from benchmarks.machine import cores, description, pin
from benchmarks.pace import tables
from benchmarks.pace.cpu import Cost, costs
from benchmarks.pace.figures import Case, phase
from benchmarks.pace.headroom import Excess, excesses
from benchmarks.pace.limiters import CLIENTS, OURS, SCOPED, clients, limiters, noting, scoped, versions
from benchmarks.pace.server import serving
from benchmarks.pace.traffic import traffic


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was measured."""

    machine: dict[str, str]
    cases: list[Case]
    costs: list[Cost]
    excesses: list[Excess]


def main(arguments: list[str] | None = None) -> None:
    options = _options().parse_args(arguments)
    server_core, client_core = cores()
    with serving(server_core) as base_url:
        pin(client_core)
        results = asyncio.run(_measure(base_url, options))
    print(tables.show(results.machine, results.cases, results.costs, results.excesses))
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=2) + b"\n")
    print(f"written to {options.output}")


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pace", description=__doc__)
    parser.add_argument("--rates", type=int, nargs="+", default=[20, 80, 1000], help="requests a second (%(default)s)")
    parser.add_argument("--cold", type=float, default=2.0, help="seconds of a case called cold (%(default)s)")
    parser.add_argument("--warm", type=float, default=3.0, help="seconds after these, called warm (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds for the cost of a grant (%(default)s)")
    parser.add_argument("--turn", type=float, default=1.1, help="seconds of a turn in them (%(default)s)")
    parser.add_argument("--runs", type=int, default=3, help="runs for the headroom (%(default)s)")
    parser.add_argument("--run", type=float, default=2.2, help="seconds of one of them (%(default)s)")
    parser.add_argument(
        "--headrooms", type=float, nargs="+", default=[0.0, 0.02, 0.05], help="shares left unused in them (%(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the order of turns and the jitter (%(default)s)")
    parser.add_argument("--output", type=Path, default=Path("build/pace.json"), help="JSON file (%(default)s)")
    return parser


async def _measure(base_url: str, options: argparse.Namespace) -> Results:
    dice = random.Random(options.seed)
    return Results(
        machine={**description(), **versions()},
        cases=[case for rate in options.rates for case in await _cases(base_url, rate, options, dice)],
        costs=await costs(
            {**limiters(), CLIENTS: clients, SCOPED: scoped},
            rounds=options.rounds,
            seconds=options.turn,
            rate=1000,
            waiting=1000,
            dice=dice,
        ),
        excesses=await excesses(
            base_url,
            options.rates,
            options.headrooms,
            runs=options.runs,
            seconds=options.run,
            burst=1,
            dice=dice,
        ),
    )


async def _cases(base_url: str, rate: int, options: argparse.Namespace, dice: random.Random) -> list[Case]:
    """Measure all limiters at one rate, in random order."""
    makers, burst, found = {**limiters(), OURS: noting}, max(1, rate // 10), dict[str, Case]()
    order = list(makers)
    dice.shuffle(order)
    for name in order:
        gc.collect()  # nobody pays for what the one before left behind
        run = await traffic(makers[name](rate, burst), base_url, seconds=options.cold + options.warm, waiting=rate)
        turn = run.began + options.cold
        credit = burst - 1  # the first of a burst is due anyway
        found[name] = Case(
            limiter=name,
            rate=rate,
            burst=burst,
            cold=phase(run, run.began, turn, rate, credit),
            warm=phase(run, turn, run.ended, rate),
            stall=run.stall,
        )
    return [found[name] for name in makers]


if __name__ == "__main__":
    main()
