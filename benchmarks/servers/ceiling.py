"""How much a server can do at most, asked by wrk where that is installed: far above what the clients can do."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from benchmarks.servers.base import Server
from wabotick_async.endpoints import registry

__all__ = ["ceiling"]

_SCRIPT = """wrk.method = "POST"
wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
wrk.body = "{body}"
"""


def ceiling(server: Server, core: int | None, seconds: int = 2) -> float | None:
    """Return the requests a second that the server answers at most; None where wrk is not installed, or fails.

    Args:
        core: of the one who asks.
    """
    program = shutil.which("wrk")
    if program is None:
        return None
    with tempfile.TemporaryDirectory(prefix="bench-wrk-") as directory:
        script = Path(directory, "post.lua")
        script.write_text(_SCRIPT.format(body="apiToken=" + "a" * 240), encoding="ascii")
        url = server.base_url + registry["send_template"].path
        words = [program, "-t1", "-c64", f"-d{seconds}s", "-s", str(script), url]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if core is not None:
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(process.pid, {core})
        text, _ = process.communicate()
    found = re.search(r"Requests/sec:\s*([\d.]+)", text)
    return float(found[1]) if found else None
