"""Message ids of recent answers: each send has its own, so a repeat is somebody else's answer."""

from __future__ import annotations

import re
from collections import OrderedDict
from typing import Final

__all__ = ["RecentAnswers"]

_MESSAGE_ID: Final = re.compile(rb"wamid\.[\w+/=-]+")
_KEPT: Final = 4096


class RecentAnswers:
    """Remember the message ids of the last answers, a few thousand at most."""

    def __init__(self) -> None:
        self._ids: OrderedDict[bytes, None] = OrderedDict()

    def repeats(self, body: bytes) -> bool:
        """Tell whether an answer carries a message id that an earlier one had; remember those that it carries."""
        repeated = False
        for one in set(_MESSAGE_ID.findall(body)):
            # Asked one by one: a set's `isdisjoint` would walk through all that are kept.
            repeated = repeated or one in self._ids
            self._ids[one] = None
        while len(self._ids) > _KEPT:
            self._ids.popitem(last=False)
        return repeated
