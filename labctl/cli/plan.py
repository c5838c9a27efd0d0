"""`labctl plan`: what a node's kernel lacks."""

import click

from labctl.cli.completion import complete_node
from labctl.cli.options import lab_option, output_option
from labctl.cli.output import emit_report
from labctl.cli.session import ask


@click.command(epilog="Example: labctl plan node1")
@click.argument("node", shell_complete=complete_node)
@output_option
@lab_option
def plan(node: str, output: str, lab: str) -> None:
    """Print the operations that would bring NODE's kernel to what the objects ask for.

    Nothing is printed when the node is healthy, and nothing is ever changed.
    """
    from labctl.lab import state
    from labctl.lab.host import require_root
    from labctl.lab.plan import plan as make_plan

    require_root()
    state.require_node(lab, node)
    found = ask(lab, lambda client: make_plan(client, lab, node))
    report = {
        "apiVersion": "labctl.io/v1alpha1",
        "kind": "Plan",
        "lab": lab,
        "node": node,
        "operations": [one.report() for one in found],
    }
    lines = [f"{one.describe()}\n" for one in found]
    emit_report(report, output, lambda: "".join(lines), list)
