"""`labctl apply`: objects from files, created or brought up to date."""

import click

from labctl.cli.options import files_option, lab_option, namespace_option, output_option
from labctl.cli.outcomes import print_outcomes
from labctl.cli.session import ask


@click.command(epilog="Examples: labctl apply -f web.yaml · labctl apply -f - < web.yaml")
@files_option
@namespace_option
@output_option
@lab_option
def apply(filenames: tuple[str, ...], namespace: str, output: str, lab: str) -> None:
    """Create the objects in files, or change what is there so that it is as they say."""
    from labctl.cli.documents import given
    from labctl.lab.apply import apply_all

    found = given(filenames, namespace, lab)
    ask(lab, lambda client: print_outcomes(apply_all(client, found), output))
