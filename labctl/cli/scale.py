"""`labctl scale`: the number of replicas."""

from collections.abc import AsyncGenerator

import click

from labctl.cli.completion import complete_object
from labctl.cli.options import lab_option, namespace_option, output_option
from labctl.cli.outcomes import print_outcomes
from labctl.cli.session import ask, kinds
from labctl.client.client import Client
from labctl.errors import BadInput
from labctl.lab.apply import Outcome
from labctl.lab.words import printed_name, targets


@click.command(epilog="Example: labctl scale deployment/web --replicas 5")
@click.argument("words", nargs=-1, metavar="KIND/NAME...", shell_complete=complete_object)
@click.option("--replicas", type=int, required=True, help="How many.")
@namespace_option
@output_option
@lab_option
def scale(words: tuple[str, ...], replicas: int, namespace: str, output: str, lab: str) -> None:
    """Set how many replicas a Deployment, a ReplicaSet or the like shall have."""
    found = targets(words, kinds(lab, words))
    for target in found:
        if not target.name:
            raise BadInput("which one?", "for example: labctl scale deployment/web --replicas 5")
        if "scale" not in target.resource.subresources:
            raise BadInput(f"{target.label} cannot be scaled")
    if replicas < 0:
        raise BadInput(f"--replicas {replicas}: must be 0 or more")

    async def scaled(client: Client) -> AsyncGenerator[Outcome, None]:
        for resource, name in found:
            patch = {"spec": {"replicas": replicas}}
            await client.patch(resource, name, patch, namespace, subresource="scale")
            obj = await client.get(resource, name, namespace)
            yield Outcome(printed_name(resource, name), "scaled", obj)

    ask(lab, lambda client: print_outcomes(scaled(client), output))
