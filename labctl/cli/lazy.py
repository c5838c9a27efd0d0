"""A click group that knows its commands by name and one line each, and imports them when called."""

import importlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import click

from labctl.errors import BadInput

# What kubectl has and labctl has not; `labctl kubectl` runs it.
_KUBECTL = frozenset(
    (
        "annotate", "api-resources", "api-versions", "auth", "autoscale", "certificate",
        "cluster-info", "config", "cordon", "diff", "drain", "edit", "events", "explain", "expose",
        "kustomize", "label", "patch", "proxy", "replace", "set", "taint", "top", "uncordon",
    )
)  # fmt: skip


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

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Raises BadInput that says what was meant, perhaps."""
        if args and args[0] not in self._table and args[0][:1].isalpha():
            raise BadInput(f"no such command {args[0]!r}", self._meant(args[0]))
        return super().resolve_command(ctx, args)

    def _meant(self, word: str) -> str:
        import difflib

        if word in _KUBECTL:
            return f"labctl kubectl {word} …"
        near = difflib.get_close_matches(word, self._table, n=1, cutoff=0.7)
        return f"did you mean {near[0]}?" if near else "labctl --help"

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for heading, names in self._sections:
            with formatter.section(heading):
                formatter.write_dl([(name, self._table[name].help) for name in names])
