"""`labctl fault`: hurts the lab on purpose, and undoes it."""

import click

from labctl.cli.completion import complete_node
from labctl.cli.options import lab_option


@click.group(no_args_is_help=False, epilog="Example: labctl fault cut node2")
def fault() -> None:
    """Kill a node's agent or pull its cable, and undo it."""


def _command(name: str, text: str, done: str) -> click.Command:
    @click.command(name, help=text, epilog=f"Example: labctl fault {name} node2")
    @click.argument("node", shell_complete=complete_node)
    @lab_option
    def command(node: str, lab: str) -> None:
        from labctl.lab.faults import inflict
        from labctl.lab.host import require_root

        require_root()
        inflict(lab, name, node)
        click.echo(done.format(node=node), err=True)

    return command


for _name, _text, _done in (
    ("kill-agent", "SIGKILL the agent; it stays dead until start-agent.", "agent of {node} killed"),
    ("start-agent", "Start an agent that kill-agent killed.", "agent of {node} started"),
    (
        "cut",
        "Pull the cable of the node, or of control-plane, out of the switch.",
        "cable of {node} pulled",
    ),
    ("mend", "Plug the cable in again.", "cable of {node} plugged in"),
):
    fault.add_command(_command(_name, _text, _done))
