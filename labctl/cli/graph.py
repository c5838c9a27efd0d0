"""`labctl graph`: the lab's topology as a picture of text."""

import click

from labctl.api.kinds.core import NODES, PODS
from labctl.cli.options import lab_option
from labctl.cli.session import ask
from labctl.client.client import Client


@click.command(epilog="Example: labctl graph")
@lab_option
def graph(lab: str) -> None:
    """Draw fabric, nodes and pods as they are now."""
    from labctl.lab import state
    from labctl.lab.picture import draw

    async def picture(client: Client) -> str:
        nodes = (await client.list(NODES)).items
        return draw(state.require(lab), nodes, (await client.list(PODS)).items)

    click.echo(ask(lab, picture))
