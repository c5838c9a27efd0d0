"""`labctl cp`: files and directories, as a tar archive through exec, as kubectl does it."""

import sys

import click

from labctl.cli.options import lab_option, namespace_option
from labctl.cli.session import ask, asking_for_a_container
from labctl.client.client import Client
from labctl.errors import BadInput


@click.command(epilog="Examples: labctl cp ./site web-abc:/srv · labctl cp deploy/web:/etc/hosts .")
@click.argument("source", metavar="SOURCE")
@click.argument("target", metavar="TARGET")
@click.option("-c", "--container", default="", help="Which container.")
@namespace_option
@lab_option
def cp(source: str, target: str, container: str, namespace: str, lab: str) -> None:
    """Copy SOURCE to TARGET, one of which is POD:PATH.

    As with cp, a directory that is there already is copied into. The container needs tar.
    """
    from labctl.lab.copying import Copier, split_place

    here, there = split_place(source), split_place(target)
    if bool(here.pod) == bool(there.pod):
        raise BadInput("exactly one of SOURCE and TARGET must be POD:PATH", "labctl cp F POD:/tmp")

    async def work(client: Client) -> None:
        word = here.pod or there.pod
        copier = await Copier.of(client, lab, word, namespace, container)
        try:
            with asking_for_a_container():
                if there.pod:
                    await copier.upload(here.path, there.path)
                else:
                    await copier.download(here.path, there.path)
        finally:
            sys.stdout.flush()
            await copier.close()

    ask(lab, work)
