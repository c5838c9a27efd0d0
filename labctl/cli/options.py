"""Options that many commands share."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from labctl.errors import BadInput

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_LAB = "lab"
FORMS = ("json", "yaml", "name", "wide")


def given_lab(ctx: click.Context, value: str | None) -> str | None:
    """The lab that the user named: with the command, before it, or in LABCTL_LAB."""
    name = value or ctx.find_root().params.get("lab")
    if not name:
        return None
    from labctl.api.lab.parse import check_lab_name

    return check_lab_name(name, ("--lab",))


def _named_lab(ctx: click.Context, _param: click.Parameter, value: str | None) -> str:
    return given_lab(ctx, value) or DEFAULT_LAB


def _maybe_named_lab(ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    return given_lab(ctx, value)


def lab_option(function: F) -> F:
    """`--lab NAME`, as the argument `lab`: the name, or `lab`."""
    help_text = "The lab; LABCTL_LAB, else `lab`."
    option = click.option("--lab", metavar="NAME", callback=_named_lab, help=help_text)
    return option(function)


def maybe_lab_option(function: F) -> F:
    """`--lab NAME`, as the argument `lab`: the name, or None when none is given."""
    help_text = "The lab; wins over the file's metadata.name."
    option = click.option("--lab", metavar="NAME", callback=_maybe_named_lab, help=help_text)
    return option(function)


def namespace_option(function: F) -> F:
    """`-n NAMESPACE`, as the argument `namespace`."""
    from labctl.cli.completion import complete_namespace

    return click.option(
        "-n",
        "--namespace",
        default="default",
        metavar="NAMESPACE",
        shell_complete=complete_namespace,
        help="The namespace; `default` by default.",
    )(function)


def _checked_form(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str:
    if value in (None, "", "text"):
        return ""
    if value not in FORMS and not value.startswith("jsonpath="):
        raise BadInput(f"-o {value}: must be json, yaml, name, wide or jsonpath=TEMPLATE")
    return value


def output_option(function: F) -> F:
    """`-o FORM`, as the argument `output`: "" for text."""
    return click.option(
        "-o",
        "--output",
        envvar="LABCTL_OUTPUT",
        metavar="FORM",
        callback=_checked_form,
        help="json, yaml, name, wide or jsonpath=…; LABCTL_OUTPUT by default.",
    )(function)


def selector_option(function: F) -> F:
    """`-l SELECTOR`, as the argument `selector`."""
    help_text = "Only objects with these labels: a=b, a!=b, a in (b,c), a, !a."
    option = click.option("-l", "--selector", default="", metavar="SELECTOR", help=help_text)
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
