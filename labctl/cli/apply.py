"""`labctl apply`: objects from files, created or brought up to date."""

from collections.abc import AsyncGenerator

import click

from labctl.cli.options import files_option, lab_option, namespace_option, output_option
from labctl.cli.outcomes import print_outcomes
from labctl.cli.session import ask
from labctl.client.client import Client
from labctl.errors import BadInput
from labctl.lab.apply import Outcome


@click.command(epilog="Examples: labctl apply -f web.yaml · labctl apply -f - < web.yaml")
@files_option
@namespace_option
@output_option
@click.option("--server-side", is_flag=True, help="Have the server merge, and watch over fields.")
@click.option("--force-conflicts", is_flag=True, help="Take over fields that others manage.")
@lab_option
def apply(
    filenames: tuple[str, ...],
    namespace: str,
    output: str,
    server_side: bool,
    force_conflicts: bool,
    lab: str,
) -> None:
    """Create the objects in files, or change what is there so that it is as they say."""
    from labctl.cli.documents import given
    from labctl.lab.apply import apply_all
    from labctl.lab.server_side import apply_on_server

    if force_conflicts and not server_side:
        raise BadInput("--force-conflicts only works with --server-side")
    found = given(filenames, namespace, lab)

    def outcomes(client: Client) -> AsyncGenerator[Outcome, None]:
        if server_side:
            return apply_on_server(client, found, force=force_conflicts)
        return apply_all(client, found)

    ask(lab, lambda client: print_outcomes(outcomes(client), output))
