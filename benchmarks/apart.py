"""Work in a process of its own: nothing that ran before is in its memory, and its event loop is its own."""

from __future__ import annotations

import asyncio
import multiprocessing
import sys
from collections.abc import Callable, Coroutine
from concurrent.futures import ProcessPoolExecutor
from typing import Any, Literal, ParamSpec, TypeVar

from benchmarks.machine import uvloop

__all__ = ["Loop", "apart", "loops", "on_loop", "say"]

Loop = Literal["default loop", "uvloop"]

P = ParamSpec("P")
T = TypeVar("T")


def apart(work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Run a function of a module in a new process, and return what it returns; it raises what the function raises."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *arguments, **named).result()


def loops() -> list[Loop]:
    """Return the loops that there are."""
    return ["default loop"] if uvloop() is None else ["default loop", "uvloop"]


def on_loop(loop: Loop, work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on a new loop of this kind."""
    module = uvloop() if loop == "uvloop" else None
    with asyncio.Runner(loop_factory=None if module is None else module.new_event_loop) as runner:
        return runner.run(work)


def say(text: str) -> None:
    """Tell who waits how far it is."""
    print(text, file=sys.stderr, flush=True)
