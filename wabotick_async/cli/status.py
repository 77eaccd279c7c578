"""`wabotick status`: what a journal says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from ..bulk import SQLiteJournal
from ..bulk.journal import Inspection, RowDetail, State
from ..redaction import mask_phone_number
from .campaign import read_plan, resume_command
from .connection import AsJSON
from .exits import ExitCode
from .plan import Plan
from .row_files import RowRecord, write_rows
from .terminal import out, plain, plain_json, say

__all__ = ["status"]


class _Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about a campaign but its single rows."""

    journal: str
    campaign: str
    counts: dict[str, int]
    not_read: int
    """Rows of the file that the journal does not hold yet."""
    causes: dict[str, int]
    open_run: int | None
    wal_lost: bool
    resume: str | None
    """The command that goes on, or None when there is nothing left."""


def status(
    journal: Annotated[Path, typer.Argument(help="The journal of a campaign; it may be in use.")],
    *,
    unknown: Annotated[bool, typer.Option("--unknown", help="List the rows of unknown outcome.")] = False,
    refused: Annotated[bool, typer.Option("--refused", help="List the refused rows.")] = False,
    output: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Write the rows (all, or those chosen) to a new .csv or .jsonl file."),
    ] = None,
    as_json: AsJSON = False,
) -> int:
    """Show how a campaign stands. Phone numbers are shown whole in a file of --output only."""
    found = SQLiteJournal.inspect(journal)
    plan = read_plan(found.meta)
    standing = _standing(journal, found, plan)
    chosen = [state for state, wanted in ((State.REFUSED, refused), (State.UNKNOWN, unknown)) if wanted]
    if output is not None:
        written = write_rows(output, _records(journal, chosen or list(State), plan))
        say(f"{written:,} rows written to {output}")
    if as_json:
        _print_json(standing, {state: _records(journal, [state], plan) for state in chosen})
        return ExitCode.DONE
    _print(standing)
    for record in _records(journal, chosen, plan) if output is None else ():
        out(plain(_line(record)))
    return ExitCode.DONE


def _standing(journal: Path, found: Inspection, plan: Plan | None) -> _Standing:
    counts = found.counts
    not_read = max(0, plan.rows - counts.rows) if plan is not None else 0
    left = counts.queued or counts.in_flight or not_read
    return _Standing(
        journal=str(journal),
        campaign=found.fingerprint.get("campaign", ""),
        counts={**{name: getattr(counts, name) for name in counts.__struct_fields__}, "rows": counts.rows + not_read},
        not_read=not_read,
        causes=dict(found.causes),
        open_run=found.open_run,
        wal_lost=found.wal_lost,
        resume=resume_command(journal) if left else None,
    )


def _records(journal: Path, states: list[State], plan: Plan | None) -> Iterator[RowRecord]:
    # A journal of `broadcast` numbers the rows below the header; a person counts the header, too.
    header = 0 if plan is None else 1
    for state in states:
        for row in SQLiteJournal.read_rows(journal, state):
            yield _record(row, row.seq + header)


def _record(row: RowDetail, number: int) -> RowRecord:
    return RowRecord(
        row=number,
        phone_number=row.receiver,
        state=row.state.value,
        cause=row.code,
        http=row.http,
        message_id=row.message_id,
        note=row.note,
        attempts=row.attempts,
        time=row.done_at,
    )


def _masked(record: RowRecord) -> dict[str, Any]:  # Any: goes into JSON
    shown = msgspec.structs.asdict(record)
    for name in ("phone_number", "note"):
        shown[name] = None if shown[name] is None else mask_phone_number(shown[name])
    return shown


def _print_json(standing: _Standing, lists: dict[State, Iterator[RowRecord]]) -> None:
    content = msgspec.to_builtins(standing)
    content.update({state.value: [_masked(record) for record in records] for state, records in lists.items()})
    out(plain_json(content))


def _print(standing: _Standing) -> None:
    out(f"journal   {plain(standing.journal)}")
    if standing.campaign:
        out(f"campaign  {plain(standing.campaign)}")
    for name, number in {**standing.counts, "not_read": standing.not_read}.items():
        out(f"{name.replace('_', ' '):<9} {number:>9,}")
    if standing.causes:
        out("causes    " + ", ".join(f"{plain(cause)} {times:,}" for cause, times in standing.causes.items()))
    if standing.wal_lost:
        out("warning   the -wal file is gone, the counts are not to be trusted")
    elif standing.open_run is not None:
        out(f"run       {standing.open_run} is going on, or its process died")
    out(f"next      {plain(standing.resume) if standing.resume else 'nothing is left to send'}")


def _line(record: RowRecord) -> str:
    shown = _masked(record)
    parts = (shown["phone_number"], shown["state"], shown["cause"], shown["note"])
    return f"row {record.row}: " + ", ".join(part for part in parts if part)
