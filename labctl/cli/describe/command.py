"""`labctl describe`."""

from collections.abc import Awaitable, Callable

import click

from labctl.api.kinds.apps import DEPLOYMENTS, REPLICASETS
from labctl.api.kinds.coordination import LEASES
from labctl.api.kinds.core import NODES, PODS
from labctl.api.objects import Obj, controller_of, name, namespace, uid
from labctl.api.resource import Resource
from labctl.cli.completion import complete_object
from labctl.cli.describe.events import event_lines, events_of
from labctl.cli.describe.generic import generic_lines
from labctl.cli.describe.node import node_lines
from labctl.cli.describe.pod import pod_lines
from labctl.cli.describe.tabular import aligned
from labctl.cli.describe.workloads import deployment_lines, replicaset_lines
from labctl.cli.options import lab_option, namespace_option, selector_option
from labctl.cli.session import ask, kinds
from labctl.client.client import Client
from labctl.errors import StatusError
from labctl.lab.rollout import revisions
from labctl.lab.words import Target, targets

_FINISHED = ("Succeeded", "Failed")


@click.command(epilog="Examples: labctl describe pod web-abc · labctl describe node/node1")
@click.argument("words", nargs=-1, metavar="KIND [NAME...]", shell_complete=complete_object)
@namespace_option
@click.option("-A", "--all-namespaces", is_flag=True, help="Objects of all namespaces.")
@selector_option
@lab_option
def describe(
    words: tuple[str, ...], namespace: str, all_namespaces: bool, selector: str, lab: str
) -> None:
    """Print objects in detail, each with its events."""
    found = targets(words, kinds(lab, words))
    space = "" if all_namespaces else namespace

    async def work(client: Client) -> None:
        parts = []
        for target in found:
            objects = await _objects(client, target, space, selector)
            parts += [aligned(await _lines(client, target.resource, obj)) for obj in objects]
        if not parts:
            click.echo(f"No resources found{f' in {space} namespace.' if space else ''}", err=True)
        click.echo("\n\n".join(parts), nl=False)

    ask(lab, work)


async def _objects(client: Client, target: Target, space: str, selector: str) -> list[Obj]:
    space = space if target.resource.namespaced else ""
    if target.name:
        return [await client.get(target.resource, target.name, space)]
    return (await client.list(target.resource, space, labels=selector)).items


async def _lines(client: Client, resource: Resource, obj: Obj) -> list[str]:
    describer = _DESCRIBERS.get(resource)
    lines = await describer(client, obj) if describer else generic_lines(obj)
    return [*lines, *event_lines(await events_of(client, obj))]


async def _pod(_client: Client, pod: Obj) -> list[str]:
    return pod_lines(pod)


async def _deployment(client: Client, deployment: Obj) -> list[str]:
    return deployment_lines(deployment, await revisions(client, deployment))


async def _replicaset(client: Client, replicaset: Obj) -> list[str]:
    pods = (await client.list(PODS, namespace(replicaset))).items
    own = [pod for pod in pods if (controller_of(pod) or {}).get("uid") == uid(replicaset)]
    return replicaset_lines(replicaset, own)


async def _node(client: Client, node: Obj) -> list[str]:
    pods = (await client.list(PODS, fields=f"spec.nodeName={name(node)}")).items
    going = [pod for pod in pods if (pod.get("status") or {}).get("phase") not in _FINISHED]
    try:
        lease = await client.get(LEASES, name(node), "kube-node-lease")
    except StatusError:
        lease = None
    return node_lines(node, lease, going)


_DESCRIBERS: dict[Resource, Callable[[Client, Obj], Awaitable[list[str]]]] = {
    PODS: _pod,
    DEPLOYMENTS: _deployment,
    REPLICASETS: _replicaset,
    NODES: _node,
}
