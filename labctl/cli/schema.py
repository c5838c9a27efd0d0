"""`labctl schema`: the JSON Schema of lab files, for editors."""

import click

from labctl.api.lab import lab_schema
from labctl.cli import output


@click.command(epilog="Example: labctl schema > lab.schema.json")
def schema() -> None:
    """Print the JSON Schema of a Lab document."""
    output.emit(output.as_json(lab_schema()))
