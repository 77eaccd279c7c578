"""Faults: what can go wrong between a client and the platform, as values."""

import enum
import random

import msgspec


class FaultKind(enum.StrEnum):
    """Name a way to go wrong."""

    LATENCY = "latency"
    """Answer `seconds` later."""
    RESET_BEFORE = "reset_before"
    """Reset the connection before the body is read. Not accepted."""
    RESET_AFTER_READ = "reset_after_read"
    """Reset it after the whole request was read. Not accepted."""
    RESET_AFTER = "reset_after"
    """Reset it after acceptance: the ledger has it, the client gets a reset."""
    HANG_BEFORE = "hang_before"
    """Read the request, accept nothing, stay silent for `seconds`, then close."""
    HANG_AFTER = "hang_after"
    """Accept the request, stay silent for `seconds`, then close."""
    CUT = "cut"
    """Accept, send the first `after_bytes` bytes of the reply (status line included), then close."""
    TOO_MANY_REQUESTS = "too_many_requests"
    """429, with `retry_after` and the limit headers, or bare when `retry_after` is None."""
    HTML = "html"
    """An HTML page with the HTTP status `status`."""
    SERVER_ERROR = "server_error"
    """A JSON error with the HTTP status `status`."""
    EMPTY = "empty"
    """HTTP 200 without a body."""
    GARBAGE = "garbage"
    """Bytes that are no HTTP at all (`body`, when given)."""
    OVERSIZED = "oversized"
    """HTTP 200 with a body of `size` bytes."""
    STRAY = "stray"
    """The right reply, and a second one behind it on the idle connection."""
    REDIRECT = "redirect"
    """302 to `location`."""
    DUPLICATE = "duplicate"
    """The server accepts the one request twice."""


_USUALLY = frozenset({FaultKind.EMPTY, FaultKind.GARBAGE, FaultKind.OVERSIZED})
_NEVER = frozenset(
    {FaultKind.RESET_BEFORE, FaultKind.RESET_AFTER_READ, FaultKind.HANG_BEFORE, FaultKind.TOO_MANY_REQUESTS}
)
_ALWAYS = frozenset(
    {
        FaultKind.LATENCY,
        FaultKind.RESET_AFTER,
        FaultKind.HANG_AFTER,
        FaultKind.CUT,
        FaultKind.STRAY,
        FaultKind.DUPLICATE,
    }
)
_DEFAULT_STATUS = {FaultKind.HTML: 200, FaultKind.SERVER_ERROR: 500}


class Fault(msgspec.Struct, frozen=True):
    """Describe one fault of a script.

    `Sandbox.script` plays faults in order: the first one that fits a request is played and, after `times` requests,
    used up. A fault with `nth=3` lets two fitting requests pass.
    """

    kind: FaultKind
    endpoint: str | None = None
    """Endpoint name; None fits every request."""
    nth: int = 1
    """The fault hits the nth fitting request from when it is first in turn."""
    times: int = 1
    """How many fitting requests it hits."""
    seconds: float = 0.0
    """Length of a latency or a hang; a hang of 0 lasts until the client or the sandbox closes."""
    after_bytes: int = 0
    """Where a reply is cut, in bytes from the beginning of its status line."""
    status: int = 0
    """HTTP status of a page (default 200) or a server error (default 500)."""
    retry_after: str | None = None
    """`Retry-After` of a 429 or 503: seconds or an HTTP date, as text."""
    location: str = "/login"
    size: int = 64 * 1024 * 1024
    body: str | None = None
    """Replaces the body of a page, a server error or garbage (garbage: latin-1)."""
    accepted: bool | None = None
    """Whether the request is carried out behind a page, server error, redirect, empty, garbage or oversized reply.

    None is what the kind usually does: yes for empty, garbage and oversized, no for the others.
    """

    @property
    def reaches_platform(self) -> bool:
        """Tell whether the request is carried out."""
        if self.kind in _ALWAYS or self.kind in _NEVER:
            return self.kind in _ALWAYS
        return self.kind in _USUALLY if self.accepted is None else self.accepted

    @property
    def http_status(self) -> int:
        """Return the HTTP status of a page or a server error."""
        return self.status or _DEFAULT_STATUS.get(self.kind, 200)


