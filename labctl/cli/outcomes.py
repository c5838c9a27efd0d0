"""What create, apply and delete print: a line an object, or the objects."""

from collections.abc import AsyncGenerator

import click

from labctl.cli.listing import as_list, format_object
from labctl.lab.apply import Outcome


async def print_outcomes(outcomes: AsyncGenerator[Outcome, None], form: str) -> None:
    """`deployment.apps/web created` as each is done; with -o the objects, or their names."""
    objects = []
    async for outcome in outcomes:
        objects.append(outcome.obj)
        if form == "name":
            click.echo(outcome.label)
        elif form in ("", "wide"):
            click.echo(str(outcome))
    if objects and form not in ("", "wide", "name"):
        whole = objects[0] if len(objects) == 1 else as_list(objects)
        click.echo(format_object(whole, form), nl=False)
