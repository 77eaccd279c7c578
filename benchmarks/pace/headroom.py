"""What the server sees more than the limiter granted, and the headroom that would make up for it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable

import msgspec

from benchmarks.pace.figures import too_full, worst
from benchmarks.pace.limiters import noting
from benchmarks.pace.traffic import traffic


class Wire(msgspec.Struct, frozen=True, kw_only=True):
    """A way to the server."""

    name: str
    keep_alive: bool = True
    jitter: float = 0.0
    """Seconds: each request spends between none and so many on the way, besides the real ones."""


WIRES = (
    Wire(name="connections kept"),
    Wire(name="a connection for each request", keep_alive=False),
    Wire(name="connections kept, jitter of 50 ms", jitter=0.05),
)


class Excess(msgspec.Struct, frozen=True, kw_only=True):
    """Several runs of our limiter at one rate over one wire."""

    wire: str
    rate: int
    burst: int
    headroom: float
    """Share of the rate that the limiter left unused."""
    over_grant: list[int] = msgspec.field(default_factory=list)
    """Worst second at the server, less the worst at the grant; one a run."""
    over_limit: list[int] = msgspec.field(default_factory=list)
    """Worst second at the server, less rate and burst; likewise."""
    too_full: list[float] = msgspec.field(default_factory=list)
    """Share of the seconds in which the server saw more than rate and burst; likewise."""
    stalls: list[float] = msgspec.field(default_factory=list)
    """Seconds that client or server stood still at most; likewise."""

    @property
    def too_fast(self) -> float:
        """Return the share of the rate by which the worst run was too fast."""
        return max(0, *self.over_limit) / self.rate


async def excesses(
    base_url: str,
    rates: Iterable[int],
    headrooms: Iterable[float],
    *,
    runs: int,
    seconds: float,
    burst: int,
    dice: random.Random,
) -> list[Excess]:
    """Send over all wires with each headroom, taking turns in random order; the rates side by side.

    Args:
        runs: how often each; limiter and connections are new in each.
        seconds: length of a run.
        burst: of the limiter.
        dice: draws the order and the jitter.
    """
    found = [
        [Excess(wire=wire.name, rate=rate, burst=burst, headroom=headroom) for rate in rates]
        for wire in WIRES
        for headroom in headrooms
    ]
    for _ in range(runs):
        order = list(found)
        dice.shuffle(order)
        for side_by_side in order:
            await asyncio.gather(*(_run(one, base_url, seconds, dice) for one in side_by_side))
    return [one for side_by_side in zip(*found, strict=True) for one in side_by_side]


async def _run(excess: Excess, base_url: str, seconds: float, dice: random.Random) -> None:
    (wire,) = (wire for wire in WIRES if wire.name == excess.wire)
    sent = await traffic(
        noting(excess.rate * (1.0 - excess.headroom), excess.burst),
        base_url,
        seconds=seconds,
        waiting=excess.rate,
        keep_alive=wire.keep_alive,
        delay=(lambda: dice.uniform(0.0, wire.jitter)) if wire.jitter else None,
    )
    server = worst(sent.arrived)
    excess.over_grant.append(server - worst(sent.granted))
    excess.over_limit.append(server - excess.rate - excess.burst)
    excess.too_full.append(too_full(sent.arrived, excess.rate + excess.burst))
    excess.stalls.append(sent.stall)
