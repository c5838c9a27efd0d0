"""`labctl scale`: the number of replicas."""

import click

from labctl.cli.completion import complete_object
from labctl.cli.options import lab_option, namespace_option
from labctl.cli.session import ask
from labctl.client.client import Client
from labctl.errors import BadInput
from labctl.lab.words import targets


@click.command(epilog="Example: labctl scale deployment/web --replicas 5")
@click.argument("words", nargs=-1, metavar="KIND/NAME...", shell_complete=complete_object)
@click.option("--replicas", type=int, required=True, help="How many.")
@namespace_option
@lab_option
def scale(words: tuple[str, ...], replicas: int, namespace: str, lab: str) -> None:
    """Set how many replicas a Deployment or ReplicaSet shall have."""
    found = targets(words)
    for target in found:
        if not target.name:
            raise BadInput("which one?", "for example: labctl scale deployment/web --replicas 5")
        if "scale" not in target.resource.subresources:
            raise BadInput(f"{target.label} cannot be scaled")
    if replicas < 0:
        raise BadInput(f"--replicas {replicas}: must be 0 or more")

    async def work(client: Client) -> None:
        for target in found:
            patch = {"spec": {"replicas": replicas}}
            await client.patch(target.resource, target.name, patch, namespace, subresource="scale")
            click.echo(f"{target.label} scaled")

    ask(lab, work)
