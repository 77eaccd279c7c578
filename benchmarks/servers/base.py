"""What a running server is to those who measure: addresses, a name, and what it has done so far."""

from __future__ import annotations

import http.client
import os
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from benchmarks.servers.answers import STATUS_PATH

__all__ = ["Server", "Status"]


class Status(msgspec.Struct, frozen=True):
    """What a server has done so far."""

    requests: int
    """Those for its status included."""
    cpu: float
    """Seconds."""

    def since(self, earlier: Status) -> Status:
        """Return what it did between two looks at it, the later look not counted."""
        return Status(self.requests - earlier.requests - 1, self.cpu - earlier.cpu)


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """A running server. Each process may have a copy."""

    name: str
    """What it is, with its version."""
    base_url: str
    tls_url: str = ""
    """Empty without TLS."""
    authority: str = ""
    """File of the authority that has signed its certificate."""
    pid: int

    def status(self) -> Status:
        """Ask what it has done so far."""
        address = urlsplit(self.base_url)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
        try:
            connection.request("GET", STATUS_PATH)
            text = connection.getresponse().read()
        finally:
            connection.close()
        if text.startswith(b"{"):
            own = msgspec.json.decode(text, type=Status)
            return Status(own.requests, own.cpu)
        # nginx: "server accepts handled requests", and the three numbers in the line after it.
        return Status(int(text.splitlines()[2].split()[2]), _cpu(self.pid))


def _cpu(pid: int) -> float:
    """Return the CPU seconds of a process; Linux only, in steps of 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
