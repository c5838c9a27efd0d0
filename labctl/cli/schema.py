"""`labctl schema`: the JSON Schemas of lab files and scenarios, for editors."""

import click

from labctl.cli import output

_EXAMPLES = "Examples: labctl schema > lab.schema.json · labctl schema scenario"


@click.command(epilog=_EXAMPLES)
@click.argument("kind", type=click.Choice(["lab", "scenario"]), default="lab")
def schema(kind: str) -> None:
    """Print the JSON Schema of a Lab document, or of a Scenario."""
    if kind == "scenario":
        from labctl.scenario.schema import scenario_schema

        output.emit(output.as_json(scenario_schema()))
    else:
        from labctl.api.lab import lab_schema

        output.emit(output.as_json(lab_schema()))
