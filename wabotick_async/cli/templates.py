"""`wabotick templates`: what can be sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table

from ..client import WabotickClient
from ..models import Rows, Template
from .answers import print_json
from .connection import AsJSON, BaseURL, PhoneNumberId, TokenFile, TotalTimeout, connect
from .exits import ExitCode
from .loop import run_async
from .terminal import plain, stdout

__all__ = ["templates"]


def templates(
    *,
    as_json: AsJSON = False,
    timeout: TotalTimeout = 30.0,
    base_url: BaseURL = None,
    phone_number_id: PhoneNumberId = None,
    token_file: TokenFile = None,
) -> int:
    """List the templates of the sending number, with the ids and variables that `broadcast` wants."""
    found = run_async(_list(connect(base_url, phone_number_id, token_file, timeout=timeout)))
    if as_json:
        print_json([_summary(one) for one in found])
    else:
        _print_table(found)
    return ExitCode.DONE


async def _list(client: WabotickClient) -> Rows[Template]:
    async with client:
        return await client.templates.list()


def _summary(template: Template) -> dict[str, Any]:  # Any: goes into JSON
    return {
        "id": template.id,
        "name": template.name,
        "status": template.status,
        "locale": template.locale,
        "category": template.category,
        "variables": template.body_variables,
        "header": template.header_subtype or None,
        "map_needed": template.map_needed,
        "body": template.body_content,
        "meta_template_id": template.meta_template_id,
    }


def _print_table(found: Sequence[Template]) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style=None)
    for title in ("id", "name", "status", "locale", "header", "variables"):
        table.add_column(title)
    for one in found:
        status = f"{one.status} (not mapped)" if one.map_needed else one.status
        cells = (one.id, one.name, status, one.locale, one.header_subtype, ", ".join(one.body_variables))
        table.add_row(*(plain(cell or "-") for cell in cells))
    stdout().print(table)
