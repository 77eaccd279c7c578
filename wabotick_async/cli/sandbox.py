"""`wabotick sandbox`: the emulated platform, to try things on."""

from __future__ import annotations

import asyncio
import shlex
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ..sandbox import Dialect, Faults, Quotas, Sandbox
from .exits import CommandError, ExitCode
from .loop import catch_signals, run_async
from .terminal import out, say

__all__ = ["FaultLevel", "sandbox"]


class FaultLevel(StrEnum):
    """How much goes wrong."""

    NONE = "none"
    LIGHT = "light"


_LIGHT = Faults(
    only_sends=True,
    latency=(0.0, 0.02),
    reset_before=0.005,
    reset_after=0.005,
    hang=0.003,
    cut=0.005,
    too_many_requests=0.002,
    server_error=0.005,
    html=0.003,
)


def sandbox(
    *,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0 takes a free one.")] = 0,
    dialect: Annotated[Dialect, typer.Option(help="How answers are shaped.")] = Dialect.VENDOR,
    rate_limit: Annotated[int | None, typer.Option(min=1, help="Requests a second before 429.")] = None,
    number_limit: Annotated[int | None, typer.Option(min=1, help="Messages a second of one sending number.")] = None,
    pair_seconds: Annotated[
        float | None, typer.Option(min=0.001, help="Seconds for each message to the same recipient.")
    ] = None,
    pair_burst: Annotated[int, typer.Option(min=1, help="Messages to one recipient ahead of --pair-seconds.")] = 45,
    daily_limit: Annotated[int | None, typer.Option(min=1, help="Recipients of a sending number in 24 hours.")] = None,
    ledger: Annotated[Path | None, typer.Option(metavar="PATH", help="Write accepted sends to this file.")] = None,
    faults: Annotated[FaultLevel, typer.Option(help="Random faults.")] = FaultLevel.NONE,
    open_window: Annotated[
        bool, typer.Option("--open-window", help="Hold the 24-hour window open for everybody.")
    ] = False,
) -> int:
    """Emulate the platform on this machine until Ctrl-C; prints the settings that the other commands need."""
    emulated = Sandbox(
        dialect=dialect,
        faults=_LIGHT if faults is FaultLevel.LIGHT else None,
        quotas=Quotas(
            account=rate_limit, number=number_limit, pair=pair_seconds, pair_burst=pair_burst, daily=daily_limit
        ),
        ledger_path=ledger,
        auto_window=open_window,
    )
    run_async(_serve(emulated, port))
    return ExitCode.DONE


async def _serve(emulated: Sandbox, port: int) -> None:
    ended = asyncio.Event()
    try:
        await emulated.start(port=port)
    except OSError as error:
        await emulated.close()
        raise CommandError(f"--port {port}: {error.strerror}") from None
    with catch_signals(ended.set, ended.set):
        out(f"export WABOTICK_BASE_URL={shlex.quote(emulated.base_url)}")
        out(f"export WABOTICK_API_TOKEN={shlex.quote(emulated.token)}")
        out(f"export WABOTICK_PHONE_NUMBER_ID={shlex.quote(emulated.phone_number_id)}")
        say(f"template {emulated.template_id} is approved; Ctrl-C ends the sandbox")
        await ended.wait()
    await emulated.close()
    say(f"{len(emulated.ledger):,} messages were accepted")
