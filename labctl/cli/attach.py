"""`labctl attach`: what a container says, and hears, from now on."""

import sys

import click

from labctl import names
from labctl.api.objects import Obj, name
from labctl.api.objects import namespace as namespace_of
from labctl.cli import terminal
from labctl.cli.completion import complete_container, complete_pod
from labctl.cli.options import lab_option, namespace_option
from labctl.cli.session import ask, asking_for_a_container
from labctl.client.client import Client
from labctl.lab.containers import choose, container_spec
from labctl.lab.places import find_pod


@click.command(epilog="Examples: labctl attach web-abc · labctl attach -it shell")
@click.argument("pod", shell_complete=complete_pod)
@click.option(
    "-c", "--container", default="", shell_complete=complete_container, help="Which container."
)
@click.option("-i", "--stdin", is_flag=True, help="Pass standard input on.")
@click.option("-t", "--tty", is_flag=True, help="Use the container's terminal.")
@namespace_option
@lab_option
def attach(pod: str, container: str, stdin: bool, tty: bool, namespace: str, lab: str) -> None:
    """Join what runs in a container of POD, until it ends."""

    async def work(client: Client) -> None:
        found = await find_pod(client, pod, namespace)
        chosen, note = choose(found, container)
        if note:
            click.echo(note, err=True)
        await _join(lab, found, chosen, stdin=stdin, tty=tty)

    ask(lab, work)


async def _join(lab: str, pod: Obj, container: str, *, stdin: bool, tty: bool) -> None:
    from labctl.client.http import HttpTransport
    from labctl.client.stream import attach_stream

    spec = container_spec(pod, container)
    if stdin and not spec.get("stdin"):
        click.echo(f"container {container} has no stdin: nothing is passed on", err=True)
        stdin = False
    if tty and not (spec.get("tty") and sys.stdin.isatty()):
        click.echo(f"Unable to use a TTY - container {container} or stdin has none", err=True)
        tty = False
    transport = HttpTransport.unix(names.api_socket(lab))
    try:
        with asking_for_a_container(), terminal.raw_mode(tty):
            await attach_stream(
                transport,
                namespace_of(pod),
                name(pod),
                container,
                stdin=terminal.input_chunks() if stdin else None,
                stdout=terminal.writer(sys.stdout.buffer),
                stderr=terminal.writer(sys.stderr.buffer),
                tty=tty,
                resize=terminal.sizes() if tty else None,
            )
    finally:
        await transport.close()
