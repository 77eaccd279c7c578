"""What may be said of the error behind a failed request: nothing that quotes a secret."""

from __future__ import annotations

from ..redaction import redact

__all__ = ["harmless", "named"]


def harmless(error: BaseException) -> BaseException | None:
    """Return an error as a cause, unless it or what led to it quotes a secret: a server may echo the request."""
    links: BaseException | None = error
    while links is not None:
        said = f"{links} {links.args!r}"
        if redact(said) != said:
            return None
        links = links.__cause__ or links.__context__
    return error


def named(error: BaseException) -> str:
    """Return the kind of an error, and in one short line what it says."""
    said = redact(" ".join(str(error).split()))[:200]
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
