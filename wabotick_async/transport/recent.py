"""Message ids of recent answers: each send has its own, so a repeat is somebody else's answer."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["RecentAnswers"]

_MESSAGE_ID: Final = re.compile(rb"wamid\.[\w+/=-]+")
_KEPT: Final = 4096


class RecentAnswers:
    """Remember the message ids of the last answers: of the last 4096 that had one, and of up to as many before."""

    def __init__(self) -> None:
        self._ids: set[bytes] = set()
        self._former: set[bytes] = set()

    def repeats(self, body: bytes) -> bool:
        """Tell whether an answer carries a message id that an earlier one had; remember those that it carries."""
        found = _MESSAGE_ID.findall(body)
        repeated = False
        for one in found if len(found) < 2 else set(found):
            repeated = repeated or one in self._ids or one in self._former
            self._ids.add(one)
        if len(self._ids) >= _KEPT:
            self._ids, self._former = set(), self._ids
        return repeated
