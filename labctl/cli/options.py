"""Options that many commands share."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from labctl.cli.forms import FORMS
from labctl.errors import BadInput
from labctl.names import DEFAULT_LAB

F = TypeVar("F", bound=Callable[..., Any])

_KUBECTL_FORMS = ("custom-columns", "go-template", "jsonpath-", "template")
_USUAL_NAME = re.compile(r"[a-z]([-a-z0-9]{0,18}[a-z0-9])?")


Completer = Callable[[click.Context, click.Parameter, str], Any]


def completer(name: str) -> Completer:
    """A function of completion.py, which is imported when a TAB asks for it."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> Any:
        from labctl.cli import completion

        return getattr(completion, name)(ctx, param, incomplete)

    return complete


def given_lab(ctx: click.Context, value: str | None) -> str | None:
    """The lab that the user named: with the command, before it, or in LABCTL_LAB."""
    name = value or ctx.find_root().params.get("lab")
    if not name:
        return None
    if not _USUAL_NAME.fullmatch(name):  # the rule itself, and its words, cost an import of YAML
        from labctl.api.lab.parse import check_lab_name

        check_lab_name(name, ("--lab" if value else _said(ctx.find_root(), "lab"),))
    return str(name)


def _said(ctx: click.Context, parameter: str) -> str:
    """How the user gave it: `--lab`, or the name of a variable."""
    (option,) = (one for one in ctx.command.params if one.name == parameter)
    by_variable = ctx.get_parameter_source(parameter) is ParameterSource.ENVIRONMENT
    return str(option.envvar) if by_variable else option.opts[0]


def _named_lab(ctx: click.Context, _param: click.Parameter, value: str | None) -> str:
    return given_lab(ctx, value) or DEFAULT_LAB


def _maybe_named_lab(ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    return given_lab(ctx, value)


def lab_option(function: F) -> F:
    """`--lab NAME`, as the argument `lab`: the name, or `lab`."""
    return _lab_option(function, _named_lab, "The lab; LABCTL_LAB, else `lab`.")


def maybe_lab_option(function: F) -> F:
    """`--lab NAME`, as the argument `lab`: the name, or None when none is given."""
    return _lab_option(function, _maybe_named_lab, "The lab; wins over the file's metadata.name.")


def _lab_option(function: F, callback: Callable[..., str | None], help_text: str) -> F:
    return click.option(
        "--lab",
        metavar="NAME",
        callback=callback,
        shell_complete=completer("complete_lab"),
        help=help_text,
    )(function)


def namespace_option(function: F) -> F:
    """`-n NAMESPACE`, as the argument `namespace`."""
    return click.option(
        "-n",
        "--namespace",
        default="default",
        metavar="NAMESPACE",
        shell_complete=completer("complete_namespace"),
        help="The namespace; `default` by default.",
    )(function)


def _checked_form(ctx: click.Context, param: click.Parameter, value: str | None) -> str:
    if value in (None, "", "text"):
        return ""
    if value not in FORMS and not value.startswith("jsonpath="):
        how = "labctl kubectl has it" if value.startswith(_KUBECTL_FORMS) else ""
        forms = "json, yaml, name, wide or jsonpath=TEMPLATE"
        raise BadInput(f"{_said(ctx, str(param.name))} {value}: must be {forms}", how)
    return value


def output_option(function: F) -> F:
    """`-o FORM`, as the argument `output`: "" for text."""
    return click.option(
        "-o",
        "--output",
        envvar="LABCTL_OUTPUT",
        metavar="FORM",
        callback=_checked_form,
        shell_complete=completer("complete_form"),
        help="json, yaml, name, wide or jsonpath=…; LABCTL_OUTPUT by default.",
    )(function)


def selector_option(function: F) -> F:
    """`-l SELECTOR`, as the argument `selector`."""
    help_text = "Only objects with these labels: a=b, a!=b, a in (b,c), a, !a."
    option = click.option("-l", "--selector", default="", metavar="SELECTOR", help=help_text)
    return option(function)


def checked_file(_ctx: click.Context, param: click.Parameter, value: str | None) -> Path | None:
    """A file that can be written later, known before the long work begins."""
    if value is None:
        return None
    file = Path(value)
    if file.is_dir():
        raise BadInput(f"{param.opts[0]} {value}: is a directory")
    if not os.access(file if file.exists() else file.parent, os.W_OK):
        raise BadInput(f"{param.opts[0]} {value}: cannot be written")
    return file


def junit_option(function: F) -> F:
    """`--junit FILE`, as the argument `junit`: where the report goes, or None."""
    help_text = "Write a JUnit report."
    option = click.option(
        "--junit", type=click.Path(), callback=checked_file, metavar="FILE", help=help_text
    )
    return option(function)


def files_option(function: F) -> F:
    """`-f FILE…`, as the argument `filenames`."""
    return click.option(
        "-f",
        "--filename",
        "filenames",
        multiple=True,
        type=click.Path(),
        metavar="FILE|DIR|-",
        help="A file, a directory, or - for stdin; may be given more than once.",
    )(function)
