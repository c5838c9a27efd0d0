"""`labctl exec`: a command in a container, with its exit code."""

import sys
from collections.abc import Sequence

import click

from labctl import names
from labctl.api.objects import Obj, name
from labctl.api.objects import namespace as namespace_of
from labctl.cli import terminal
from labctl.cli.completion import complete_container, complete_pod
from labctl.cli.options import lab_option, namespace_option
from labctl.cli.session import ask, asking_for_a_container
from labctl.client.client import Client
from labctl.errors import BadInput
from labctl.lab.containers import choose
from labctl.lab.places import find_placed_pod


@click.command(
    "exec",
    epilog="Examples: labctl exec web-abc -- ip route · labctl exec -it deploy/web -- bash",
)
@click.argument("pod", shell_complete=complete_pod)
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@click.option(
    "-c", "--container", default="", shell_complete=complete_container, help="Which container."
)
@click.option("-i", "--stdin", is_flag=True, help="Pass standard input on.")
@click.option("-t", "--tty", is_flag=True, help="Give the command a terminal.")
@namespace_option
@lab_option
def exec_(
    pod: str,
    command: tuple[str, ...],
    container: str,
    stdin: bool,
    tty: bool,
    namespace: str,
    lab: str,
) -> int:
    """Run COMMAND in a container of POD; its exit code is labctl's."""
    if not command:
        raise BadInput("no command was given", f"labctl exec {pod} -- COMMAND")
    if tty and not sys.stdin.isatty():
        click.echo("Unable to use a TTY - input is not a terminal", err=True)
        tty = False

    async def work(client: Client) -> int:
        found = await find_placed_pod(client, pod, namespace)
        chosen, note = choose(found, container)
        if note:
            click.echo(note, err=True)
        return await _run(lab, found, chosen, command, stdin=stdin, tty=tty)

    return ask(lab, work)


async def _run(
    lab: str, pod: Obj, container: str, command: Sequence[str], *, stdin: bool, tty: bool
) -> int:
    from labctl.client.http import HttpTransport
    from labctl.client.stream import exec_stream

    transport = HttpTransport.unix(names.api_socket(lab))
    try:
        with asking_for_a_container(), terminal.raw_mode(tty):
            return await exec_stream(
                transport,
                namespace_of(pod),
                name(pod),
                container,
                command,
                stdin=terminal.input_chunks() if stdin else None,
                stdout=terminal.writer(sys.stdout.buffer),
                stderr=terminal.writer(sys.stderr.buffer),
                tty=tty,
                resize=terminal.sizes() if tty else None,
            )
    finally:
        await transport.close()
