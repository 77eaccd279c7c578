"""`wabotick demo`: two campaigns on the embedded sandbox, with faults, checked against its ledger."""

from __future__ import annotations

import contextlib
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from ..bulk import SQLiteJournal
from ..bulk.journal import State
from ..client import WabotickClient
from ..config import Limits, Timeout
from ..outcomes import BulkReport
from ..redaction import mask_phone_number
from ..sandbox import Faults, Sandbox
from .audit import Audit, audit
from .campaign import PlannedJournal, send_campaign
from .demo_data import picture, write_recipients
from .exits import CommandError, ExitCode
from .loop import run_async
from .plan import MediaContent, Plan, TemplateContent, VariableSource
from .recipients import RecipientFile
from .report import print_report
from .survey import survey
from .terminal import out

__all__ = ["demo"]

_TIMEOUT = 1.5
"""Seconds that an attempt may take: short, because the sandbox hangs on purpose."""


def demo(
    *,
    messages: Annotated[int, typer.Option(min=1, max=500_000, help="Recipients of the template campaign.")] = 2000,
    media: Annotated[int, typer.Option(min=0, max=500_000, help="Recipients of the media campaign.")] = 200,
    rate: Annotated[float, typer.Option(min=0.1, help="Requests a second.")] = 500.0,
    seed: Annotated[int, typer.Option(help="For recipients and faults.")] = 7,
    keep: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep recipients, journals and ledger in this directory.")
    ] = None,
) -> int:
    """Send two campaigns to an embedded sandbox full of faults, and check the report against its ledger."""
    with _directory(keep) as directory:
        if keep is not None and any(directory.glob("*-journal")):
            raise CommandError(f"{directory} holds the journals of another demo; name an empty directory")
        return run_async(_Demo(directory, rate, seed).run(messages, media))


@contextlib.contextmanager
def _directory(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(mode=0o700, parents=True, exist_ok=True)
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="wabotick-demo-") as name:
        yield Path(name)


def _faults(seed: int) -> Faults:
    return Faults(
        seed=seed,
        only_sends=True,
        latency=(0.0, 0.01),
        reset_before=0.003,
        reset_after_read=0.002,
        reset_after=0.004,
        hang=0.004,
        hang_seconds=_TIMEOUT + 3,
        cut=0.003,
        too_many_requests=0.001,
        storm=2,
        retry_after="1",
        html=0.002,
        server_error=0.003,
        empty=0.001,
        garbage=0.001,
    )


class _Demo:
    def __init__(self, directory: Path, rate: float, seed: int) -> None:
        self._directory = directory
        self._rate = rate
        self._seed = seed
        self._dice = random.Random(seed)  # noqa: S311 - repeatable on purpose

    async def run(self, messages: int, media: int) -> int:
        """Run both campaigns and return the exit code."""
        began = time.monotonic()
        ledger_path = self._directory / "ledger.jsonl"
        async with Sandbox(faults=_faults(self._seed), ledger_path=ledger_path, seed=self._seed) as sandbox:
            out(f"sandbox on {sandbox.base_url}: resets, hangs, 429, 5xx, cut answers and web pages are on")
            async with WabotickClient(
                sandbox.token,
                base_url=sandbox.base_url,
                phone_number_id=sandbox.phone_number_id,
                limits=Limits(rate=self._rate, concurrency=64),
                timeout=Timeout(total=_TIMEOUT),
            ) as client:
                truthful = await self._template(client, sandbox, messages)
                if media and truthful is not None:
                    second = await self._media(client, sandbox, media)
                    truthful = None if second is None else truthful and second
        if truthful is None:
            return ExitCode.STOPPED
        out()
        verdict = "the report equals the ledger" if truthful else "THE REPORT DIFFERS FROM THE LEDGER"
        out(f"{verdict} ({time.monotonic() - began:.1f} s in total)")
        return ExitCode.DONE if truthful else ExitCode.FAILED

    async def _template(self, client: WabotickClient, sandbox: Sandbox, messages: int) -> bool | None:
        file = self._write("template.csv", messages)
        content = TemplateContent(
            template_id=sandbox.template_id,
            variables=(VariableSource("name", "first name", 1), VariableSource("order-code", "order", 2)),
        )
        return await self._campaign("template campaign", client, sandbox, file, content)

    async def _media(self, client: WabotickClient, sandbox: Sandbox, messages: int) -> bool | None:
        file = self._write("media.csv", messages)
        path = self._directory / "picture.png"
        path.write_bytes(picture())
        upload = await client.messages.upload_media(file=path)
        content = MediaContent(media_id=upload.media_id, media_type="image", caption_column="first name")
        plan = Plan(source=str(file.path), content=content)
        for phone_number in {plan.message(row).key for row in file.rows()}:
            sandbox.open_window(phone_number)
        return await self._campaign("media campaign", client, sandbox, file, content)

    def _write(self, name: str, messages: int) -> RecipientFile:
        path = self._directory / name
        write_recipients(path, messages, self._dice)
        return RecipientFile(path)

    async def _campaign(
        self,
        title: str,
        client: WabotickClient,
        sandbox: Sandbox,
        file: RecipientFile,
        content: TemplateContent | MediaContent,
    ) -> bool | None:
        plan = survey(
            file,
            Plan(
                source=str(file.path.absolute()),
                content=content,
                campaign=title,
                base_url=client.base_url,
                phone_number_id=client.phone_number_id or "",
                rate=self._rate,
                concurrency=64,
                max_unknown=500_000,
                timeout=_TIMEOUT,
            ),
        )
        journal = PlannedJournal(file.path.with_name(file.name + ".wabotick-journal"), plan)
        first_entry = len(sandbox.ledger)
        report = await send_campaign(client, plan, journal, plan.messages(file), total=plan.rows)
        out()
        out(f"== {title}: {plan.rows:,} rows ==")
        print_report(report, plan.rows)
        if report.stopped is not None:
            return None
        found = _compare(plan, file, journal.path, report, sandbox=sandbox, first_entry=first_entry)
        _print_audit(found)
        return found.truthful


def _compare(
    plan: Plan, file: RecipientFile, journal: Path, report: BulkReport, *, sandbox: Sandbox, first_entry: int
) -> Audit:
    entries = [entry for entry in sandbox.ledger.entries[first_entry:] if not entry.by_server]
    rows = [row for state in State for row in SQLiteJournal.read_rows(journal, state) if row.code != "duplicate"]
    return audit(
        (plan.message(row).key for row in file.rows()),
        rows,
        {entry.phone_number: entry.message_id for entry in entries},
        Counter(entry.phone_number for entry in entries),
        report=report,
        rows=plan.rows,
    )


def _print_audit(found: Audit) -> None:
    out(f"ledger    {found.in_ledger:>9,} messages")
    for one in found.unknown:
        truth = "the sandbox had accepted it" if one.accepted else "the sandbox had not accepted it"
        out(f"  unknown: row {one.row}, {mask_phone_number(one.receiver)}, {one.cause}: {truth}")
    for name, receivers in found.faults().items():
        out(f"{name:<17} {len(receivers):,}" + "".join(f" {mask_phone_number(one)}" for one in receivers[:10]))
    if found.miscounted is not None:
        out(f"miscounted        {found.miscounted}")
