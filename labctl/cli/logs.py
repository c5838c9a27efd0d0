"""`labctl logs`: what a container wrote."""

import contextlib
import sys

import click

from labctl.api.objects import Obj, name, namespace
from labctl.cli.completion import complete_container, complete_pod
from labctl.cli.options import lab_option, namespace_option
from labctl.cli.session import ask, asking_for_a_container
from labctl.client.client import Client
from labctl.client.unix import UnixTransport
from labctl.lab.containers import choose, container_names
from labctl.lab.places import find_placed_pod
from labctl.lab.waiting import duration


@click.command(epilog="Examples: labctl logs web-abc -f · labctl logs deploy/web --tail 20")
@click.argument("pod", shell_complete=complete_pod)
@click.option(
    "-c", "--container", default="", shell_complete=complete_container, help="Which container."
)
@click.option("-f", "--follow", is_flag=True, help="Go on as more is written.")
@click.option("-p", "--previous", is_flag=True, help="Of the run before the last restart.")
@click.option("--tail", type=int, default=-1, metavar="N", help="Only the last N lines.")
@click.option("--since", default="", metavar="TIME", help="Only what is younger: 10s, 5m.")
@click.option("--timestamps", is_flag=True, help="Each line with its time.")
@click.option("--all-containers", is_flag=True, help="Of all containers, one after the other.")
@namespace_option
@lab_option
def logs(
    pod: str,
    container: str,
    follow: bool,
    previous: bool,
    tail: int,
    since: str,
    timestamps: bool,
    all_containers: bool,
    namespace: str,
    lab: str,
) -> None:
    """Print the log of POD's container; of a stand-in, its access lines."""
    query = {
        "follow": "true" if follow else "",
        "previous": "true" if previous else "",
        "timestamps": "true" if timestamps else "",
        "tailLines": str(tail) if tail >= 0 else "",
        "sinceSeconds": str(max(1, int(duration(since)))) if since else "",
    }
    query = {key: value for key, value in query.items() if value}

    async def work(client: Client) -> None:
        found = await find_placed_pod(client, pod, namespace)  # else the answer would be empty
        for one in container_names(found) if all_containers else [_chosen(found, container)]:
            with asking_for_a_container():
                await copy_log(client, found, {**query, "container": one})

    ask(lab, work)


def _chosen(pod: Obj, wanted: str) -> str:
    chosen, note = choose(pod, wanted)
    if note:
        click.echo(note, err=True)
    return chosen


async def copy_log(client: Client, pod: Obj, query: dict[str, str]) -> None:
    """Prints a container's log, as `query` asks the API for it."""
    transport = client.transport
    assert isinstance(transport, UnixTransport)
    path = f"/api/v1/namespaces/{namespace(pod)}/pods/{name(pod)}/log"
    async with contextlib.aclosing(transport.raw(path, query)) as chunks:
        async for chunk in chunks:
            sys.stdout.buffer.write(chunk)
            sys.stdout.buffer.flush()
