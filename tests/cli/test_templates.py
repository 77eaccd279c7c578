"""`wabotick templates` lists what can be sent."""

from __future__ import annotations

import json

from tests.cli.conftest import Run
from wabotick_async.sandbox import Sandbox


def test_a_table_without_colours_or_folds(sandbox: Sandbox, run: Run) -> None:
    code, out, err = run("templates")

    header, *rows = out.splitlines()
    assert (code, err) == (0, "")
    assert header.split() == ["id", "name", "status", "locale", "header", "variables"]
    assert rows[0].split(maxsplit=5) == ["101", "greeting", "Approved", "en_US", "-", "name, order-code "[:16]]
    assert "\x1b" not in out


def test_json_has_the_ids_and_no_token(sandbox: Sandbox, run: Run) -> None:
    found = json.loads(run("templates", "--json").out)

    assert [one["id"] for one in found] == [str(number) for number in range(101, 108)]
    assert found[0]["variables"] == ["name", "order-code"]
    assert "EAA" not in json.dumps(found)


def test_a_name_cannot_command_the_terminal(sandbox: Sandbox, run: Run) -> None:
    sandbox.add_template("bad\x1b[2Jname")

    assert "\x1b" not in run("templates").out
