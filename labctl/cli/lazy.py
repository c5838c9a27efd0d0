"""A click group that knows its commands by name and one line each, and imports them when called."""

import importlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import click


class Entry(NamedTuple):
    """Where a command is (`module:attribute`), and what `--help` says of it."""

    place: str
    help: str


class LazyGroup(click.Group):
    """Lists commands by section; a section is a heading and the names of its commands."""

    def __init__(
        self,
        *args: Any,
        commands_table: Mapping[str, Entry] = {},
        sections: Sequence[tuple[str, Sequence[str]]] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._table = commands_table
        self._sections = sections

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(self._table)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = self._table.get(cmd_name)
        if entry is None:
            return None
        module, _, attribute = entry.place.partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for heading, names in self._sections:
            with formatter.section(heading):
                formatter.write_dl([(name, self._table[name].help) for name in names])
