"""Which server a run gets: the fastest that is installed."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.servers import nginx
from benchmarks.servers.base import Server
from benchmarks.servers.certificate import make_certificate
from benchmarks.servers.own import own

__all__ = ["serving"]


@contextlib.contextmanager
def serving(core: int | None, *, tls: bool = False) -> Iterator[Server]:
    """Run nginx where it is installed, else the small server of ours.

    Args:
        core: the server's.
        tls: listen with TLS too, where a certificate can be made.
    """
    with tempfile.TemporaryDirectory(prefix="bench-server-") as directory:
        folder = Path(directory)
        certificate = make_certificate(folder) if tls else None
        with own(core, certificate) if nginx.program() is None else nginx.nginx(core, folder, certificate) as server:
            yield server
