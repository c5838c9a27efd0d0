"""`labctl fault`: hurts the lab on purpose, and undoes it."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import click

from labctl.cli.completion import complete_node
from labctl.cli.options import completer, lab_option, namespace_option, output_option
from labctl.cli.output import emit_report
from labctl.cli.richly import table
from labctl.errors import StatusError

T = TypeVar("T")

_OF_NODES = (
    ("kill-agent", "SIGKILL the agent; it stays dead until start-agent.", "agent of {} killed"),
    ("start-agent", "Start an agent that kill-agent killed.", "agent of {} runs"),
    ("cut", "Pull a cable: a node's, or control-plane's.", "cable of {} pulled"),
    ("mend", "Plug it in again.", "cable of {} plugged in"),
    (
        "node-down",
        "Switch the node off: agent, containers, cable.",
        "{} switched off",
    ),
    ("node-up", "Switch it on again: it boots, and its agent.", "{} is switched on"),
)
_OF_PROCESSES = (
    (
        "kill-control-plane",
        "SIGKILL it; the supervisor starts it again.",
        "control plane killed",
    ),
    (
        "kill-runtime",
        "SIGKILL it; containers go on, and are adopted.",
        "runtime killed",
    ),
)
_OF_CABLES = (
    ("loss", "10%", "Have a cable lose packets."),
    ("rate", "10mbit", "Have a cable pass so many bits a second."),
    (
        "delay",
        "50ms",
        "Have a cable hold packets back (sch_netem).",
    ),
)
_ON_CABLES = """{}

    A node's cable leads to the switch, a pod's to its node; each direction is hurt, so of a ping
    both ways. Without VALUE, show how it is; `none` makes it good again. A pod has a good cable
    again when it has a new sandbox."""


@click.group(no_args_is_help=False, epilog="Examples: labctl fault cut node2 · labctl fault clear")
def fault() -> None:
    """Kill agents, nodes and processes, pull cables or make them bad, and undo it."""


def _of_node(name: str, text: str, done: str) -> click.Command:
    @click.command(name, help=text, epilog=f"Example: labctl fault {name} node2")
    @click.argument("node", shell_complete=complete_node)
    @lab_option
    def command(node: str, lab: str) -> None:
        _inflict(lab, name, node)
        click.echo(done.format(node), err=True)

    return command


def _of_process(name: str, text: str, done: str) -> click.Command:
    @click.command(name, help=text, epilog=f"Example: labctl fault {name}")
    @lab_option
    def command(lab: str) -> None:
        _inflict(lab, name)
        click.echo(done, err=True)

    return command


def _of_cable(name: str, example: str, text: str) -> click.Command:
    examples = (
        f"Examples: labctl fault {name} node2 {example} · labctl fault {name} deploy/web {example} "
        f"· labctl fault {name} node2 none · labctl fault {name} node2"
    )

    @click.command(name, help=_ON_CABLES.format(text), epilog=examples)
    @click.argument("target", metavar="NODE|POD", shell_complete=completer("complete_cable"))
    @click.argument("value", required=False)
    @namespace_option
    @lab_option
    def command(target: str, value: str | None, namespace: str, lab: str) -> None:
        from labctl.lab.faults.catalog import shown

        if value is None:
            click.echo(_run(lab, shown(lab, name, target, namespace)))
            return
        _inflict(lab, name, target, value, namespace)
        click.echo(f"{name} of {target}: {value}", err=True)

    return command


def _inflict(lab: str, *words: str) -> None:
    from labctl.lab.faults.catalog import inflict

    _run(lab, inflict(lab, *words))


def _run(lab: str, work: Coroutine[Any, Any, T]) -> T:
    from labctl.cli.session import is_unreachable
    from labctl.lab import connect
    from labctl.lab.host import require_root

    try:
        require_root()
        return asyncio.run(work)
    except StatusError as error:
        if is_unreachable(error):
            raise connect.not_up(lab) from error
        raise
    finally:
        work.close()  # where root was missing it never began


@fault.command("list", epilog="Examples: labctl fault list · labctl fault list -o json")
@output_option
@lab_option
def list_faults(output: str, lab: str) -> None:
    """The faults that are in force."""
    from labctl.lab.faults.catalog import fault_list
    from labctl.lab.host import require_root

    require_root()
    report = fault_list(lab)
    if not report["items"] and output in ("", "wide"):
        click.echo("No faults are in force.", err=True)
    rows = [[one["fault"], one["target"], one.get("value", "")] for one in report["items"]]
    emit_report(
        report,
        output,
        lambda: table(["FAULT", "TARGET", "VALUE"], rows) if rows else "",
        lambda: [f"{one['fault']}/{one['target']}" for one in report["items"]],
    )


@fault.command(epilog="Example: labctl fault clear")
@lab_option
def clear(lab: str) -> None:
    """Take all faults away."""
    from labctl.lab.faults import catalog

    for one in _run(lab, catalog.clear(lab)):
        click.echo(f"cleared: {one}", err=True)


for _name, _text, _done in _OF_NODES:
    fault.add_command(_of_node(_name, _text, _done))
for _name, _text, _done in _OF_PROCESSES:
    fault.add_command(_of_process(_name, _text, _done))
for _name, _example, _text in _OF_CABLES:
    fault.add_command(_of_cable(_name, _example, _text))
