"""`python -m benchmarks.soak`: kill a campaign again and again, and let the server's ledger say what became of it."""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.machine import description
from benchmarks.soak_import import ImportResult, import_under_kills
from benchmarks.soak_run import Soak, SoakError, SoakResult, SoakSettings
from benchmarks.soak_slow import MOST_GROWTH, SlowResult, slow_campaign
from benchmarks.soak_slow_child import Mark

_MOST = 900_000  # further numbers would meet the recipients to whom the sandbox does something special
_SLOW_IN_FLIGHT = 128


def main(arguments: list[str] | None = None) -> int:
    """Run the soak and return the exit code: 0 only where nothing is lost, doubled or misstated."""
    options = _options().parse_args(arguments)
    options.directory.mkdir(parents=True, exist_ok=True)
    # Not in the temporary directory: that may be in memory, where nothing is ever flushed.
    directory = Path(tempfile.mkdtemp(dir=options.directory, prefix="soak-"))
    try:
        truthful = asyncio.run(_bounded(directory, options))
    except SoakError as error:
        print(f"stopped: {error}", file=sys.stderr)
        truthful = False
    except KeyboardInterrupt:
        print("stopped by hand", file=sys.stderr)
        truthful = False
    except TimeoutError:
        print(f"stopped: not done after {options.limit:.0f} s", file=sys.stderr)
        truthful = False
    if truthful:
        shutil.rmtree(directory)
    else:
        print(f"journal and ledger are kept in {directory}", file=sys.stderr)
    return 0 if truthful else 1


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--messages", type=_up_to(_MOST), default=100_000, help="messages to send (%(default)s)")
    parser.add_argument("--kills", type=_up_to(10_000), default=200, help="processes to kill (%(default)s)")
    parser.add_argument("--in-flight", type=_up_to(1000), default=64, help="sends in flight (%(default)s)")
    parser.add_argument("--part", type=_up_to(_MOST), default=10_000, help="messages a process feeds (%(default)s)")
    parser.add_argument(
        "--rows", type=int, default=1_000_000, help="of import and long campaign; 0: neither (%(default)s)"
    )
    parser.add_argument("--import-kills", type=_up_to(100), default=3, help="kills during it (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of kills and faults (%(default)s)")
    parser.add_argument("--limit", type=float, default=3600.0, help="stop after so many seconds (%(default)s)")
    parser.add_argument("--directory", type=Path, default=Path("build"), help="where to work (%(default)s)")
    return parser


def _up_to(most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not (text.isdecimal() and 1 <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"expected 1 to {most}, got {text}")
        return int(text)

    return number


async def _bounded(directory: Path, options: argparse.Namespace) -> bool:
    settings = SoakSettings(
        messages=options.messages,
        kills=options.kills,
        in_flight=options.in_flight,
        seed=options.seed,
        part=options.part,
    )
    print("\n".join(f"{name:16}{value}" for name, value in description().items()), flush=True)
    async with asyncio.timeout(options.limit):
        campaign = await Soak(directory, settings, lambda line: print(line, flush=True)).run()
        print(f"\n{campaign_text(campaign, settings)}", flush=True)
        if options.rows == 0:
            return campaign.truthful and campaign.kills == settings.kills
        dice = random.Random(settings.seed)
        imported = await import_under_kills(directory / "import.journal", options.rows, options.import_kills, dice)
        print(f"\n{import_text(imported)}\n", flush=True)
        slow = await slow_campaign(directory / "slow.journal", options.rows, _SLOW_IN_FLIGHT, _say_mark)
        print(f"\n{slow_text(slow)}", flush=True)
    return campaign.truthful and campaign.kills == settings.kills and imported.truthful and slow.good


def campaign_text(result: SoakResult, settings: SoakSettings) -> str:
    """Return what the soak found, for people."""
    found = result.verdict
    lines = {
        "messages": f"{found.messages:,}, {settings.in_flight} in flight, seed {settings.seed}",
        "kill -9": f"{result.kills} of {settings.kills} "
        f"({result.kills_before_a_delivery} of them before the process had a delivery)",
        "faults": f"{sum(result.faults.values()):,}: {', '.join(f'{k} {n}' for k, n in result.faults.items())}",
        "lost": found.lost,
        "duplicated": found.duplicated,
        "falsely accepted": found.falsely_accepted,
        "falsely refused": found.falsely_refused,
        "strangers": found.strangers,
        "unknown": f"{found.unknown:,} ({found.unknown_delivered:,} of them delivered); "
        f"at most {result.bound:,}: in flight x kills + faults",
        "accepted": f"{found.accepted:,}, refused {found.refused:,}, in the ledger {found.delivered:,}",
        "sent again": f"{result.sent_again} when the whole source was fed once more",
        "integrity_check": found.integrity,
        "time": f"{result.seconds:.0f} s",
        "verdict": _verdict(result, settings),
    }
    return "\n".join(f"{name:18}{value}" for name, value in lines.items())


def _verdict(result: SoakResult, settings: SoakSettings) -> str:
    if not result.truthful:
        return "NOT TRUTHFUL"
    return "truthful" if result.kills == settings.kills else "truthful, but the messages ended before the kills"


def import_text(result: ImportResult) -> str:
    """Return what the import found, for people."""
    stored = ", ".join(f"{rows:,}" for rows in result.stored_before)
    lines = {
        "rows imported": f"{result.rows:,}",
        "import killed": f"{result.kills} times, after which {stored} rows were stored",
        "found again": f"{result.found_again:,}, added by the last process {result.added:,}",
        "in the journal": f"{result.in_journal:,} rows of {result.different:,} recipients",
        "integrity_check": result.integrity,
        "time": f"{result.seconds:.0f} s",
        "verdict": "truthful" if result.truthful else "NOT TRUTHFUL",
    }
    return "\n".join(f"{name:18}{value}" for name, value in lines.items())


def _say_mark(mark: Mark) -> None:
    print(
        f"{mark.rows:,} rows read: {mark.resident / 1024:.1f} MiB in memory, {mark.largest / 1024:.1f} MiB at most, "
        f"{mark.ahead} rows ahead, {mark.seconds:.0f} s",
        flush=True,
    )


def slow_text(result: SlowResult) -> str:
    """Return what the long campaign found, for people."""
    lines = {
        "slow server": f"{result.rows:,} rows, {result.in_flight} in flight",
        "memory grew": f"{result.growth / 1024:.1f} MiB after the first tenth; at most {MOST_GROWTH >> 10}",
        "read ahead": f"{result.marks[-1].ahead} rows; at most {2 * result.in_flight}",
        "in its ledger": f"{result.once:,} once, {result.doubled} more than once, {result.strangers} strangers",
        "in its journal": f"{result.accepted:,} accepted as the ledger has them, {result.misstated} otherwise",
        "integrity_check": result.integrity,
        "time": f"{result.seconds:.0f} s",
        "verdict": "truthful and bounded" if result.good else "NOT TRUTHFUL OR NOT BOUNDED",
    }
    return "\n".join(f"{name:18}{value}" for name, value in lines.items())


if __name__ == "__main__":
    sys.exit(main())
