"""Look through a whole file before anything is sent."""

from __future__ import annotations

from typing import Final

import msgspec

from ..redaction import mask_phone_number
from .exits import FileError
from .plan import Plan
from .recipients import RecipientFile, RowError

__all__ = ["survey"]

_MOST_SHOWN: Final = 20


def survey(file: RecipientFile, plan: Plan) -> Plan:
    """Check every row in one pass, holding one row at a time, and return the plan with rows and digest filled in.

    Raises:
        FileError: with one line a problem, 20 at most.
    """
    plan.check_columns(file)
    rows = wrong = 0
    lines: list[str] = []
    for row in file.rows():
        rows += 1
        try:
            plan.message(row)
        except RowError as error:
            wrong += 1
            if len(lines) < _MOST_SHOWN:
                lines.append(f"{file.name}: {mask_phone_number(str(error))}")
    if wrong > len(lines):
        lines.append(f"{file.name}: and {wrong - len(lines):,} more rows with problems")
    if lines:
        raise FileError(*lines)
    if rows == 0:
        raise file.problem("expected rows below the header, there are none")
    return msgspec.structs.replace(plan, rows=rows, digest=file.digest)
