"""`wabotick broadcast`: one message to each row of a CSV file."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from ..client import WabotickClient
from ..config import Limits
from ..errors import AuthenticationError
from ..outcomes import BulkReport
from .campaign import PlannedJournal, conclude, resume_command, send_campaign
from .connection import BaseURL, PhoneNumberId, TokenFile, TotalTimeout, connect
from .content import Choice, choose_content
from .continuation import StartRate
from .exits import CommandError, ExitCode
from .loop import run_async
from .plan import MediaContent, Plan, TemplateContent
from .recipients import RecipientFile
from .survey import survey
from .template_check import check_template
from .terminal import out, say

__all__ = ["broadcast"]


def broadcast(
    source: Annotated[Path, typer.Argument(metavar="CSV", help="Recipients; UTF-8, row 1 names the columns.")],
    *,
    template: Annotated[str | None, typer.Option(metavar="ID", help="Short id of an approved template.")] = None,
    var: Annotated[
        list[str] | None, typer.Option(metavar="NAME=COLUMN", help="A variable of the template; once for each.")
    ] = None,
    header_media_url: Annotated[str | None, typer.Option(metavar="URL", help="Media header of the template.")] = None,
    header_media_column: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Column with links for the media header.")
    ] = None,
    media: Annotated[
        str | None, typer.Option(metavar="PATH|URL|COLUMN", help="A file (uploaded once), a link, a column of links.")
    ] = None,
    media_type: Annotated[str | None, typer.Option(help="image, video, audio or document.")] = None,
    caption: Annotated[str | None, typer.Option(help="Caption of the media.")] = None,
    caption_column: Annotated[str | None, typer.Option(metavar="COLUMN", help="Column with captions.")] = None,
    text: Annotated[str | None, typer.Option(help="Text with {column} places, within the 24-hour window.")] = None,
    phone_column: Annotated[str, typer.Option(metavar="COLUMN", help="Column with phone numbers.")] = "phone",
    delimiter: Annotated[str, typer.Option(help="What separates cells.")] = ",",
    journal: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Default: beside the CSV, with .wabotick-journal added.")
    ] = None,
    campaign: Annotated[str, typer.Option(metavar="NAME", help="A name for the journal.")] = "",
    rate: Annotated[float, typer.Option(min=0.001, help="Requests a second.")] = Limits().rate,
    start_rate: StartRate = None,
    concurrency: Annotated[int, typer.Option(min=1, help="Requests in flight.")] = Limits().concurrency,
    max_unknown: Annotated[int, typer.Option(min=0, help="Stop after more unknown outcomes.")] = 100,
    timeout: TotalTimeout = 30.0,
    check: Annotated[bool, typer.Option(help="Compare with the account's templates first.")] = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything and send nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask at a terminal.")] = False,
    base_url: BaseURL = None,
    phone_number_id: PhoneNumberId = None,
    token_file: TokenFile = None,
) -> int:
    """Send one message to each row of a CSV file, each phone number once.

    The whole file is checked before anything is sent. The journal beside it knows what became of each row, so a
    campaign that stopped, or died, goes on with `wabotick resume`.
    """
    file = RecipientFile(source, delimiter=delimiter)
    content = choose_content(
        Choice(
            template=template,
            var=var or (),
            header_media_url=header_media_url,
            header_media_column=header_media_column,
            media=media,
            media_type=media_type,
            caption=caption,
            caption_column=caption_column,
            text=text,
        ),
        file.columns,
    )
    client = connect(
        base_url,
        phone_number_id,
        token_file,
        limits=Limits(rate=rate, start_rate=start_rate, concurrency=concurrency),
        timeout=timeout,
    )
    if client.phone_number_id is None:
        raise CommandError("no sending number: set WABOTICK_PHONE_NUMBER_ID or --phone-number-id")
    plan = survey(
        file,
        Plan(
            source=str(source.absolute()),
            delimiter=delimiter,
            phone_column=phone_column,
            content=content,
            campaign=campaign,
            base_url=client.base_url,
            phone_number_id=client.phone_number_id,
            rate=rate,
            start_rate=start_rate,
            concurrency=concurrency,
            max_unknown=max_unknown,
            timeout=timeout,
        ),
    )
    path = _new_journal(journal or source.with_name(source.name + ".wabotick-journal"))
    say(f"{file.name}: {plan.rows:,} rows are fine")
    if not (dry_run or yes) and sys.stdin.isatty() and not typer.confirm("Send now?", err=True):
        raise CommandError("nothing was sent")
    report = run_async(_broadcast(client, plan, file, path, check=check, dry_run=dry_run))
    if report is None:
        out("dry run: nothing was sent; repeats of a phone number are found while sending")
        return ExitCode.DONE
    return conclude(report, plan.rows, path, client.limiter)


def _new_journal(path: Path) -> Path:
    if os.path.lexists(path):
        raise CommandError(f"the journal {path} exists already; go on with: {resume_command(path)}")
    if not path.parent.is_dir():
        raise CommandError(f"--journal: expected a directory that exists, got {shlex.quote(str(path.parent))}")
    return path


async def _broadcast(
    client: WabotickClient, plan: Plan, file: RecipientFile, journal: Path, *, check: bool, dry_run: bool
) -> BulkReport | None:
    async with client:
        try:
            plan = await _prepare(client, plan, check=check, dry_run=dry_run)
        except AuthenticationError as error:
            raise CommandError(f"{error}; nothing was sent") from None
        if dry_run:
            return None
        return await send_campaign(client, plan, PlannedJournal(journal, plan), plan.messages(file), total=plan.rows)


async def _prepare(client: WabotickClient, plan: Plan, *, check: bool, dry_run: bool) -> Plan:
    content = plan.content
    if check and isinstance(content, TemplateContent):
        content = await check_template(client, content)
    if isinstance(content, MediaContent) and content.path is not None and not dry_run:
        upload = await client.messages.upload_media(file=content.path)
        content = msgspec.structs.replace(content, media_id=upload.media_id)
    return msgspec.structs.replace(plan, content=content)
