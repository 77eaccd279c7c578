from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from wabotick_async.sandbox import Sandbox

ROOT = Path(__file__).parents[2]
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(32)


class Ended(NamedTuple):
    """What a process left behind."""

    code: int
    output: str
    errors: str


Run = Callable[..., Awaitable[Ended]]


def environment(sandbox: Sandbox) -> Mapping[str, str]:
    """Return the environment in which an example finds the sandbox."""
    return {
        **os.environ,
        "WABOTICK_API_TOKEN": sandbox.token,
        "WABOTICK_PHONE_NUMBER_ID": sandbox.phone_number_id,
        "WABOTICK_BASE_URL": sandbox.base_url,
    }


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(auto_window=True) as sandbox:
        yield sandbox


@pytest.fixture
def run(sandbox: Sandbox, tmp_path: Path) -> Run:
    """Run `python SCRIPT ARGUMENTS` against the sandbox, in an empty directory, and wait for its end."""

    async def run_script(script: str | Path, *arguments: str, stdin: str = "", **env: str) -> Ended:
        command = (sys.executable, str(ROOT / script), *arguments)
        return await start(*command, cwd=tmp_path, env={**environment(sandbox), **env}, stdin=stdin)

    return run_script


async def start(
    program: str, *arguments: str, cwd: Path, env: Mapping[str, str], stdin: str = "", path: Path | None = None
) -> Ended:
    """Run a program to its end; `path` is a directory to find it in."""
    process = await asyncio.create_subprocess_exec(
        program if path is None else str(path / program),
        *arguments,
        cwd=cwd,
        env=env,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate(stdin.encode())
    assert process.returncode is not None
    return Ended(process.returncode, output.decode(), errors.decode())
