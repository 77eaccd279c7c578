"""nginx with fixed answers: one worker, no log, connections that stay open."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks.servers.answers import ANSWERS, STATUS_PATH
from benchmarks.servers.base import Server
from benchmarks.servers.certificate import Certificate

__all__ = ["configuration", "nginx", "program"]

_PATIENCE: Final = 10.0
# The connection and the request's place on it: together a number that no other answer has.
_NUMBER: Final = "${connection}-${connection_requests}"


def program() -> str | None:
    """Return where nginx is; None where it is not installed, or where its CPU time cannot be read."""
    if not Path("/proc/self/stat").exists():
        return None
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def configuration(directory: Path, port: int, tls_port: int | None, certificate: Certificate | None) -> str:
    """Return the text of its configuration."""
    temporary = "\n".join(
        f"  {kind}_temp_path {directory}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    answers = "\n".join(
        f"    location {one.prefix} {{ return {one.status} '{one.body(_NUMBER).decode()}'; }}" for one in ANSWERS
    )
    tls = ""
    if certificate is not None and tls_port is not None:
        tls = f"""    listen 127.0.0.1:{tls_port} ssl backlog=4096;
    ssl_certificate {certificate.chain};
    ssl_certificate_key {certificate.key};
"""
    return f"""daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log {directory}/error.log crit;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  default_type application/json;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
{temporary}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
{tls}    location = {STATUS_PATH} {{ stub_status; }}
{answers}
  }}
}}
"""


@contextlib.contextmanager
def nginx(core: int | None, directory: Path, certificate: Certificate | None = None) -> Iterator[Server]:
    """Run nginx on a core.

    Raises:
        OSError: it did not start, or is not installed.
    """
    found = program()
    if found is None:
        raise OSError("nginx is not installed")
    port, tls_port = _free_port(), None if certificate is None else _free_port()
    written = directory / "nginx.conf"
    written.write_text(configuration(directory, port, tls_port, certificate), encoding="utf-8")
    log = directory / "error.log"
    log.touch()
    # -e: before it has read its configuration it would want to write to a log of the system.
    process = subprocess.Popen([found, "-e", str(log), "-p", str(directory), "-c", str(written)])
    try:
        if core is not None:
            os.sched_setaffinity(process.pid, {core})
        _wait(process, port, log)
        yield Server(
            name=_version(found),
            base_url=f"http://127.0.0.1:{port}",
            tls_url="" if tls_port is None else f"https://127.0.0.1:{tls_port}",
            authority="" if certificate is None else str(certificate.authority),
            pid=process.pid,
        )
    finally:
        process.terminate()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Wait until it listens."""
    ends = time.monotonic() + _PATIENCE
    while time.monotonic() < ends and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise OSError(f"nginx did not start: {log.read_text(encoding='utf-8', errors='replace').strip()}")


def _version(found: str) -> str:
    text = subprocess.run([found, "-v"], capture_output=True, check=False, text=True).stderr
    return text.strip().rpartition(" ")[2].replace("/", " ") or "nginx"
