"""The course of a run: what became of its messages, and whether there is a reason to stop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

from ..errors import Advice, APIError, NotDueError, WabotickError
from ..outcomes import Outcome
from ..transport import Scope
from .delivery import Delivered, Job
from .policy import CAMPAIGN, scopes_of, stops
from .settings import CampaignSettings

__all__ = ["Course"]

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
        self._heeded: Counter[Outcome] = Counter()
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

    def is_blocked(self, job: Job) -> bool:
        """Tell whether a scope of a message is stopped."""
        return bool(self._blocked) and any(scope in self._blocked for scope in scopes_of(job.request))

    def is_suppressed(self, job: Job) -> bool:
        """Tell whether the recipient of a message wants none."""
        return bool(self._suppressed) and getattr(job.request, "phone_number", None) in self._suppressed

    def heed(self, job: Job, delivered: Delivered) -> None:
        """Draw the conclusions from what became of a message, before another one leaves."""
        error = delivered.error
        self._heeded[delivered.outcome] += 1
        if error is not None and not isinstance(error, NotDueError):
            self._consider(error, job)
        if self._heeded[Outcome.UNKNOWN] > self._settings.max_unknown:
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
        if error.advice is Advice.REJECT_ROW and not self._heeded[Outcome.ACCEPTED]:
            self._rejected_first += 1
            if self._rejected_first >= _ALL_REJECTED:
                self.abort(f"the first {_ALL_REJECTED} messages were all rejected: {error}", error)
