"""`labctl debug`: the host's tools in a pod's namespaces."""

import sys
from collections.abc import AsyncIterator

import click

from labctl.api.objects import Obj
from labctl.cli import terminal
from labctl.cli.attach import join
from labctl.cli.completion import complete_container, complete_pod
from labctl.cli.logs import copy_log
from labctl.cli.options import lab_option, namespace_option
from labctl.cli.session import ask
from labctl.client.client import Client
from labctl.errors import StatusError
from labctl.lab.debugging import add_tool, until_begun, until_ended
from labctl.lab.places import find_placed_pod


@click.command(
    epilog="Examples: labctl debug web-abc -it · labctl debug web-abc -- tcpdump -ni eth0 -c 5"
)
@click.argument("pod", shell_complete=complete_pod)
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@click.option(
    "-c",
    "--target",
    "--container",
    default="",
    shell_complete=complete_container,
    help="See this container's processes.",
)
@click.option("-i", "--stdin", is_flag=True, help="Pass standard input on.")
@click.option("-t", "--tty", is_flag=True, help="Give the command a terminal.")
@namespace_option
@lab_option
def debug(
    pod: str,
    command: tuple[str, ...],
    target: str,
    stdin: bool,
    tty: bool,
    namespace: str,
    lab: str,
) -> int:
    """Run COMMAND, or a shell, with the host's tools beside what runs in POD.

    It is a new container, with the pod's network and files of its own; its exit code is labctl's.
    """
    if tty and not sys.stdin.isatty():
        click.echo("Unable to use a TTY - input is not a terminal", err=True)
        tty = False

    async def work(client: Client) -> int:
        found = await find_placed_pod(client, pod, namespace)
        tool = await add_tool(client, found, target, command, tty=tty)
        running = await until_begun(client, found, tool)
        chunks = terminal.input_chunks() if stdin else terminal.no_input()
        if not (running and await _joined(lab, found, tool, chunks, tty=tty)):
            await copy_log(client, found, {"container": tool})
        code, why = await until_ended(client, found, tool)
        if why:
            click.echo(f"error: {why}", err=True)
        return code

    return ask(lab, work)


async def _joined(lab: str, pod: Obj, tool: str, stdin: AsyncIterator[bytes], *, tty: bool) -> bool:
    """Whether there was anything left to join: some commands are done at once."""
    try:
        await join(lab, pod, tool, stdin, tty=tty)
    except StatusError as error:
        if error.code != 404:
            raise
        return False
    return True