class Faults(msgspec.Struct, frozen=True, kw_only=True):
    """Set probabilities (0 to 1 for each request, together at most 1) of random faults.

    The same seed and the same order of requests give the same faults.

    Raises:
        ValueError: when the probabilities are below 0 or together above 1.
    """

    seed: int = 0
    only_sends: bool = False
    """Leave reads and other writes clean."""
    latency: tuple[float, float] | None = None
    """Every request takes a time from this range, in seconds."""
    reset_before: float = 0.0
    reset_after_read: float = 0.0
    reset_after: float = 0.0
    hang: float = 0.0
    """Half of the hangs come before acceptance, half after."""
    hang_seconds: float = 30.0
    cut: float = 0.0
    too_many_requests: float = 0.0
    storm: int = 1
    """How many requests in a row a 429 hits."""
    retry_after: str | None = "1"
    html: float = 0.0
    """A page with 200; half of them hide an accepted request."""
    server_error: float = 0.0
    """500, 502 or 504; half of them hide an accepted request."""
    empty: float = 0.0
    garbage: float = 0.0
    oversized: float = 0.0
    stray: float = 0.0
    redirect: float = 0.0
    duplicate: float = 0.0

    def __post_init__(self) -> None:
        chances = [chance for _, chance in self.chances()]
        if any(chance < 0 for chance in chances) or sum(chances) > 1:
            raise ValueError("fault probabilities must be 0 or more and together at most 1")

    def chances(self) -> tuple[tuple[FaultKind, float], ...]:
        """Return the probability of each kind, in a fixed order."""
        return (
            (FaultKind.RESET_BEFORE, self.reset_before),
            (FaultKind.RESET_AFTER_READ, self.reset_after_read),
            (FaultKind.RESET_AFTER, self.reset_after),
            (FaultKind.HANG_BEFORE, self.hang / 2),
            (FaultKind.HANG_AFTER, self.hang / 2),
            (FaultKind.CUT, self.cut),
            (FaultKind.TOO_MANY_REQUESTS, self.too_many_requests),
            (FaultKind.HTML, self.html),
            (FaultKind.SERVER_ERROR, self.server_error),
            (FaultKind.EMPTY, self.empty),
            (FaultKind.GARBAGE, self.garbage),
            (FaultKind.OVERSIZED, self.oversized),
            (FaultKind.STRAY, self.stray),
            (FaultKind.REDIRECT, self.redirect),
            (FaultKind.DUPLICATE, self.duplicate),
        )

    def draw(self, dice: random.Random) -> tuple[Fault | None, float]:
        """Draw the fault of one request and its latency in seconds."""
        # A fixed number of throws for each request, so that changing one setting moves nothing else.
        kind_throw, latency_throw, detail_throw = dice.random(), dice.random(), dice.random()
        low, high = self.latency or (0.0, 0.0)
        return self._fault(kind_throw, detail_throw), low + (high - low) * latency_throw

    def _fault(self, throw: float, detail: float) -> Fault | None:
        for kind, chance in self.chances():
            if throw < chance:
                return self._detailed(kind, detail)
            throw -= chance
        return None

    def _detailed(self, kind: FaultKind, detail: float) -> Fault:
        accepted = None
        status = 0
        if kind in (FaultKind.HTML, FaultKind.SERVER_ERROR):
            statuses = (200,) if kind is FaultKind.HTML else (500, 502, 504)
            accepted = int(detail * 100) % 2 == 0
            status = statuses[int(detail * len(statuses))]
        return Fault(
            kind,
            seconds=self.hang_seconds,
            after_bytes=int(detail * 200),
            status=status,
            # A 503 with Retry-After would claim that nothing was accepted, so only the 429 carries it.
            retry_after=self.retry_after if kind is FaultKind.TOO_MANY_REQUESTS else None,
            accepted=accepted,
            times=self.storm if kind is FaultKind.TOO_MANY_REQUESTS else 1,
        )
