"""What is data goes to stdout, in the form that -o asks for."""

import json
from collections.abc import Callable, Iterable

import click

from labctl.api.objects import Obj


def as_json(obj: object, *, sort: bool = False) -> str:
    return json.dumps(obj, indent=4, sort_keys=sort, ensure_ascii=False) + "\n"


def as_yaml(obj: object, *, sort: bool = False) -> str:
    from labctl.api.yaml_text import dump

    return dump(obj, sort_keys=sort)


def jsonpath(form: str, obj: object) -> str:
    """What `-o jsonpath=TEMPLATE` prints."""
    from labctl.api.jsonpath import render

    return render(form.removeprefix("jsonpath="), obj)


def emit(text: str) -> None:
    """Writes text that has its own line ends; nothing for nothing."""
    if text:
        click.echo(text, nl=False)


def emit_report(
    report: Obj, output: str, text: Callable[[], str], names: Callable[[], Iterable[str]]
) -> None:
    """Prints one of labctl's own objects: as data, as names, or as text for a person."""
    if output == "json":
        emit(as_json(report))
    elif output == "yaml":
        emit(as_yaml(report))
    elif output == "name":
        emit("".join(f"{name}\n" for name in names()))
    elif output.startswith("jsonpath="):
        emit(jsonpath(output, report))
    else:
        emit(text())
