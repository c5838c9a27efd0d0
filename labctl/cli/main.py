"""`labctl`: finds the command, runs it, and turns what went wrong into a line and an exit code."""

import os
import sys
from typing import Any, NoReturn

import click

from labctl.cli.commands import COMMANDS, SECTIONS
from labctl.cli.lazy import LazyGroup
from labctl.cli.options import completer
from labctl.errors import BadInput, LabError

_INTERRUPTED = 130  # 128 + SIGINT, as shells say it


def _version(ctx: click.Context, _param: click.Parameter, *, wanted: bool) -> None:
    """`labctl --version` is `labctl version`."""
    if wanted and not ctx.resilient_parsing:
        from labctl.cli.version import version

        ctx.invoke(version, output="")
        ctx.exit()


@click.group(
    cls=LazyGroup,
    commands_table=COMMANDS,
    sections=SECTIONS,
    no_args_is_help=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--lab",
    metavar="NAME",
    envvar="LABCTL_LAB",
    shell_complete=completer("complete_lab"),
    help="The lab; `lab` by default.",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=lambda ctx, param, wanted: _version(ctx, param, wanted=wanted),
    help="Print the version and exit.",
)
def cli(lab: str | None) -> None:
    """Kubernetes networking, whole, on one Linux box, in about a second.

    \b
      sudo labctl up
      sudo labctl create deployment web --image nginx --replicas 3 --port 80
      sudo labctl verify
    """  # noqa: D301 - click looks for the character \b


def main() -> NoReturn:
    """The console script."""
    _open_missing_streams()
    sys.exit(run(sys.argv[1:]))


def _open_missing_streams() -> None:
    """A stream that the caller has closed leads nowhere, and its number is nobody else's."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)  # the lowest that is free: this one
            setattr(sys, name, open(descriptor, "w" if number else "r", encoding="utf-8"))  # noqa: SIM115


def run(arguments: list[str]) -> int:
    """Runs one command and returns the exit code of the contract."""
    try:
        result: Any = cli.main(arguments, prog_name="labctl", standalone_mode=False)
        sys.stdout.flush()
    except (click.Abort, KeyboardInterrupt):
        return _INTERRUPTED
    except BrokenPipeError:  # `labctl get pods | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except UnicodeEncodeError as error:  # what is no text in an argument, on its way to the API
        return _complain(BadInput(f"{error.object[:100]!r} is not UTF-8"))
    except (click.ClickException, LabError, OSError) as error:
        return _complain(error)
    return result if isinstance(result, int) else 0


def _complain(error: click.ClickException | LabError | OSError) -> int:
    message, hint, code = _explained(error)
    click.echo(f"error: {' '.join(message.split())}", err=True)
    if hint:
        click.echo(f"hint: {hint}", err=True)
    return code


def _explained(error: click.ClickException | LabError | OSError) -> tuple[str, str, int]:
    """What to say, what to do, and the exit code."""
    match error:
        case LabError():
            return error.message, error.hint, error.exit_code
        case click.UsageError():
            return _sentence(error.format_message()), _usage_hint(error), error.exit_code
        case click.ClickException():
            return _sentence(error.format_message()), "", BadInput.exit_code
        case _:  # a full or read-only disk, a limit of this host
            where = f"{error.filename}: " if error.filename else ""
            return f"{where}{error.strerror or error}", "", LabError.exit_code


def _sentence(text: str) -> str:
    """A message of click's as one line in our style: no capital, no full stop."""
    line = " ".join(text.split())
    return (line[:1].lower() + line[1:]).removesuffix(".")


def _usage_hint(error: click.UsageError) -> str:
    return f"{error.ctx.command_path} --help" if error.ctx is not None else "labctl --help"
