"""The course of a run: what became of its messages, and whether there is a reason to stop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Final

from ..endpoints import Request
from ..errors import Advice, APIError, NotDueError, WabotickError
from ..outcomes import Outcome
from ..transport import Scope
from .delivery import Delivered, Job
from .policy import CAMPAIGN, scopes_of, stops
from .settings import CampaignSettings

__all__ = ["SUPPRESS", "Course"]

SUPPRESS: Final = Advice.SUPPRESS_RECIPIENT.value
"""Code of those who want no messages."""
_ACCEPTED: Final = Outcome.ACCEPTED
_ALL_REJECTED: Final = 20
"""First messages of a run that may all be rejected for their parameters before the run takes the hint."""


class Course:
    """Counts what became of the messages of a run, and knows when it has to stop, as a whole or in a scope.

    Args:
        settings: of the run.
        halt: called once, when the run is to stop.
    """

    def __init__(self, settings: CampaignSettings, halt: Callable[[], None]) -> None:
        self._settings = settings
        self._halt = halt
        self._last_outcome = settings.monotonic()
        self._rejected_first = 0
        self._blocked: dict[Scope, str] = {}
        self._suppressed: set[str] = set()
        self._any_accepted = False
        self._unknown = 0
        self.counts: Counter[Outcome] = Counter()
        """What became of messages, as the journal has it."""
        self.stopped: str | None = None
        """Why the run ends before the last message, or None."""
        self.aborted = False
        """Whether the campaign stopped itself, or a part of it."""
        self.failure: BaseException | None = None
        """The error that made it stop, where one did."""

    def stop(self, reason: str) -> None:
        """Let nothing leave any more. The first reason counts."""
        if self.stopped is None:
            self.stopped = reason
            self._halt()

    def abort(self, reason: str, failure: BaseException | None = None) -> None:
        """Stop because something is wrong."""
        if self.stopped is None:
            self.aborted, self.failure = True, failure
            self.stop(reason)

    def fail(self, error: BaseException) -> None:
        """Stop because of an error that is nobody's answer."""
        said = str(error) if isinstance(error, WabotickError) else f"stopped by {type(error).__name__}: {error}"
        self.abort(said, error)

    def end(self, left: str | None) -> None:
        """Note that there is nothing left to do, and why, where something stays behind."""
        if self.stopped is None:
            blocked = "; ".join(f"{scope} is stopped: {why}" for scope, why in self._blocked.items())
            self.stopped = blocked or left

    def suppress(self, receivers: Iterable[str]) -> None:
        """Note who wants no messages."""
        self._suppressed.update(receivers)

    def is_blocked(self, request: Request[Any]) -> bool:
        """Tell whether a scope of a message is stopped."""
        return bool(self._blocked) and any(scope in self._blocked for scope in scopes_of(request))

    def is_suppressed(self, request: Request[Any]) -> bool:
        """Tell whether the recipient of a message wants none."""
        return bool(self._suppressed) and getattr(request, "phone_number", None) in self._suppressed

    def lets(self, request: Request[Any]) -> bool:
        """Tell whether a message may be sent."""
        return not (self.is_blocked(request) or self.is_suppressed(request))

    @property
    def lets_all(self) -> bool:
        """Tell whether any message may be sent."""
        return not (self._blocked or self._suppressed)

    def heed(self, job: Job, delivered: Delivered) -> None:
        """Draw the conclusions from what became of a message, before another one leaves."""
        if delivered.outcome is _ACCEPTED:
            self._any_accepted = True
            return
        error = delivered.error
        if error is not None and not isinstance(error, NotDueError):
            self._consider(error, job)
        self._unknown += delivered.outcome is Outcome.UNKNOWN
        if self._unknown > self._settings.max_unknown:
            self.abort(f"more than {self._settings.max_unknown} messages have an unknown outcome", error)
        if delivered.failure is not None:
            self.fail(delivered.failure)

    def count(self, delivered: Delivered) -> None:
        """Count what became of a message; the journal has it."""
        if delivered.outcome is Outcome.NOT_SENT:
            return
        self._last_outcome = self._settings.monotonic()
        self.counts[delivered.outcome] += 1

    def _consider(self, error: WabotickError, job: Job) -> None:
        scope = stops(error, job.request)
        if scope == CAMPAIGN:
            self.abort(f"every further message would fail, too: {error}", error)
        elif scope is not None and scope not in self._blocked:
            self._blocked[scope] = str(error)
            self.aborted, self.failure = True, error
        if isinstance(error, APIError):
            self._learn_from(error, job)
        silence = self._settings.monotonic() - self._last_outcome
        if error.outcome is not Outcome.UNKNOWN and silence > self._settings.patience:
            self.abort(f"no message got an outcome for {silence:.0f} s: {error}", error)

    def _learn_from(self, error: APIError, job: Job) -> None:
        if error.advice is Advice.SUPPRESS_RECIPIENT:
            self._suppressed.add(str(getattr(job.request, "phone_number", "")))
        if error.advice is Advice.REJECT_ROW and not self._any_accepted:
            self._rejected_first += 1
            if self._rejected_first >= _ALL_REJECTED:
                self.abort(f"the first {_ALL_REJECTED} messages were all rejected: {error}", error)
