"""`labctl port-forward`: ports of this host that lead into a pod, TCP and UDP."""

import asyncio
import contextlib
import socket

import click

from labctl import names
from labctl.api.kinds.core import SERVICES
from labctl.api.objects import Obj, name
from labctl.api.objects import namespace as namespace_of
from labctl.cli.completion import complete_pod
from labctl.cli.options import lab_option, namespace_option
from labctl.cli.session import ask
from labctl.client.client import Client
from labctl.errors import LabError
from labctl.lab.places import find_pod
from labctl.lab.ports import PortWish, parse_port, remote_port
from labctl.lab.words import find_resource


@click.command(
    "port-forward",
    epilog="Examples: labctl port-forward deploy/web 8080:80 · labctl port-forward dns 5353:53/udp",
)
@click.argument("pod", shell_complete=complete_pod)
@click.argument("ports", nargs=-1, required=True, metavar="[LOCAL:]REMOTE[/udp]…")
@click.option("--address", default="127.0.0.1", help="Where to listen; 127.0.0.1 by default.")
@namespace_option
@lab_option
def port_forward(pod: str, ports: tuple[str, ...], address: str, namespace: str, lab: str) -> None:
    """Forward ports of this host to POD (or svc/NAME), until interrupted."""
    wishes = [parse_port(word) for word in ports]

    async def work(client: Client) -> None:
        found = await find_pod(client, pod, namespace)
        phase = (found.get("status") or {}).get("phase")
        if phase != "Running":
            raise LabError(f"pod {name(found)} is not running ({phase})")
        service = await _service(client, pod, namespace_of(found))
        await _forward(lab, found, service, wishes, address)

    ask(lab, work)


async def _service(client: Client, word: str, space: str) -> Obj | None:
    """The Service through which the pod was named."""
    kind, slash, at = word.partition("/")
    if not slash or find_resource(kind) != SERVICES:
        return None
    return await client.get(SERVICES, at.partition(".")[0], space)


async def _forward(
    lab: str, pod: Obj, service: Obj | None, wishes: list[PortWish], address: str
) -> None:
    from labctl.client.forward import Forwarder, Way, listen
    from labctl.client.http import HttpTransport

    transport = HttpTransport.unix(names.api_socket(lab))
    forwarder = Forwarder(transport, namespace_of(pod), name(pod), _complain)
    with contextlib.ExitStack() as stack:
        open_ways: list[tuple[socket.socket, Way]] = []
        for wish in wishes:
            remote = remote_port(wish, pod, service)
            way = Way(remote if wish.local is None else wish.local, remote, wish.protocol)
            local = stack.enter_context(listen(address, way))
            open_ways.append((local, way))
            click.echo(f"Forwarding from {address}:{local.getsockname()[1]} -> {way.end}")
        try:
            async with asyncio.TaskGroup() as group:
                for local, way in open_ways:
                    group.create_task(forwarder.serve(local, way))
        finally:
            await transport.close()


def _complain(sentence: str) -> None:
    click.echo(f"error: {sentence}", err=True)
