"""`python -m benchmarks`: what does this client cost, beside a naive aiohttp loop?"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

import msgspec

from benchmarks.cases import cases
from benchmarks.machine import cores, description, pin, uvloop
from benchmarks.measure import Run, run
from benchmarks.server import serving


def main(arguments: list[str] | None = None) -> None:
    options = _options().parse_args(arguments)
    loops = ["asyncio"] if uvloop() is None else ["asyncio", "uvloop"]
    if options.loop != "all":
        loops = [options.loop]
    server_core, client_core = cores()
    options.output.parent.mkdir(parents=True, exist_ok=True)
    runs: dict[str, Run] = {}
    with serving(server_core) as base_url:
        pin(client_core)
        for loop in loops:
            # Beside the output: a temporary directory may be in memory, where a commit costs nothing.
            with tempfile.TemporaryDirectory(dir=options.output.parent, prefix="bench-") as directory:
                runs[loop] = _run(loop, base_url, Path(directory), options)
    machine = description()
    print("\n".join([*(f"{name:16}{value}" for name, value in machine.items()), ""]))
    print(f"{options.in_flight} in flight, {options.rounds} rounds of slices of {options.slice} s, loopback, no TLS\n")
    for loop, result in runs.items():
        print(table(loop, result))
    document = {"machine": machine, "in_flight": options.in_flight, "rounds": options.rounds, "runs": runs}
    options.output.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
    print(f"written to {options.output}")


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=60, help="slices of each case (%(default)s)")
    parser.add_argument("--slice", type=float, default=0.1, help="seconds of a slice (%(default)s)")
    parser.add_argument("--in-flight", type=int, default=64, help="sends in flight (%(default)s)")
    parser.add_argument("--loop", choices=["all", "asyncio", "uvloop"], default="all", help="event loop (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the order of turns (%(default)s)")
    parser.add_argument("--output", type=Path, default=Path("build/benchmark.json"), help="JSON file (%(default)s)")
    return parser


def _run(loop: str, base_url: str, directory: Path, options: argparse.Namespace) -> Run:
    module = uvloop() if loop == "uvloop" else None
    with asyncio.Runner(loop_factory=None if module is None else module.new_event_loop) as runner:
        return runner.run(
            run(
                cases(directory),
                base_url,
                rounds=options.rounds,
                seconds=options.slice,
                in_flight=options.in_flight,
                seed=options.seed,
            )
        )


def table(loop: str, result: Run) -> str:
    """Return the figures of a run as a table for people."""
    lines = [
        f"| {loop} | requests/s | CPU us/request | speed, x naive | CPU, x naive |",
        "|---|---|---|---|---|",
        *(
            f"| {one.name} | {one.requests_a_second:.0f} | {one.cpu_microseconds:.0f} | {one.speed} | {one.cpu} |"
            for one in result.figures
        ),
        "",
        f"the server used {result.server_busy:.0%} of its core",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
