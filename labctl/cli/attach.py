"""`labctl attach`: what a container says, and hears, from now on."""

import sys
from collections.abc import AsyncIterator

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
from labctl.lab.places import find_placed_pod


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
        found = await find_placed_pod(client, pod, namespace)
        chosen, note = choose(found, container)
        if note:
            click.echo(note, err=True)
        with_stdin, with_tty = _possible(container_spec(found, chosen), stdin, tty)
        chunks = terminal.input_chunks() if with_stdin else None
        with asking_for_a_container():
            await join(lab, found, chosen, chunks, tty=with_tty)

    ask(lab, work)


def _possible(container: Obj, stdin: bool, tty: bool) -> tuple[bool, bool]:
    """What of the two the container, and this terminal, allow; says what they do not."""
    at = container["name"]
    if stdin and not container.get("stdin"):
        click.echo(f"container {at} has no stdin: nothing is passed on", err=True)
        stdin = False
    if tty and not (container.get("tty") and sys.stdin.isatty()):
        click.echo(f"Unable to use a TTY - container {at} or stdin has none", err=True)
        tty = False
    return stdin, tty


async def join(
    lab: str, pod: Obj, container: str, stdin: AsyncIterator[bytes] | None, *, tty: bool
) -> None:
    """Passes on what the container says, and `stdin`, until it ends. Raises StatusError."""
    from labctl.client.http import HttpTransport
    from labctl.client.stream import attach_stream

    transport = HttpTransport.unix(names.api_socket(lab))
    try:
        with terminal.raw_mode(tty):
            await attach_stream(
                transport,
                namespace_of(pod),
                name(pod),
                container,
                stdin=stdin,
                stdout=terminal.writer(sys.stdout.buffer),
                stderr=terminal.writer(sys.stderr.buffer),
                tty=tty,
                resize=terminal.sizes() if tty else None,
            )
    finally:
        await transport.close()
