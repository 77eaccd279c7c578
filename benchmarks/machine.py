"""What the figures were taken on, and how a process keeps to one core."""

from __future__ import annotations

import os
import platform
from importlib import import_module, metadata
from pathlib import Path
from types import ModuleType
from typing import Final

_MANY: Final = 16_384


def cores() -> tuple[int | None, int | None]:
    """Return a core for the server and one for the client; None where there is nothing to choose."""
    allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    return (allowed[0], allowed[1]) if len(allowed) > 1 else (None, None)


def pin(core: int | None) -> None:
    """Keep this process, and the threads that it starts from now on, on one core."""
    if core is not None:
        os.sched_setaffinity(0, {core})


def open_files() -> int:
    """Return how many files this process and those that it starts may have open, after raising that to the most."""
    try:
        resource = import_module("resource")
    except ImportError:  # Windows
        return 512
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MANY if most == resource.RLIM_INFINITY else min(most, _MANY)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
    return int(wanted)


def uvloop() -> ModuleType | None:
    """Return uvloop where it is installed."""
    try:
        return import_module("uvloop")
    except ImportError:
        return None


def description(*others: str) -> dict[str, str]:
    """Return versions and machine, by name.

    Args:
        others: distributions whose versions matter too, where they are installed.
    """
    packages = ("wabotick-async", "aiohttp", "msgspec", "anyio", "tenacity", "uvloop", *others)
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        **{name: version for name in packages if (version := _version(name))},
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": str(os.cpu_count()),
    }


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
