"""What the journal costs a message: `python -m benchmarks.journal [OTHER_TREE]`.

64 coroutines claim a row, give way a few times or for some milliseconds as a send would, and finish it; rows come in
batches of 16. With the directory of another version of the package both take turns, each round in a process of its own,
and the last column is the CPU time of the other divided by ours. What the coroutines cost by themselves is in all
figures.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import deque
from itertools import count
from pathlib import Path
from statistics import median

from wabotick_async.bulk.journal import Finish, Journal, MemoryJournal, NewRow, SQLiteJournal
from wabotick_async.outcomes import Outcome

from .machine import uvloop

MESSAGES, IN_FLIGHT, BATCH, ROUNDS = 8_192, 64, 16, 5
PAUSES, SECONDS = (0.0, 0.005, 0.064), 2
PAYLOAD = b'{"phone_number":"919000000000","template_id":"42","variables":["Asha","12 May","10:30","Pune"]}'
_HERE = Path(__file__).parents[1]
# The package comes from the tree, this file always from here: a tree may hold another version of it.
_CHILD = f"""
import runpy, sys, wabotick_async
sys.path.insert(0, {str(_HERE)!r})
runpy.run_module("benchmarks.journal", run_name="__main__")
"""


async def campaign(journal: Journal, first: int, messages: int, pause: float) -> None:
    """Put messages through the journal; each is under way for about `pause` seconds, or for three turns of the loop."""
    chance = random.Random(first)
    waiting, room, ready = deque[int](), asyncio.Semaphore(IN_FLIGHT + 2 * BATCH), asyncio.Semaphore(0)

    async def feed() -> None:
        for start in range(first, first + messages, BATCH):
            numbers = range(start, start + BATCH)
            for _ in numbers:
                await room.acquire()
            keys = (os.urandom(8) + number.to_bytes(8, "big") for number in numbers)
            rows = [NewRow(key, "919000000000", "send_template", PAYLOAD) for key in keys]
            for stored in await journal.add(rows):
                waiting.append(stored.seq)
                ready.release()

    async def work(share: int) -> None:
        for _ in range(share):
            await ready.acquire()
            seq = waiting.popleft()
            assert await journal.claim(seq)
            if pause:
                await asyncio.sleep(pause * chance.uniform(0.5, 1.5))
            else:
                for _ in range(3):
                    await asyncio.sleep(0)
            finish = Finish(seq, Outcome.ACCEPTED, http=200, message_id=f"wamid.HBgMOTE5MDAwMDAw{seq}")
            await journal.finish(finish)
            room.release()

    await asyncio.gather(feed(), *(work(messages // IN_FLIGHT) for _ in range(IN_FLIGHT)))


async def measure(journal: Journal, pause: float) -> list[float]:
    """Return CPU microseconds a message, of all threads, and messages a second."""
    messages = min(MESSAGES, IN_FLIGHT * int(SECONDS / pause)) if pause else MESSAGES
    await journal.open({})
    await campaign(journal, 0, messages // 4 // IN_FLIGHT * IN_FLIGHT, pause)
    cpu, wall = time.process_time(), time.perf_counter()
    await campaign(journal, MESSAGES, messages, pause)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    await journal.close()
    return [cpu / messages * 1e6, messages / wall]


def child(kind: str, loop: str, pause: float) -> None:
    """Print the figures of one round."""
    fast = uvloop() if loop == "uvloop" else None
    factory = None if fast is None else fast.new_event_loop
    with tempfile.TemporaryDirectory() as directory, asyncio.Runner(loop_factory=factory) as runner:
        path = Path(directory) / "journal.db"
        journal: Journal = MemoryJournal() if kind == "memory" else SQLiteJournal(path)
        print(json.dumps(runner.run(measure(journal, pause))))


def main(trees: list[str]) -> None:
    """Let the trees take turns, and print a table."""
    cases = [(kind, loop) for kind in ("file", "memory") for loop in ("asyncio", "uvloop")]
    print(f"{'case':<24}" + "".join(f"{tree[-28:]:>32}" for tree in trees) + f"{'ratio':>8}")
    for kind, loop in cases:
        for pause in PAUSES:
            found: dict[str, list[list[float]]] = {tree: [] for tree in trees}
            for _, tree in zip(range(ROUNDS * len(trees)), (tree for _ in count() for tree in trees), strict=False):
                command = [sys.executable, "-P", "-c", _CHILD, kind, loop, str(pause)]
                environment = {**os.environ, "PYTHONPATH": tree}
                answer = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
                found[tree].append(json.loads(answer.stdout))
            figures = {tree: [median(column) for column in zip(*rounds, strict=True)] for tree, rounds in found.items()}
            cells = "".join(f"{cpu:20.1f} us{speed:7.0f}/s" for cpu, speed in figures.values())
            ratio = figures[trees[-1]][0] / figures[trees[0]][0]
            print(f"{f'{kind} {loop} {pause * 1e3:g} ms':<24}{cells}{ratio:8.2f}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) == 4:
        child(sys.argv[1], sys.argv[2], float(sys.argv[3]))
    else:
        main([str(_HERE), *sys.argv[1:]])
