"""The made-up recipients of the demo."""

from __future__ import annotations

import csv
import random
from pathlib import Path
from typing import Final

__all__ = ["picture", "write_recipients"]

_NAMES: Final = ("Asha", "محمد", "Zoë 🎉", "नमिता", "李雷", "O'Neil, Pat", 'Ann "Ace" Bell', "Łukasz", "ليلى 🌙")
_FORMS: Final = (
    "{0}{1}{2}",
    "+{0} {1} {2}",
    "+{0}-{1}-{2}",
    "00{0} {1}{2}",
    "+{0} ({1}) {2}",
    "{0}{1}{2}.0",
)
_REFUSED: Final = "990002"
"""The sandbox refuses numbers with this ending."""


def write_recipients(path: Path, messages: int, dice: random.Random) -> int:
    """Write a CSV file with so many different numbers and some repeats among them; return its rows."""
    refused = min(3, messages // 100)
    numbers = [("91", f"{80000 + place % 100:05}", f"{place:06}"[-6:]) for place in range(1, messages - refused + 1)]
    numbers += [("91", f"{90000 + place:05}", _REFUSED) for place in range(refused)]
    dice.shuffle(numbers)
    repeats = max(1, messages // 200)
    rows = numbers + dice.sample(numbers, min(repeats, len(numbers)))
    with path.open("w", encoding="utf-8", newline="") as file:
        sheet = csv.writer(file)
        sheet.writerow(["phone", "first name", "order"])
        for place, number in enumerate(rows):
            sheet.writerow([dice.choice(_FORMS).format(*number), dice.choice(_NAMES), f"A-{place:05}"])
    return len(rows)


def picture() -> bytes:
    """Return a picture of one pixel."""
    return bytes.fromhex(
        "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6364f8cf"
        "500f0003860180"
        "5a347d6b0000000049454e44ae426082"
    )
