"""What create, apply, scale, rollout and wait print: a line an object, or the objects."""

from collections.abc import AsyncGenerator

import click

from labctl.cli.listing import format_objects
from labctl.lab.apply import Outcome


async def print_outcomes(outcomes: AsyncGenerator[Outcome, None], form: str) -> None:
    """`deployment.apps/web created` as each is done; with -o the objects, or their names."""
    objects = []
    async for outcome in outcomes:
        if outcome.obj:  # there is none of what was waited for to go
            objects.append(outcome.obj)
        if form == "name":
            click.echo(outcome.label)
        elif form in ("", "wide"):
            click.echo(str(outcome))
    if objects and form not in ("", "wide", "name"):
        click.echo(format_objects(objects, form), nl=False)
