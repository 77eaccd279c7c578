"""The commands, put together."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import typer

from ..errors import WabotickError
from .backup import backup
from .broadcast import broadcast
from .call import call
from .demo import demo
from .exits import EXIT_CODES, CommandError, ExitCode, exit_code_of
from .purge import purge
from .reconcile import reconcile
from .resend import resend
from .resume import resume
from .retry import retry
from .sandbox import sandbox
from .status import status
from .templates import templates
from .terminal import say

__all__ = ["app", "run"]

# Usage errors have one root in every version of typer, be it click's own or typer's copy of it.
_UsageProblem: type[Exception] = typer.BadParameter.__mro__[2]

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Send WhatsApp campaigns over Wabotick, and know what became of each message.",
    epilog="\b\nExit codes:\n" + "\n".join(f"{code:>4}  {meaning}" for code, meaning in EXIT_CODES.items()),
)


@app.callback(invoke_without_command=True)
def _without_command(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


_COMMANDS: dict[str, Callable[..., int]] = {
    "demo": demo,
    "broadcast": broadcast,
    "resume": resume,
    "retry": retry,
    "reconcile": reconcile,
    "resend": resend,
    "status": status,
    "backup": backup,
    "purge": purge,
    "templates": templates,
    "call": call,
    "sandbox": sandbox,
}
for _name, _command in _COMMANDS.items():
    app.command(_name)(_command)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command; whatever goes wrong becomes lines on standard error and an exit code."""
    try:
        code: Any = app(
            args=None if arguments is None else list(arguments), prog_name="wabotick", standalone_mode=False
        )
        sys.stdout.flush()
    except CommandError as error:
        for prefix, line in zip(itertools.chain([error.prefix], itertools.repeat("")), error.lines, strict=False):
            say(prefix + line)
        return error.code
    except WabotickError as error:
        say(f"wabotick: {error}")
        return exit_code_of(error)
    except BrokenPipeError:
        # Whoever read our output is gone; without this the interpreter would complain once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.FAILED
    except (KeyboardInterrupt, typer.Abort):
        say("wabotick: interrupted")
        return ExitCode.INTERRUPTED
    except OSError as error:
        say(f"wabotick: {error.filename or 'system'}: {error.strerror or error}")
        return ExitCode.INVALID
    except _UsageProblem as error:
        say(f"wabotick: {getattr(error, 'format_message', error.__str__)()}")
        return ExitCode.INVALID
    return int(code or 0)
