"""What the README says is true: its programs run, its tables agree with the code."""

from __future__ import annotations

import inspect
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

import wabotick_async
from tests.examples.conftest import ROOT, Run, environment, start
from wabotick_async import BulkSender, Limits, RetryPolicy, Timeout, WabotickError, registry
from wabotick_async.cli.exits import ExitCode
from wabotick_async.sandbox import Sandbox

README = (ROOT / "README.md").read_text()
PROGRAMS = re.findall(r"^```python\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
DOCUMENTED_SETTINGS = {Limits, Timeout, RetryPolicy, BulkSender}


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the tables below a heading, header rows included."""
    section = README.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|") and "---" not in line]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def defaults() -> dict[str, Any]:
    """Return the default of each setting: `{"Limits.rate": 10.0}`."""
    return {
        f"{kind.__name__}.{name}": parameter.default
        for kind in DOCUMENTED_SETTINGS
        for name, parameter in inspect.signature(kind).parameters.items()
        if parameter.default is not parameter.empty
    }


async def test_the_programs_run_one_after_the_other(run: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    outputs = []
    for number, program in enumerate(PROGRAMS):
        path = tmp_path / f"program_{number}.py"
        path.write_text(program)
        ended = await run(path)
        assert (ended.code, ended.errors) == (0, ""), program
        outputs.append(ended.output)

    first, many, resumed, resent, tested = outputs
    assert first.startswith("wamid.")
    assert many.startswith("BulkReport(accepted=2, refused=0, unknown=0,")
    assert resumed.startswith("BulkReport(accepted=2, refused=0, unknown=0,")
    assert resent == "{}\n0\n"
    assert tested.startswith("send_template: no answer")
    assert sandbox.ledger.per_recipient() == {"919800000001": 2, "919800000002": 1}


@pytest.mark.parametrize("program", PROGRAMS, ids=range(len(PROGRAMS)))
def test_a_program_is_short(program: str) -> None:
    body = program.partition("async def main")[2].partition("asyncio.run")[0]

    assert len([line for line in body.splitlines()[1:] if line.strip()]) <= 11


def test_the_table_of_endpoints_is_the_registry() -> None:
    written = [[cell.strip("`") for cell in row] for row in rows("The 31 endpoints")[1:]]

    package = [one for one in registry.values() if one.request_type.__module__.startswith("wabotick_async.")]
    assert sorted((name, struct, safety) for name, _, struct, safety in written) == sorted(
        (one.name, one.request_type.__name__, one.safety.value) for one in package
    )


def test_the_defaults_are_the_code_s() -> None:
    known = defaults()
    written = {row[0].strip("`"): row[1] for row in rows("Limits and defaults")[1:]}

    assert written == {name: str(known[name]) for name in written}
    assert {name for name in known if not name.startswith("BulkSender")} <= written.keys()


def test_every_error_has_a_row() -> None:
    public = [value for value in vars(wabotick_async).values() if isinstance(value, type)]
    names = {one.__name__ for one in public if issubclass(one, WabotickError)} - {"WabotickError"}

    written = {name for row in rows("Outcomes and errors") for name in re.findall(r"`(\w+Error)`", row[0])}
    assert written == names


def test_every_outcome_has_a_row() -> None:
    written = [row[0].strip("`") for row in rows("Outcomes and errors")]

    assert {outcome.value for outcome in wabotick_async.Outcome} <= set(written)


async def test_the_commands_work(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("phone,first_name,code\n919800000001,Ada,A-17\n919800000002,Bob,B-18\n")
    block = README.partition("\n## Command line\n")[2].partition("```sh\n")[2].partition("```")[0]
    commands = [line for line in block.splitlines() if line != "wabotick sandbox"]  # it runs until Ctrl-C
    scripts = Path(sys.executable).parent

    for command in commands:
        ended = await start(*shlex.split(command), cwd=tmp_path, env=environment(sandbox), path=scripts)
        assert ended.code == 0, (command, ended)

    assert len(commands) == 8
    assert sandbox.ledger.per_recipient() == {"919800000001": 1, "919800000002": 1}
    assert sandbox.ledger.entries[0].fields["templateVariable-order-code-2"] in {"A-17", "B-18"}


def test_the_exit_codes_are_the_command_line_s() -> None:
    written = [int(row[0]) for row in rows("Command line")[1:]]

    assert written == [int(code) for code in ExitCode]


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\((?!https?:)([^)#]+)\)", README))))
def test_a_link_leads_somewhere(target: str) -> None:
    assert (ROOT / target).exists()
